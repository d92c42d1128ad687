"""Texts that are longer than a channel takes, or than anybody reads. Pure."""

from __future__ import annotations

import regex

ELLIPSIS = "…"
_GRAPHEME = regex.compile(r"\X")


def cut(text: str, most: int) -> str:
    """The beginning of a text in at most so many code points, with an ellipsis where it was longer.

    A grapheme (UAX #29) is left out rather than cut, unless it is the first one.
    """
    if len(text) <= most:
        return text
    end = 0
    for grapheme in _GRAPHEME.finditer(text, 0, most + 1):
        # What reaches beyond the window may be the beginning of a longer one.
        if grapheme.end() >= most:
            break
        end = grapheme.end()
    return text[: end or most - 1] + ELLIPSIS
