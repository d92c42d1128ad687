"""Recognising texts that are one story."""

import random
import unicodedata

import pytest
import regex
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.articles.stories import (
    FEWEST,
    KEYS,
    LENGTH,
    SIZE,
    Sketch,
    same_story,
    sketch,
    sketch_shingles,
)

RNG = random.Random(1)
LETTERS = "abcdefghijklmnopqrstuvwxyz"
WORDS = ["".join(RNG.choices(LETTERS, k=RNG.randint(2, 9))) for _ in range(800)]
FURNITURE = [
    "Subscribe to our newsletter and get the most important stories in your inbox.",
    "Follow us on social media, or download our app to read the news wherever you are.",
    "All rights reserved; no part of this text may be reproduced without permission.",
]

# Sketches of 40 sentences take a millisecond each; this many examples are enough.
quick = settings(max_examples=30, derandomize=True, deadline=None)


def sentences(seed, count=40, words=WORDS):
    rng = random.Random(seed)
    return [" ".join(rng.choices(words, k=15)) + "." for _ in range(count)]


def characters(seed, first, last, count=600):
    """Returns a text without spaces, of the characters between two code points."""
    alphabet = [chr(number) for number in range(ord(first), ord(last) + 1)]
    return "".join(random.Random(seed).choices(alphabet, k=count))


def alike(first, second):
    return same_story(sketch(" ".join(first)), sketch(" ".join(second)))


def reworded(text, rng):
    """Replaces one word in twenty with another."""
    return [
        " ".join(rng.choice(WORDS) if rng.random() < 0.05 else word for word in sentence.split())
        for sentence in text
    ]


AGENCY = sentences(1)


@pytest.mark.parametrize("start", [0, 8, 16], ids=["the beginning", "the middle", "the end"])
def test_an_agency_text_cut_to_sixty_per_cent_is_the_same_story(start):
    assert alike(AGENCY, AGENCY[start : start + 24])


def test_a_text_under_another_title_is_the_same_story():
    assert alike(AGENCY, ["Envoys return to the table as talks resume", *AGENCY])


def test_a_text_with_one_sentence_in_ten_replaced_is_the_same_story():
    copy = list(AGENCY)
    copy[3:7] = sentences(2, 4)
    assert alike(AGENCY, copy)


def test_a_text_with_one_word_in_twenty_replaced_is_the_same_story():
    assert alike(AGENCY, reworded(AGENCY, random.Random(3)))


def test_a_text_with_the_furniture_of_another_publisher_is_the_same_story():
    assert alike(AGENCY, FURNITURE[:2] + AGENCY + FURNITURE[2:])


@pytest.mark.parametrize("start", [0, 8, 16], ids=["the beginning", "the middle", "the end"])
def test_a_text_with_all_of_these_changes_is_the_same_story_and_found_by_its_keys(start):
    copy = AGENCY[start : start + 24]
    copy[5], copy[10] = sentences(4, 2)
    copy = ["Another title", *FURNITURE[:2], *reworded(copy, random.Random(5)), FURNITURE[2]]
    assert alike(AGENCY, copy)
    assert set(sketch(" ".join(AGENCY)).keys) & set(sketch(" ".join(copy)).keys)


def test_two_cuts_of_a_text_are_one_story():
    assert alike(AGENCY[:30], AGENCY[10:])


def test_a_short_cut_is_the_same_story_although_its_resemblance_is_low():
    # A fifth of all shingles of both are common, and the whole of the shorter text.
    assert alike(AGENCY, AGENCY[:8])


def test_other_texts_are_other_stories():
    assert not any(alike(AGENCY, sentences(seed)) for seed in range(10, 60))


def test_common_furniture_does_not_make_a_story():
    assert not alike(sentences(2, 8) + FURNITURE, sentences(3, 30) + FURNITURE)


def test_a_common_quotation_does_not_make_a_story():
    assert not alike(AGENCY[:8] + sentences(5, 32), AGENCY[:8] + sentences(6, 32))


def test_a_short_text_inside_a_very_long_one_is_not_left_to_chance():
    assert not alike(sentences(7, 4), sentences(8, 1000))


def test_case_punctuation_and_line_breaks_make_no_difference():
    text = " ".join(AGENCY)
    assert sketch(text) == sketch(text.upper().replace(".", " –").replace(" ", "\n"))


def test_soft_hyphens_and_the_normal_form_of_accents_make_no_difference():
    words = [f"{word}é{word}" for word in WORDS]
    text = " ".join(sentences(1, words=words))
    assert sketch(text) == sketch(unicodedata.normalize("NFD", text))
    assert sketch(text) == sketch(text.replace("é", "é\u00ad"))


def test_a_text_that_is_too_short_has_no_sketch():
    assert sketch("") is None
    assert sketch(" … \n") is None
    assert sketch(" ".join(AGENCY[:2])) is None
    words = [f"w{number}" for number in range(FEWEST + 3)]
    assert sketch(" ".join(words)) is not None
    assert sketch(" ".join(words[1:])) is None


def test_repeating_a_word_does_not_make_a_text_long():
    assert sketch("again " * 1000) is None


