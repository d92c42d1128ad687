"""In which language a text is written, whatever its page claims. Pure."""

from __future__ import annotations

import re

import pycld2
import regex

# More changes nothing.
_MAX_CHARS = 5_000
# Of so few bytes of letters, which are one, two or three to a letter, a guess is often wrong.
_MIN_BYTES = 60
# Of the text, in hundredths: less is a page in several languages, or a list of names.
_MIN_SHARE = 70

_SUBTAG = re.compile(r"[a-z]{2}(?![a-z])", re.IGNORECASE)
# By category: in `re`, the vowel signs of Hindi are no letters.
_WORDS = regex.compile(r"\p{L}[\p{L}\p{M}]*")
_ADDRESS = regex.compile(r"https?://\S+")
_UNKNOWN = "un"
# Names that were withdrawn, and one of a language that has two: a text says only what is read.
_NAMES = {"iw": "he", "in": "id", "ji": "yi", "jw": "jv", "mo": "ro", "nb": "no"}


def language(text: str, claimed: str | None) -> str | None:
    """The ISO 639-1 code of the language of `text`; None where nothing tells.

    `claimed` is a language tag (RFC 5646), of which the first part is used, and only where the text
    is too short or too mixed to tell. Bokmål is `no`, as in most feeds and pages.
    """
    said = _subtag(claimed)
    words = _WORDS.findall(_ADDRESS.sub(" ", text[:_MAX_CHARS]))
    sample = " ".join(words).encode("utf-8", "ignore")
    if len(sample) < _MIN_BYTES and said:
        return said
    found, sure = _detected(sample)
    return found if sure or not said else said


def _detected(sample: bytes) -> tuple[str | None, bool]:
    """The language of most of the text, and whether that is sure."""
    try:
        reliable, _, guesses = pycld2.detect(sample, isPlainText=True)
    except pycld2.error:
        return None, False
    _, code, share, _ = guesses[0]
    found = _subtag(code)
    if found is None or code == _UNKNOWN or not reliable:
        return None, False
    return found, share >= _MIN_SHARE


def _subtag(tag: str | None) -> str | None:
    found = _SUBTAG.match((tag or "").strip())
    return _NAMES.get(found[0].lower(), found[0].lower()) if found else None
