"""Cuts texts that are longer than a channel accepts, or than anybody reads. Pure."""

from __future__ import annotations

import regex

ELLIPSIS = "…"
_GRAPHEME = regex.compile(r"\X")


def cut(text: str, max_length: int) -> str:
    """Shortens a text to at most `max_length` code points; it ends with an ellipsis if it was cut.

    A grapheme (UAX #29) is left out rather than cut, unless it is the first one.
    """
    if len(text) <= max_length:
        return text
    end = 0
    for grapheme in _GRAPHEME.finditer(text, 0, max_length + 1):
        # A grapheme that reaches the end of the window may continue beyond it.
        if grapheme.end() >= max_length:
            break
        end = grapheme.end()
    return text[: end or max_length - 1] + ELLIPSIS
