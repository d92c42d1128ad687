"""Which texts are one story."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.articles.stories import SIZE, Sketch, same_story, sketch

RNG = random.Random(1)
LETTERS = "abcdefghijklmnopqrstuvwxyz"
WORDS = ["".join(RNG.choices(LETTERS, k=RNG.randint(2, 9))) for _ in range(800)]


def sentences(seed, count=40, words=WORDS):
    rng = random.Random(seed)
    return [" ".join(rng.choices(words, k=15)) + "." for _ in range(count)]


def alike(one, other):
    return same_story(sketch(" ".join(one)), sketch(" ".join(other)))


AGENCY = sentences(1)


@pytest.mark.parametrize("start", [0, 8, 16])
def test_an_agencys_text_cut_to_sixty_per_cent_is_the_same_story(start):
    assert alike(AGENCY, AGENCY[start : start + 24])


def test_cut_edited_and_between_other_furniture_it_still_is():
    copy = sentences(2, 2) + AGENCY[:24] + sentences(3, 2)
    copy[5], copy[10] = sentences(4, 2)
    assert alike(AGENCY, copy)


def test_two_cuts_of_a_text_are_one_story():
    assert alike(AGENCY[:30], AGENCY[10:])


def test_other_texts_are_other_stories():
    assert not any(alike(AGENCY, sentences(seed)) for seed in range(10, 60))


def test_a_quotation_in_both_makes_no_story():
    assert not alike(AGENCY[:8] + sentences(5, 32), AGENCY[:8] + sentences(6, 32))


def test_case_punctuation_and_line_breaks_make_no_difference():
    text = " ".join(AGENCY)
    assert sketch(text) == sketch(text.upper().replace(".", " –").replace(" ", "\n"))


def test_a_short_text_within_a_very_long_one_is_not_left_to_chance():
    assert not alike(sentences(7, 4), sentences(8, 1000))


def test_a_text_too_short_to_tell_has_no_sketch():
    assert sketch("") is None
    assert sketch(" ".join(AGENCY[:2])) is None


def test_scripts_without_spaces_have_characters_for_words():
    han = [chr(number) for number in range(0x4E00, 0x4E00 + 400)]
    text = "".join(random.Random(1).choices(han, k=600))
    other = "".join(random.Random(2).choices(han, k=600))
    assert same_story(sketch(text), sketch(text[100:]))
    assert not same_story(sketch(text), sketch(other))


def test_sketches_are_the_same_in_every_version_for_they_are_kept():
    assert sketch(" ".join(AGENCY)).index[:3] == (2135122, 11197747, 21287067)


@given(st.integers(0, 1000), st.integers(3, 60))
def test_a_text_is_its_own_story_and_survives_the_store(seed, count):
    drawn = sketch(" ".join(sentences(seed, count)))
    assert same_story(drawn, drawn)
    assert Sketch.from_bytes(drawn.to_bytes()) == drawn
    assert len(drawn.hashes) <= SIZE
    assert set(drawn.index) <= set(drawn.hashes)


@given(st.integers(0, 100), st.integers(0, 100), st.integers(3, 80), st.integers(3, 80))
def test_it_does_not_matter_which_text_was_first(one, other, long, short):
    first, second = (
        sketch(" ".join(sentences(one, long))),
        sketch(" ".join(sentences(other, short))),
    )
    assert same_story(first, second) == same_story(second, first)


@given(st.text())
def test_any_text_has_a_sketch_or_none(text):
    drawn = sketch(text * 50)
    assert drawn is None or same_story(drawn, drawn)