@pytest.mark.parametrize(
    ("first", "last"),
    [("一", "俿"), ("ぁ", "ゖ"), ("ァ", "ヺ"), ("ก", "ฮ"), ("က", "အ"), ("ក", "អ")],
    ids=["Han", "Hiragana", "Katakana", "Thai", "Myanmar", "Khmer"],
)
def test_characters_count_as_words_in_scripts_without_spaces(first, last):
    text, other = characters(1, first, last), characters(2, first, last)
    assert same_story(sketch(text), sketch(text[100:460]))
    assert same_story(sketch(text), sketch(f"{other[:60]}。{text[100:460]}"))
    assert not same_story(sketch(text), sketch(other))


def test_chinese_with_names_in_latin_letters_is_read_as_chinese():
    text = characters(1, "一", "俿", 120) + " NATO 2026 " + characters(2, "一", "俿", 120)
    assert same_story(sketch(text), sketch(text.replace(" NATO 2026 ", "NATO2026")))


def test_shingles_of_thai_letters_are_longer_than_those_of_words():
    # Syllables are not phrases: unrelated texts share nearly all runs of four of a few syllables.
    syllables = [characters(seed, "ก", "ฮ", 3) for seed in range(30)]
    first, second = ("".join(random.Random(seed).choices(syllables, k=500)) for seed in (1, 2))
    assert not same_story(sketch(first), sketch(second))
    assert same_story(sketch(first), sketch(first[300:1200]))


def test_the_vowel_signs_of_hindi_are_part_of_a_word():
    # Without them these are the same consonants in the same order.
    rng = random.Random(1)
    bare = ["".join(rng.choices("कखगघचजटडतदनपबमरलसह", k=3)) for _ in range(200)]
    first = " ".join(f"{word[0]}ि{word[1:]}" for word in bare)
    second = " ".join(f"{word[0]}ु{word[1:]}" for word in bare)
    assert same_story(sketch(first), sketch(first))
    assert not same_story(sketch(first), sketch(second))


def test_sketches_never_change_since_they_are_stored():
    drawn = sketch(" ".join(AGENCY))
    assert drawn.keys[:3] == (2135122, 11197747, 21287067)
    assert drawn.to_bytes()[:12].hex() == "5294200033ddaa009bd04401"
    assert sketch(characters(1, "一", "俿")).keys[:2] == (9732346, 13419417)
    assert sketch(characters(1, "ก", "ฮ")).keys[:2] == (4995761, 28985044)


@given(st.integers(0, 1000), st.integers(3, 60))
@quick
def test_a_sketch_is_the_same_story_as_itself_and_survives_the_store(seed, count):
    drawn = sketch(" ".join(sentences(seed, count)))
    assert same_story(drawn, drawn)
    assert Sketch.from_bytes(drawn.to_bytes()) == drawn
    assert list(drawn.hashes) == sorted(set(drawn.hashes))
    assert len(drawn.hashes) <= SIZE
    assert drawn.keys == drawn.hashes[:KEYS]


@given(st.sets(st.integers(0, 2**32 - 1), max_size=SIZE))
@quick
def test_any_sketch_survives_the_store(hashes):
    drawn = Sketch(tuple(sorted(hashes)))
    assert Sketch.from_bytes(drawn.to_bytes()) == drawn


@given(st.integers(0, 100), st.integers(0, 100), st.integers(3, 80), st.integers(3, 80))
@quick
def test_the_order_of_two_texts_makes_no_difference(seed, other_seed, count, other_count):
    first = sketch(" ".join(sentences(seed, count)))
    second = sketch(" ".join(sentences(other_seed, other_count)))
    assert same_story(first, second) == same_story(second, first)


@given(
    st.sets(st.integers(0, 2**32 - 1), max_size=SIZE),
    st.sets(st.integers(0, 2**32 - 1), max_size=SIZE),
)
@quick
def test_the_order_of_any_two_sketches_makes_no_difference(hashes, other_hashes):
    first, second = Sketch(tuple(sorted(hashes))), Sketch(tuple(sorted(other_hashes)))
    assert same_story(first, second) == same_story(second, first)


@given(st.text(st.characters(), max_size=200))
@settings(max_examples=100, derandomize=True, deadline=None)
def test_any_text_has_a_sketch_or_none(text):
    drawn = sketch(text)
    assert drawn is None or same_story(drawn, drawn)


def test_lone_surrogates_are_ignored():
    assert sketch("\ud800 \udfff" * 100) is None
    assert sketch(" \ud800 ".join(AGENCY)) == sketch(" ".join(AGENCY))


@given(st.text(st.characters(max_codepoint=0xDFF), max_size=80))
def test_shingles_are_those_of_the_words_that_a_pattern_finds(text):
    plain = unicodedata.normalize("NFC", text.casefold().replace("\u00ad", ""))
    words = regex.findall(r"[^\W_]+", plain)
    expected = [" ".join(words[at : at + LENGTH]) for at in range(len(words) - LENGTH + 1)]
    assert [shingle.decode() for shingle in sketch_shingles(text)] == expected
