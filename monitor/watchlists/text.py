"""Text to tokens: what makes no difference to a reader makes none to a match. Pure.

A token is a folded word and its place in the original text. Folding is NFKC, full case folding,
and the loss of diacritics, so that a reader's spelling finds a writer's. Scripts that are written
without spaces give a token for each character: there a term matches wherever its characters run.
An apostrophe parts words, since "OTAN" shall find "l'OTAN"; but a possessive 's is nothing.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from functools import lru_cache

import regex

# Within a word these are nothing: soft hyphen, zero-width space, joiners, word joiner, BOM,
# direction marks. Joiners do mean something in Persian or Hindi, but people leave them out.
_INVISIBLE = "\u00ad\u200b\u200c\u200d\u200e\u200f\u2060\u2061\u2062\u2063\ufeff\u061c"
_APOSTROPHES = "'\u2019\u2018\u02bc\u2032\u00b4`\uff07"
_UNSPACED = r"\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}\u30fc\uff70"
_CORE = rf"[[\p{{L}}\p{{N}}]--[{_UNSPACED}]]"
_MORE = rf"[[\p{{L}}\p{{M}}\p{{N}}{_INVISIBLE}]--[{_UNSPACED}]]"
_RUN = rf"{_MORE}*{_CORE}{_MORE}*"

_TOKEN = regex.compile(
    rf"""
      [{_UNSPACED}]\p{{M}}*                                            # one character
    | (?:(?<![\p{{L}}\p{{N}}])\p{{L}}\.){{2,}}(?:\p{{L}}(?![\p{{L}}\p{{N}}]))?  # U.S., U.S.A
    | \p{{N}}+(?:[.,\u2009\u202f]\p{{N}}{{3}}(?!\p{{N}}))+               # 1,000,000
    | {_RUN}(?:[{_APOSTROPHES}][sS](?![\p{{L}}\p{{N}}]))?             # council, council's
    """,
    regex.VERBOSE | regex.V1,
)
_POSSESSIVE = regex.compile(rf"[{_APOSTROPHES}][sS]$")
_DROPPED = regex.compile(rf"[{_INVISIBLE}{_APOSTROPHES}.,\u2009\u202f]")
_WORD = regex.compile(r"[\p{L}\p{M}\p{N}]+")
_ASCII_WORD = regex.compile(r"[a-z0-9]+")

# Canonical combining classes below this one make other letters, not other spellings: the nukta and
# virama of Indic scripts, the voicing marks of kana.
_DIACRITIC = 10

# Letters that decompose into nothing simpler, as people without them on their keyboard type them.
_PLAIN = str.maketrans(
    {"ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ħ": "h", "ı": "i",
     "ŋ": "n", "ŧ": "t", "ĸ": "k", "ə": "e", "ɓ": "b", "ɗ": "d", "ƙ": "k", "ƴ": "y"}
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Tokens:
    """The tokens of a text: folded `words`, and for each its half-open span of code points."""

    words: tuple[str, ...]
    spans: tuple[tuple[int, int], ...]


def tokenise(text: str) -> Tokens:
    """Split a text into tokens."""
    words: list[str] = []
    spans: list[tuple[int, int]] = []
    for found in _TOKEN.finditer(text):
        word = fold(found[0])
        if _WORD.fullmatch(word):
            words.append(word)
            spans.append(found.span())
            continue
        # A character such as ½ or ㎏/㎡ unfolds into several words, all of which stand there.
        for part in _WORD.findall(word):
            words.append(part)
            spans.append(found.span())
    return Tokens(tuple(words), tuple(spans))


@lru_cache(maxsize=65536)
def fold(word: str) -> str:
    """A word in the form in which words are compared; idempotent."""
    lower = word.lower()
    if _ASCII_WORD.fullmatch(lower):
        return lower
    bare = _DROPPED.sub("", _POSSESSIVE.sub("", word))
    # Case folding may undo normalisation and the other way round (Unicode, section 3.13, D145).
    folded = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", bare).casefold())
    stripped = "".join(char for char in folded if unicodedata.combining(char) < _DIACRITIC)
    return unicodedata.normalize("NFKC", stripped.casefold()).translate(_PLAIN)
