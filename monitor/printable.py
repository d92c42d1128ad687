"""Text from strangers as a terminal may have it. Pure."""

from __future__ import annotations


def printable(text: str) -> str:
    """Give a text as one line without what a terminal would obey: controls, bidi marks."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(char if char.isprintable() else " " for char in text)
