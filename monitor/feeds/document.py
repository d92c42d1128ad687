"""A feed's bytes to what a poll decides on: each entry with its identities, version and JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from monitor.feeds.entries import Listed, listed
from monitor.feeds.parse import parse


@dataclass(frozen=True, slots=True)
class Document:
    """A feed as one poll found it; `problem` says what makes it doubtful."""

    title: str | None
    language: str | None
    problem: str | None
    entries: tuple[Listed, ...]


def read(body: bytes, *, url: str, headers: Mapping[str, str], now: datetime) -> Document:
    """Parse a feed and identify its entries; raises FeedError where the bytes are no feed.

    An entry that cannot be identified or written down is left out, and `problem` says so.
    """
    parsed = parse(body, url=url, headers=headers, now=now)
    entries, lost = listed(parsed.entries)
    problem = parsed.problem
    if lost:
        problem = f"{lost} of {len(parsed.entries)} entries cannot be written down"
    return Document(
        title=storable(parsed.title),
        language=storable(parsed.language),
        problem=storable(problem),
        entries=entries,
    )


def storable(text: str | None) -> str | None:
    """Returns text in which lone surrogates, which UTF-8 does not know, are replaced."""
    return text and text.encode("utf-8", "replace").decode()
