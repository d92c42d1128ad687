"""Stories: near-duplicates, told by the words that two texts have in a row. Pure.

A text is represented by the smallest hashes of its shingles, words in a row: a bottom-k sketch
(Broder, "On the resemblance and containment of documents", 1997; Cohen and Kaplan, "Summarizing
data using bottom-k sketches", 2007). What outlets do to an agency's text, cutting it and adding
lines of their own, keeps most of the shorter text within the longer one: texts are compared by that
containment, and not by resemblance, which a cut lowers. `docs/stories.md` has what was measured.
"""

from __future__ import annotations

import re
import struct
import unicodedata
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from zlib import crc32

import regex

# Words in a row that make a shingle: fewer are common phrases, more break at each edit.
LENGTH = 4
# The same in scripts where what stands for a word is a letter: four are no phrase but a syllable.
LENGTH_IN_LETTERS = 8
# Hashes kept of a text; the estimate of containment is off by 0.04 or so, and by more where one
# text is several times as long as the other.
SIZE = 128
# An index finds a text by any of these: half as many would lose one much changed copy in seventy.
KEYS = 16
# The share of the shorter text that stands in the longer one. Of unrelated texts in the corpora it
# is 0.15 at most; less would find more copies, but two alerts are better than none.
ALIKE = 0.3
# Of a very long text and a short one, both sketches cover so little that chance would decide.
FEWEST_COMMON = 4
# A text of fewer shingles is a teaser or a line of furniture, and tells nothing.
FEWEST = 30

# Scripts that put no spaces between words have a character in the place of a word: a letter in
# Thai, Lao, Myanmar and Khmer, more than a letter in kana and Han.
_LETTERS = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff"
_UNSPACED = rf"{_LETTERS}\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_ANY_UNSPACED = re.compile(rf"[{_UNSPACED}]")
_CHARACTER = regex.compile(rf"[{_UNSPACED}]\p{{M}}*")
_LETTER = regex.compile(rf"[[{_LETTERS}]&&\p{{L}}]", regex.V1)
# To `re` the vowel signs of Hindi and its like are no part of a word; to `regex` they are.
_WORD = regex.compile(r"[^\W_]+")


@dataclass(frozen=True, slots=True)
class Sketch:
    """The `SIZE` smallest hashes of a text's shingles, ascending; all where they are fewer."""

    hashes: tuple[int, ...]

    @property
    def keys(self) -> tuple[int, ...]:
        """The `KEYS` smallest hashes, by which an index finds texts that may be alike."""
        return self.hashes[:KEYS]

    def to_bytes(self) -> bytes:
        """The sketch for a store: four bytes for each hash, little-endian."""
        return struct.pack(f"<{len(self.hashes)}I", *self.hashes)

    @classmethod
    def from_bytes(cls, stored: bytes) -> Sketch:
        """Read back what `to_bytes` wrote."""
        return cls(struct.unpack(f"<{len(stored) // 4}I", stored))


def sketch(text: str) -> Sketch | None:
    """What tells a text's story from others, or None where the text is too short to tell.

    Case, punctuation, white space, soft hyphens and the spelling of accents (Unicode's NFC or NFD)
    make no difference.
    """
    # The same in every process and version, for sketches are kept. CRC-32 takes half the time and
    # room of a hash of 64 bits, and by chance two sketches share a hash once in 40,000 pairs.
    hashes = set(map(crc32, _shingles(text)))
    return Sketch(tuple(sorted(hashes)[:SIZE])) if len(hashes) >= FEWEST else None


def _shingles(text: str) -> Iterator[bytes]:
    """All shingles of a text, in UTF-8, with a space between two words."""
    plain = unicodedata.normalize("NFC", text.casefold().replace("\u00ad", ""))
    length = LENGTH
    if _ANY_UNSPACED.search(plain):
        spaced = _CHARACTER.sub(r" \g<0> ", plain)
        words = _WORD.findall(spaced)
        if 2 * len(_LETTER.findall(spaced)) > len(words):
            length = LENGTH_IN_LETTERS
    else:
        words = _WORD.findall(plain)
    encoded = " ".join(words).encode("utf-8", "replace").split(b" ")
    return map(b" ".join, zip(*(encoded[at:] for at in range(length)), strict=False))


def same_story(one: Sketch, other: Sketch) -> bool:
    """Whether enough of the shorter text stands in the longer one; either may come first.

    A text of a hundred words within one of many thousands is beyond what the sketches can tell:
    these are two stories.
    """
    common, fewest = _overlap(one, other)
    return common >= FEWEST_COMMON and common >= ALIKE * fewest


def _overlap(one: Sketch, other: Sketch) -> tuple[int, int]:
    """How many hashes are in both, and how many in the one with fewer, of those both would keep.

    The first by the second estimates containment (Beyer et al., "On synopses for distinct-value
    estimation under multiset operations", 2007: what lies below the lower end is a fair sample of
    both). The second may be 0.
    """
    # A sketch that is not full knows all of its text's hashes.
    ends = [each.hashes[-1] for each in (one, other) if len(each.hashes) == SIZE]
    end = min(ends, default=2**32)
    first, second = (set(each.hashes[: bisect_right(each.hashes, end)]) for each in (one, other))
    return len(first & second), min(len(first), len(second))
