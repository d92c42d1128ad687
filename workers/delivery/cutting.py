"""Cuts texts that are longer than a channel accepts, or than anybody reads. Pure."""

from __future__ import annotations

import regex

ELLIPSIS = "…"
_GRAPHEME = regex.compile(r"\X")


def cut(text: str, most: int) -> str:
    """Returns the beginning of a text, in at most `most` code points; ends in an ellipsis if cut.

    A grapheme (UAX #29) is left out rather than cut, unless it is the first one.
    """
    if len(text) <= most:
        return text
    end = 0
    for grapheme in _GRAPHEME.finditer(text, 0, most + 1):
        # A grapheme that reaches the end of the window may continue beyond it.
        if grapheme.end() >= most:
            break
        end = grapheme.end()
    return text[: end or most - 1] + ELLIPSIS
