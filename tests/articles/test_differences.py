"""What a telling of a story has that the one before has not."""

import time

from monitor.articles.differences import ChangedSentence, text_difference

BEFORE = "The council met on Monday. Little was said. It rained.\nNobody spoke to the press."


def test_sentences_are_added_changed_left_out_and_kept():
    now = "The council met on Tuesday. It rained.\nNobody spoke to the press. An envoy was seen."
    found = text_difference(BEFORE, now)
    assert found.added == ("An envoy was seen.",)
    assert found.changed == (
        ChangedSentence("The council met on Tuesday.", "The council met on Monday."),
    )
    ((start, end),) = found.changed[0].spans
    assert found.changed[0].now[start:end] == "Tuesday"
    assert found.removed == ("Little was said.",)
    assert found.kept == 2


def test_case_space_and_punctuation_make_no_difference():
    found = text_difference(BEFORE, BEFORE.upper().replace(" ", "  ").replace(".\n", "!\n"))
    assert (found.added, found.changed, found.removed, found.kept) == ((), (), (), 4)


def test_sentences_without_spaces_between_them_are_told_apart():
    found = text_difference(
        "会議は月曜日に開かれた。雨が降った。", "雨が降った。誰も話さなかった。"
    )
    assert (found.added, found.kept) == (("誰も話さなかった。",), 1)


def test_a_comparison_takes_no_longer_for_hostile_texts():
    texts = [
        "a. " * 100_000,
        ("a b c d e f " * 8 + ". ") * 600,
        ("a b c d x f " * 8 + ". ") * 600,
        "a " * 100_000,
        "." * 100_000,
    ]
    begun = time.process_time()
    for before in texts:
        for now in texts:
            for changed in text_difference(before, now).changed[:8]:
                assert changed.spans
    assert time.process_time() - begun < 10
