"""Reads a feed's bytes into what a poll decides on: entries with identities, version and JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from monitor.feeds.entries import Listed, listed
from monitor.feeds.hints import NO_HEAD, Head
from monitor.feeds.parse import parse


@dataclass(frozen=True, slots=True)
class Document:
    """A feed as one poll read it; `problem` says what makes it doubtful.

    `is_sitemap` says that it lists pages of a site, which need not be new.
    """

    title: str | None
    language: str | None
    problem: str | None
    entries: tuple[Listed, ...]
    is_sitemap: bool = False
    head: Head = NO_HEAD


def read(body: bytes, *, url: str, headers: Mapping[str, str], now: datetime) -> Document:
    """Parses a feed and identifies its entries; raises FeedError if the bytes are not a feed.

    An entry that cannot be identified or serialised is left out, and `problem` says so.
    """
    parsed = parse(body, url=url, headers=headers, now=now)
    entries, lost = listed(parsed.entries)
    problem = parsed.problem
    if lost:
        problem = f"{lost} of {len(parsed.entries)} entries cannot be serialised"
    return Document(
        title=storable(parsed.title),
        language=storable(parsed.language),
        problem=storable(problem),
        entries=entries,
        is_sitemap=parsed.is_sitemap,
        head=_storable_head(parsed.head),
    )


def _storable_head(head: Head) -> Head:
    return replace(
        head,
        older=storable(head.older),
        hubs=tuple(filter(None, map(storable, head.hubs))),
        topic=storable(head.topic),
    )


def storable(text: str | None) -> str | None:
    """Replaces lone surrogates, which UTF-8 cannot encode."""
    return text and text.encode("utf-8", "replace").decode()
