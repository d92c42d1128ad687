"""Text from strangers, made safe to keep and to show."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.untrusted import (
    count_controls,
    mail_line,
    one_line,
    paragraphs,
    plain_line,
    printable,
    slack_text,
    without_controls,
)

ANY_TEXT = st.text(
    st.characters() | st.sampled_from("\x00\x1b\n\r\t \u00ad\u202e\u2028\ud83d\ude00")
)


def test_controls_and_surrogates_become_spaces():
    assert without_controls("a\x00b\x1bc\ud800d\te\nf") == "a b c d\te\nf"
    assert count_controls("a\x00b\x1bc\ud800d\te\nf") == 3


def test_a_line_has_single_spaces():
    assert one_line("\n a \t b\u2028c ") == "a b c"


@pytest.mark.parametrize(
    ("value", "line"),
    [
        ("<b>Grain</b> talks\n", "Grain talks"),
        ("&amp;lt;b&amp;gt;Grain &amp;amp; rice", "Grain & rice"),
        ("Gr\u00adain\x07talks", "Grain talks"),
        ("Grain talks run late", "Grain talks"),
        ("5 < 6 > 4", "5 < 6 > 4"),
        (7, ""),
        (None, ""),
    ],
)
def test_a_plain_line_has_no_markup(value, line):
    assert plain_line(value, 12) == line


def test_paragraphs_have_a_line_each():
    assert paragraphs(" one \x07 two\n \n\t three \r\n") == "one two\nthree"


def test_mail_and_slack_and_terminals_differ_where_they_must():
    text = " a\u202eb\ud83d\ude00\u200bc\ud800\nd "
    assert mail_line(text) == "ab\U0001f600c\ufffd d"
    assert slack_text(text) == " ab\u200bc d "
    assert printable(text) == " a b   c  d "


@given(ANY_TEXT)
def test_any_text_becomes_safe(text):
    kept = paragraphs(text)
    assert not count_controls(kept)
    assert "\n\n" not in kept
    assert len(printable(text)) == len(text)
    for line in (printable(text), mail_line(text), slack_text(text)):
        assert not set("\x00\x1b\n\r\u202e") & set(line)
    mail_line(text).encode()
    slack_text(text).encode()
    plain_line(text, 40).encode()
