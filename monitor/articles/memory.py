"""What a site's pages have in common: blocks that return on different articles. Pure.

A single page does not tell its furniture from its article for certain; the pages of one site do.
A block is known by its words and by its place in the template, so that a teaser that quotes an
article's first paragraph elsewhere does not make that paragraph furniture.
"""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import blake2b
from itertools import islice

from monitor.articles.blocks import Block
from monitor.articles.wording import words

# On so many different articles within so long, with the one that is being read.
ARTICLES = 3
WINDOW = timedelta(days=30)
# Of one page; news pages have 100 to 500 blocks.
MAX_MARKS = 1_000
_PLACES = 3
_HEAD = struct.Struct("<I4s4s")


@dataclass(frozen=True, slots=True)
class Trace:
    """What is remembered of an article's page: digests of its link and title, its blocks' marks.

    `at` is in epoch seconds.
    """

    at: int
    link: bytes
    title: bytes
    marks: tuple[int, ...]

    def to_bytes(self) -> bytes:
        """As it is stored: 12 bytes, and 4 for each mark."""
        return _HEAD.pack(self.at, self.link, self.title) + struct.pack(
            f"<{len(self.marks)}I", *self.marks
        )

    @classmethod
    def from_bytes(cls, stored: bytes) -> Trace:
        """Read back what `to_bytes` wrote; raises struct.error where it is not that."""
        at, link, title = _HEAD.unpack_from(stored)
        count = (len(stored) - _HEAD.size) // 4
        return cls(at, link, title, struct.unpack_from(f"<{count}I", stored, _HEAD.size))

    def is_same_article(self, other: Trace) -> bool:
        """Whether two pages hold one article: sites have it under several links or headlines."""
        return self.link == other.link or self.title == other.title


def trace(blocks: Sequence[Block], *, link: str, title: str, now: datetime) -> Trace:
    """What to remember of a page, for the article that a feed announced."""
    named = " ".join(words(title)) or link
    marks = dict.fromkeys(map(mark, blocks))
    return Trace(
        int(now.timestamp()),
        _digest(link),
        _digest(named),
        tuple(sorted(islice(marks, MAX_MARKS))),
    )


def mark(block: Block) -> int:
    """A number for a block's words and place, 32 bits."""
    way = " ".join(place.name for place in islice(block.place.upwards(), _PLACES))
    return int.from_bytes(_digest(f"{way}\n{block.text}"), "little")


def furniture(known: Iterable[Trace], own: Trace) -> frozenset[int]:
    """The marks of blocks that `own` page shares with enough pages of other articles."""
    oldest = own.at - WINDOW.total_seconds()
    others: list[Trace] = []
    for one in sorted(known, key=lambda one: -one.at):
        if one.at >= oldest and not any(map(one.is_same_article, (own, *others))):
            others.append(one)
    seen = Counter(number for one in others for number in one.marks)
    return frozenset(number for number in own.marks if seen[number] + 1 >= ARTICLES)


def _digest(text: str) -> bytes:
    return blake2b(text.encode("utf-8", "replace"), digest_size=4).digest()
