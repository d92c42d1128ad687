"""Which entries of a feed are new, and which were edited: a function of what has been seen.

Feeds give new guids at every poll, repeat one guid, give all entries one link, leave out dates,
reorder, and bring old entries back. So an entry goes by several identities, and is known as soon
as one of them is.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from monitor.articles.urls import normalise
from monitor.model import Entry, content_id

_MARKUP = re.compile(r"<[^<>]*>|\s+")
# Identities and versions are many and stand in Redis for months: 64 bits each. Among a feed's
# 10,000 entries, two share an identity with a probability of about 3e-12.
_DIGITS = 16


@dataclass(frozen=True, slots=True)
class Decision:
    """What to queue, each with its version, and what to remember (identity → version)."""

    new: tuple[tuple[Entry, str], ...]
    edited: tuple[tuple[Entry, str], ...]
    remember: Mapping[str, str]


def decide(
    entries: Sequence[Entry],
    seen: Mapping[str, str],
    *,
    now: datetime,
    backfill: timedelta | None = None,
) -> Decision:
    """Tell new and edited entries from those known.

    `seen` maps identities to versions, as an earlier decision's `remember` gave them. With
    `backfill`, on a feed's first poll, entries dated earlier than that before `now` are remembered
    but not queued; an entry without a date, or with a doubtful one, may be of today, and is queued.
    """
    new: list[tuple[Entry, str]] = []
    edited: list[tuple[Entry, str]] = []
    remember: dict[str, str] = {}
    for entry, names in zip(entries, identities(entries), strict=True):
        version = _version(entry)
        # What stood earlier in this very document counts as seen: some feeds list entries twice.
        known = [remember.get(name) or seen.get(name) for name in names]
        remember |= dict.fromkeys(names, version)
        if version in known:
            continue
        dated = None if entry.date_is_doubtful else entry.published_at or entry.updated_at
        if backfill is not None and dated is not None and dated < now - backfill:
            continue
        if any(known):
            edited.append((entry, version))
        else:
            new.append((entry, version))
    return Decision(tuple(new), tuple(edited), remember)


def identities(entries: Sequence[Entry]) -> Iterator[tuple[str, ...]]:
    """The names by which each entry goes: guid and link where no other entry of this document
    has the same, and title with date; for an entry that has none of these, its words.
    """  # noqa: D205 - one sentence
    links = [normalise(entry.url) if entry.url else "" for entry in entries]
    guid_count = Counter(entry.guid for entry in entries)
    # An entry listed twice has the same link for a good reason; a home page has not.
    titles_at: dict[str, set[str]] = {}
    for entry, link in zip(entries, links, strict=True):
        titles_at.setdefault(link, set()).add(entry.title)
    for entry, link in zip(entries, links, strict=True):
        names = []
        if entry.guid and guid_count[entry.guid] == 1:
            names.append(_short("guid", entry.guid))
        if link and len(titles_at[link]) == 1:
            names.append(_short("link", link))
        if entry.title and entry.published_at:
            names.append(_short("dated", entry.title, entry.published_at.isoformat()))
        yield tuple(names) or (_short("words", entry.title, entry.summary, entry.content),)


def _version(entry: Entry) -> str:
    """What changes when an editor changes an entry, and not when a feed is rendered afresh."""
    words = (_MARKUP.sub(" ", part).strip() for part in (entry.title, entry.summary, entry.content))
    # An `updated` date alone moves with every advert: it says nothing about the words.
    return _short(*words)


def _short(*parts: str) -> str:
    return content_id(*parts)[:_DIGITS]
