"""Recognises furniture by what the pages of a site have in common. Pure.

A single page does not always show which blocks are furniture; several pages of one site do. A block
is identified by its words and by its place in the template, so that a teaser that quotes the first
paragraph of an article does not make that paragraph furniture.
"""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import blake2b
from itertools import islice
from typing import TYPE_CHECKING

from monitor.articles.wording import words

if TYPE_CHECKING:
    from monitor.articles.blocks import Block

# A block is furniture if it is on this many different articles within the window, including the one
# being read.
ARTICLES = 3
WINDOW = timedelta(days=30)
# Kept of one page; news pages have 100 to 500 blocks.
MAX_MARKS = 1_000
# A block's place is described by this many of its innermost containers.
_CONTAINERS = 3
_TRACE_HEADER = struct.Struct("<I4s4s")


@dataclass(frozen=True, slots=True)
class Trace:
    """A record of one article page: digests of its link and title, and the marks of its blocks.

    `at` is in seconds since 1970.
    """

    at: int
    link: bytes
    title: bytes
    marks: tuple[int, ...]

    def to_bytes(self) -> bytes:
        """Returns the trace as it is stored: 12 bytes, then 4 for each mark."""
        return _TRACE_HEADER.pack(self.at, self.link, self.title) + struct.pack(
            f"<{len(self.marks)}I", *self.marks
        )

    @classmethod
    def from_bytes(cls, stored: bytes) -> Trace:
        """Reads the output of `to_bytes`; raises struct.error if `stored` is too short."""
        at, link, title = _TRACE_HEADER.unpack_from(stored)
        count = (len(stored) - _TRACE_HEADER.size) // 4
        return cls(at, link, title, struct.unpack_from(f"<{count}I", stored, _TRACE_HEADER.size))

    def is_same_article(self, other: Trace) -> bool:
        """Returns whether two pages hold one article, perhaps under two links or two headlines."""
        return self.link == other.link or self.title == other.title


def trace(blocks: Sequence[Block], *, link: str, title: str, now: datetime) -> Trace:
    """Returns the trace of a page; `link` and `title` are those that the feed announced."""
    name = " ".join(words(title)) or link
    marks = dict.fromkeys(map(mark, blocks))
    return Trace(
        int(now.timestamp()),
        _digest(link),
        _digest(name),
        tuple(sorted(islice(marks, MAX_MARKS))),
    )


def mark(block: Block) -> int:
    """Returns the 32-bit number that identifies a block's words and place."""
    containers = islice(block.container.outwards(), _CONTAINERS)
    path = " ".join(container.name for container in containers)
    return int.from_bytes(_digest(f"{path}\n{block.text}"), "little")


def furniture(known: Iterable[Trace], current: Trace) -> frozenset[int]:
    """Returns the marks that the current page shares with enough pages of other articles."""
    oldest = current.at - WINDOW.total_seconds()
    links, titles = {current.link}, {current.title}
    marks = frozenset(current.marks)
    articles: Counter[int] = Counter()
    for page in sorted(known, key=lambda page: -page.at):
        if page.at < oldest or page.link in links or page.title in titles:
            continue
        links.add(page.link)
        titles.add(page.title)
        articles.update(marks.intersection(page.marks))
    return frozenset(number for number, count in articles.items() if count + 1 >= ARTICLES)


def _digest(text: str) -> bytes:
    return blake2b(text.encode("utf-8", "replace"), digest_size=4).digest()
