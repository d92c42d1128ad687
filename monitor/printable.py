"""Text from strangers as a terminal may have it. Pure."""

from __future__ import annotations

import json
from typing import Any


def printable(text: str) -> str:
    """Give a text as one line without what a terminal would obey: controls, bidi marks."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(char if char.isprintable() else " " for char in text)


def json_text(value: Any, *, indent: int | None = None) -> str:
    """Write a value as JSON, with what a terminal would obey escaped; readers lose nothing."""
    return escaped(json.dumps(value, ensure_ascii=False, indent=indent))


def escaped(text: str) -> str:
    """Escape in JSON what a terminal would obey, and halves of surrogate pairs."""
    if text.isascii():
        return text
    return "".join(
        char if char.isprintable() or char == "\n" else json.dumps(char)[1:-1] for char in text
    )
