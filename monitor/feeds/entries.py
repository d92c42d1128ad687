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
from typing import NamedTuple

from monitor.articles.urls import normalise
from monitor.model import Entry, as_json, content_id

_MARKUP = re.compile(r"<[^>]*>|\s+")
# Identities and versions are many and stand in Redis for months: 64 bits each. Among a feed's
# 10,000 entries, two share an identity with a probability of about 3e-12.
_DIGITS = 16


# So many edits of one entry are queued. Entries that hold the current time, a counter, or an
# address with a timestamp change at every poll (https://github.com/lemon24/reader/issues/225).
MOST_EDITS = 24
# So many new entries, and as many edited ones, are taken from one poll: a feed that lists 50,000
# entries, or names all of them anew every minute, must not delay the others.
MOST_AT_ONCE = 500
# Where many entries wait already, every feed may still add so many.
FEW_AT_ONCE = 20
MANY_WAITING = 5_000
# Beyond this, whatever the reason, nothing is added: Redis has to hold it all.
TOO_MANY_WAITING = 50_000


class Seen(NamedTuple):
    """What is remembered of an entry: its last version, and how many edits of it were queued."""

    version: str
    edits: int = 0


@dataclass(frozen=True, slots=True)
class Listed:
    """An entry of a document as JSON text, with what tells it from others.

    `lasting` are those of its identities that an edit leaves alone.
    """

    identities: tuple[str, ...]
    lasting: tuple[str, ...]
    version: str
    dated: datetime | None
    json: str


@dataclass(frozen=True, slots=True)
class Decision:
    """What to queue, what to remember (by identity), and how many entries are left for later."""

    new: tuple[Listed, ...]
    edited: tuple[Listed, ...]
    remember: Mapping[str, Seen]
    held_back: int


def listed(entries: Sequence[Entry]) -> tuple[tuple[Listed, ...], int]:
    """Identify a document's entries; returns them, and how many cannot be written down."""
    try:
        return tuple(_listed(entries)), 0
    except Exception:  # noqa: BLE001 - whatever one entry holds, the others are not lost
        sound = [entry for entry in entries if _is_sound(entry)]
        return tuple(_listed(sound)), len(entries) - len(sound)


def _is_sound(entry: Entry) -> bool:
    try:
        return bool(list(_listed([entry])))
    except Exception:  # noqa: BLE001 - as above
        return False


def _listed(entries: Sequence[Entry]) -> Iterator[Listed]:
    for entry, names in zip(entries, identities(entries), strict=True):
        # An edit may change the title, and with it the identity of title and date.
        changing = _dated(entry)
        yield Listed(
            identities=names,
            lasting=tuple(name for name in names if name != changing),
            version=_version(entry),
            dated=entry.published_at or entry.updated_at,
            json=as_json(entry),
        )


def room(waiting: int) -> int:
    """Returns how many new entries one poll may queue while so many wait."""
    if waiting >= TOO_MANY_WAITING:
        return 0
    return max(FEW_AT_ONCE, min(MOST_AT_ONCE, MANY_WAITING - waiting))


def decide(
    entries: Sequence[Listed],
    seen: Mapping[str, Seen],
    *,
    now: datetime,
    backfill: timedelta | None = None,
    most: int | None = None,
) -> Decision:
    """Tell new and edited entries from those known.

    `seen` holds what earlier decisions remembered, by identity. With `backfill`, on a feed's first
    poll, entries dated earlier than that before `now` are remembered but not queued; an entry
    without a date may be of today, and is queued.

    Of new and of edited entries at most `most` each are queued. The others are remembered as they
    were before, so that the next decision finds them new or edited again. An entry of which
    MOST_EDITS edits were queued is not queued again, unless it has a guid or link that is not
    known: feeds that show one entry only give one guid to all.
    """
    new: list[Listed] = []
    edited: list[Listed] = []
    remember: dict[str, Seen] = {}
    held: set[str] = set()
    held_back = 0
    for entry in entries:
        # What stood earlier in this very document counts as seen: some feeds list entries twice.
        known = {name: remember.get(name) or seen.get(name) for name in entry.identities}
        found = [before for before in known.values() if before]
        edits = max((before.edits for before in found), default=0)
        if not any(before.version == entry.version for before in found):
            kind = edited if found else new
            is_old = backfill is not None and entry.dated and entry.dated < now - backfill
            is_spurious = edits >= MOST_EDITS and all(known[name] for name in entry.lasting)
            is_held = not held.isdisjoint(entry.identities)
            if not is_old and not is_spurious:
                if is_held or (most is not None and len(kind) >= most):
                    held_back += not is_held
                    held.update(entry.identities)
                    remember |= {name: before for name, before in known.items() if before}
                    continue
                kind.append(entry)
                edits += kind is edited
        remember |= dict.fromkeys(entry.identities, Seen(entry.version, edits))
    return Decision(tuple(new), tuple(edited), remember, held_back)


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
        if dated := _dated(entry):
            names.append(dated)
        yield tuple(names) or (_short("words", entry.title, entry.summary, entry.content),)


def _version(entry: Entry) -> str:
    """What changes when an editor changes an entry, and not when a feed is rendered afresh."""
    words = (_MARKUP.sub(" ", part).strip() for part in (entry.title, entry.summary, entry.content))
    # An `updated` date alone moves with every advert: it says nothing about the words.
    return _short(*words)


def _dated(entry: Entry) -> str:
    """The identity that `identities` gives to a title with its date; empty without these."""
    if not entry.title or not entry.published_at:
        return ""
    return _short("dated", entry.title, entry.published_at.isoformat())


def _short(*parts: str) -> str:
    return content_id(*parts)[:_DIGITS]
