"""Recognises stories: near-duplicate texts, by the sequences of words that they share. Pure.

A text is represented by the smallest hashes of its shingles, which are sequences of words: a
bottom-k sketch (Broder, "On the resemblance and containment of documents", 1997; Cohen and Kaplan,
"Summarizing data using bottom-k sketches", 2007). Outlets cut an agency's text and add lines to it,
but most of the shorter text remains inside the longer one. Texts are therefore compared by
containment, not by resemblance, which a cut lowers. `docs/stories.md` has the measurements.
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

# Words in a shingle: fewer make common phrases, more break at each edit.
LENGTH = 4
# The same in scripts where each letter counts as a word: four letters are only a syllable.
LENGTH_IN_LETTERS = 8
# Hashes kept of a text. The estimate of containment has an error of about 0.04, and more if one
# text is several times as long as the other.
SIZE = 128
# An index finds a text by any of these. Half as many would miss one heavily edited copy in seventy.
KEYS = 16
# The least share of the shorter text that is in the longer one. Unrelated texts in the corpora have
# up to 0.15. A lower limit would find more copies, but two alerts are better than none.
ALIKE = 0.3
# The least number of common hashes. The sketches of a very long and a short text overlap so little
# that chance would decide.
FEWEST_COMMON = 4
# A text with fewer shingles is a teaser or a line of furniture.
FEWEST = 30

# In scripts without spaces between words, each character counts as a word: a letter in Thai, Lao,
# Myanmar and Khmer, more than a letter in kana and Han. Stored sketches depend on these sets.
_SKETCH_LETTERS = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff"
_SKETCH_UNSPACED = rf"{_SKETCH_LETTERS}\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_ANY_SKETCH_UNSPACED = re.compile(rf"[{_SKETCH_UNSPACED}]")
_SKETCH_CHARACTER = regex.compile(rf"[{_SKETCH_UNSPACED}]\p{{M}}*")
_SKETCH_LETTER = regex.compile(rf"[[{_SKETCH_LETTERS}]&&\p{{L}}]", regex.V1)
# `regex`, because `re` does not count the vowel signs of Hindi and similar scripts as letters.
_SKETCH_OTHER_SEPARATORS = regex.compile(r"[^\x00-\x7f\w]+")
# Once the others are spaces, bytes are split at those in ASCII: a fourth of the time of a pattern.
_SKETCH_ASCII_SEPARATORS = bytes(
    byte if not chr(byte).isascii() or chr(byte).isalnum() else 0x20 for byte in range(0x100)
)


@dataclass(frozen=True, slots=True)
class Sketch:
    """The `SIZE` smallest hashes of a text's shingles, or all if there are fewer, ascending."""

    hashes: tuple[int, ...]

    @property
    def keys(self) -> tuple[int, ...]:
        """Returns the `KEYS` smallest hashes, by which an index finds texts to compare."""
        return self.hashes[:KEYS]

    def to_bytes(self) -> bytes:
        """Returns the sketch as it is stored: four bytes for each hash, little-endian."""
        return struct.pack(f"<{len(self.hashes)}I", *self.hashes)

    @classmethod
    def from_bytes(cls, stored: bytes) -> Sketch:
        """Reads the output of `to_bytes`."""
        return cls(struct.unpack(f"<{len(stored) // 4}I", stored))


def sketch(text: str) -> Sketch | None:
    """Returns the sketch of a text, or None if the text is too short to recognise its story.

    Case, punctuation, white space, soft hyphens and the normal form of accents (NFC or NFD) make no
    difference.
    """
    # The hash must be the same in every process and version, since sketches are stored. CRC-32
    # takes half the time and space of a 64-bit hash, and one pair of sketches in 40,000 shares a
    # hash by chance.
    hashes = set(map(crc32, sketch_shingles(text)))
    return Sketch(tuple(sorted(hashes)[:SIZE])) if len(hashes) >= FEWEST else None


def sketch_shingles(text: str) -> Iterator[bytes]:
    """Yields the shingles of a text: words in UTF-8, separated by spaces."""
    words, length = _sketch_words(text)
    return map(b" ".join, zip(*(words[at:] for at in range(length)), strict=False))


def _sketch_words(text: str) -> tuple[list[bytes], int]:
    """Splits a text into words in UTF-8, and returns them with the length of its shingles."""
    plain = unicodedata.normalize("NFC", text.casefold().replace("\u00ad", ""))
    if not _ANY_SKETCH_UNSPACED.search(plain):
        return _split_sketch(plain), LENGTH
    spaced = _SKETCH_CHARACTER.sub(r" \g<0> ", plain)
    words = _split_sketch(spaced)
    in_letters = 2 * len(_SKETCH_LETTER.findall(spaced)) > len(words)
    return words, LENGTH_IN_LETTERS if in_letters else LENGTH


def _split_sketch(plain: str) -> list[bytes]:
    r"""Returns the runs of letters, marks and digits of a text in UTF-8: `[^\W_]+` of `regex`."""
    spaced: str = _SKETCH_OTHER_SEPARATORS.sub(" ", plain)
    return spaced.encode("utf-8", "replace").translate(_SKETCH_ASCII_SEPARATORS).split()


def same_story(first: Sketch, second: Sketch) -> bool:
    """Returns whether the longer text contains enough of the shorter one, in either order.

    Sketches cannot show that a text of a hundred words is inside one of many thousands: these are
    two stories.
    """
    common, fewest = overlap(first, second)
    return common >= FEWEST_COMMON and common >= ALIKE * fewest


def overlap(first: Sketch, second: Sketch) -> tuple[int, int]:
    """Counts the common hashes, and those of the sketch with fewer, over the range of both.

    The first count divided by the second, which may be 0, estimates containment (Beyer et al., "On
    synopses for distinct-value estimation under multiset operations", 2007: the hashes below the
    lower end are a fair sample of both texts).
    """
    # A sketch with fewer than `SIZE` hashes has all hashes of its text, so its range has no end.
    ends = [each.hashes[-1] for each in (first, second) if len(each.hashes) == SIZE]
    end = min(ends, default=2**32)
    hashes, others = (
        set(each.hashes[: bisect_right(each.hashes, end)]) for each in (first, second)
    )
    return len(hashes & others), min(len(hashes), len(others))
