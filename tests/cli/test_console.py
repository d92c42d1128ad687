"""Alerts as blocks that fit the terminal."""

import os
import sys

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.cli import console

TEXT = "the envoys of thirty-two countries met at the NATO-Russia Council on Monday, 会議 in all"
DOCUMENT = {
    "watchlist": "talks",
    "priority": "normal",
    "detected_at": "2026-11-23T09:00:00Z",
    "article": {
        "title": "Envoys meet for the first time in many months, and say little",
        "source": "Herald",
        "url": "https://a.example/2026/11/23/envoys-meet-for-the-first-time-in-many-months",
        "published_at": None,
    },
    "snippets": [{"text": TEXT, "highlights": [[46, 66]]}],
}


@pytest.mark.parametrize("width", [1, 20, 40, 79, 80])
def test_a_block_fits_and_loses_no_word(width):
    shown = click.unstyle(console.block(DOCUMENT, width))
    for line in shown.splitlines():
        assert len(line) <= width or " " not in line.strip()
    for text in (TEXT, DOCUMENT["article"]["title"], DOCUMENT["article"]["url"]):
        assert text in " ".join(shown.split())


def test_wide_characters_take_two_columns_and_marks_none():
    assert console.wrapped("会議 会議", 9) == "会議 会議"
    assert console.wrapped("会議 会議", 8) == "会議\n会議"
    assert console.wrapped("e\u0301e\u0301 e\u0301", 4) == "e\u0301e\u0301 e\u0301"


words = st.text("ab \u4f1a", max_size=12)


@given(st.lists(st.tuples(words, st.booleans())), st.integers(1, 30))
def test_styles_change_neither_the_breaks_nor_themselves(pieces, width):
    plain = "".join(text for text, _ in pieces)
    styled = "".join(click.style(text, fg="green") if style else text for text, style in pieces)
    wrapped = console.wrapped(styled, width)
    assert wrapped.count("\x1b[32m") == styled.count("\x1b[32m")
    assert wrapped.count("\x1b[0m") == styled.count("\x1b[0m")
    if not plain.startswith(" ") and not any(text.startswith(" ") for text, _ in pieces):
        assert click.unstyle(wrapped) == console.wrapped(plain, width)


@pytest.mark.parametrize(("columns", "expected"), [(40, 40), (200, 80)])
def test_the_width_is_that_of_the_terminal_up_to_a_limit(columns, expected, monkeypatch):
    monkeypatch.delenv("COLUMNS", raising=False)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setattr(os, "get_terminal_size", lambda _: os.terminal_size((columns, 24)))
    assert console.terminal_width() == expected


def test_output_that_is_not_a_terminal_has_the_full_width(monkeypatch):
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.setattr(sys.stdout, "isatty", lambda: False)
    assert console.terminal_width() == 80
