"""Detects the language of a text, whatever its page claims. Pure."""

from __future__ import annotations

import re
from functools import cache

import pycld2
import regex

# More text does not change the result.
_DETECTED_CHARS = 5_000
# In bytes of UTF-8, one to three per letter. Guesses from shorter texts are often wrong.
_MIN_BYTES = 60
# If the main language has a smaller share, the text is in several languages or a list of names.
_MIN_PERCENT = 70

_SUBTAG = re.compile(r"[a-z]{2}(?![a-z])", re.IGNORECASE)
# Uses Unicode categories, because `re` does not count the vowel signs of Hindi as letters.
_LETTERS_AND_MARKS = regex.compile(r"\p{L}[\p{L}\p{M}]*")
_URL = regex.compile(r"https?://\S+")
_UNKNOWN = "un"
# Withdrawn codes, and Bokmål, which is treated as Norwegian.
_CURRENT_CODES = {"iw": "he", "in": "id", "ji": "yi", "jw": "jv", "mo": "ro", "nb": "no"}


def language(text: str, claimed: str | None) -> str | None:
    """Returns the ISO 639-1 code of the language of `text`, or None if it is unknown.

    `claimed` is a language tag (RFC 5646). Its first part is used only if the text is too short or
    too mixed to decide. Bokmål is `no`, as in most feeds and pages.
    """
    claimed_code = _subtag(claimed)
    words = _LETTERS_AND_MARKS.findall(_URL.sub(" ", text[:_DETECTED_CHARS]))
    sample = " ".join(words).encode("utf-8", "ignore")
    if len(sample) < _MIN_BYTES and claimed_code:
        return claimed_code
    detected, is_sure = _detected(sample)
    return detected if is_sure or not claimed_code else claimed_code


def _detected(sample: bytes) -> tuple[str | None, bool]:
    """Returns the language of most of the text, and whether it is certain."""
    try:
        reliable, _, guesses = pycld2.detect(sample, isPlainText=True)
    except pycld2.error:
        return None, False
    _, code, percent, _ = guesses[0]
    detected = _subtag(code)
    if detected is None or code == _UNKNOWN or not reliable:
        return None, False
    return detected, percent >= _MIN_PERCENT


def _subtag(tag: str | None) -> str | None:
    found = _SUBTAG.match((tag or "").strip())
    return _CURRENT_CODES.get(found[0].lower(), found[0].lower()) if found else None


@cache
def _names() -> dict[str, str]:
    return {_CURRENT_CODES.get(code, code): name.title() for name, code in pycld2.LANGUAGES}


def language_name(code: str) -> str:
    """Returns the English name of a language, or its code if it is not known."""
    return _names().get(code, code)
