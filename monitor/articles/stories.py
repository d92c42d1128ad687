"""Stories: near-duplicates, told by the words that two texts have in a row. Pure.

A text is represented by the smallest hashes of its shingles, a bottom-k sketch (Broder, "On the
resemblance and containment of documents", 1997). What outlets do to an agency's text, cutting it
and adding lines of their own, keeps most of the shorter text within the longer one: texts are
compared by that containment, and not by resemblance, which a cut lowers.
"""

from __future__ import annotations

import re
import struct
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from zlib import crc32

# Words in a row that make a shingle: fewer are common phrases, more break at each edit.
LENGTH = 4
# Hashes kept of a text; the estimate of containment is off by 0.04 or so.
SIZE = 128
# An index finds a text by any of these: of texts that share half, one in 60,000 pairs shares none.
KEYS = 16
# The share of the shorter text that stands in the longer one.
ALIKE = 0.33
# Of a very long text and a short one, both sketches cover so little that chance would decide.
FEWEST_COMMON = 4
# A text of fewer shingles is a teaser or a line of furniture, and tells nothing.
FEWEST = 30

# Scripts that put no spaces between words (Thai to Khmer, kana, Han) have a character in the place
# of a word.
_UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff"
    "\U00020000-\U0003ffff"
)
_WORD = re.compile(rf"[{_UNSPACED}]|[^\W_{_UNSPACED}]+")


@dataclass(frozen=True, slots=True)
class Sketch:
    """The smallest hashes of a text's shingles, ascending; all of them where they are fewer."""

    hashes: tuple[int, ...]

    @property
    def index(self) -> tuple[int, ...]:
        """Hashes by which an index finds texts that may be alike."""
        return self.hashes[:KEYS]

    def to_bytes(self) -> bytes:
        """The sketch for a store: four bytes for each hash."""
        return struct.pack(f"<{len(self.hashes)}I", *self.hashes)

    @classmethod
    def from_bytes(cls, stored: bytes) -> Sketch:
        """Read back what `to_bytes` wrote."""
        return cls(struct.unpack(f"<{len(stored) // 4}I", stored))


def sketch(text: str) -> Sketch | None:
    """What tells a text's story from others, or None where the text is too short to tell."""
    shingles = set(_shingles(text))
    if len(shingles) < FEWEST:
        return None
    # The same in every process and version, for sketches are kept.
    hashes = {crc32(one.encode("utf-8", "replace")) for one in shingles}
    return Sketch(tuple(sorted(hashes)[:SIZE]))


def _shingles(text: str) -> Iterator[str]:
    words = _WORD.findall(text.casefold())
    return map(" ".join, zip(*(words[at:] for at in range(LENGTH)), strict=False))


def same_story(one: Sketch, other: Sketch) -> bool:
    """Whether enough of the shorter text stands in the longer one."""
    common, fewest = _overlap(one, other)
    return common >= FEWEST_COMMON and common >= ALIKE * fewest


def _overlap(one: Sketch, other: Sketch) -> tuple[int, int]:
    """How many hashes are in both, and how many in the one with fewer, of those both would keep."""
    # A sketch that is not full knows all of its text's hashes.
    ends = [each.hashes[-1] for each in (one, other) if len(each.hashes) == SIZE]
    end = min(ends, default=2**32)
    first, second = (set(each.hashes[: bisect_right(each.hashes, end)]) for each in (one, other))
    return len(first & second), min(len(first), len(second))
