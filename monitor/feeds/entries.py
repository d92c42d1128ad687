"""Which entries of a feed are new, and which were edited: a function of what has been seen.

Feeds reorder their entries, bring old ones back, change one at every poll, and list thousands.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from monitor.feeds.identities import Identities, dated_identity, version_of
from monitor.model import Entry, as_json

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

    `lasting` are those of its identities that an edit leaves alone, `link` is the one that its link
    gives it, if any. `name_at_link` tells it from other entries that have, or had, the same link.
    `dated` is None where the date is doubtful.
    """

    identities: tuple[str, ...]
    lasting: tuple[str, ...]
    link: str
    name_at_link: str
    version: str
    dated: datetime | None
    json: str

    def as_plain(self) -> dict[str, Any]:
        """Returns the entry as what `json.dumps` takes."""
        return dict(json.loads(self.json))


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
    document = Identities(entries)
    for entry in entries:
        names, link = document.of(entry), document.link(entry)
        # An edit may change the title, and with it the identity of title and date.
        changing = dated_identity(entry)
        name_at_link = document.name_at_link(entry) if entry.url else ""
        shared = "" if link else name_at_link
        yield Listed(
            identities=names,
            lasting=tuple(name for name in names if name != changing),
            link=link,
            name_at_link=name_at_link,
            version=version_of(entry),
            dated=None if entry.date_is_doubtful else entry.published_at or entry.updated_at,
            json=as_json(replace(entry, name_at_link=shared, owns_page=document.owns_page(entry))),
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
    without a date, or with a doubtful one, may be of today, and is queued.

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
            reuses_link = _reuses_link(entry, seen)
            kind = edited if found and not reuses_link else new
            is_old = backfill is not None and entry.dated and entry.dated < now - backfill
            is_spurious = edits >= MOST_EDITS and all(known[name] for name in entry.lasting)
            is_held = not held.isdisjoint(entry.identities)
            if not is_old and not is_spurious:
                if is_held or (most is not None and len(kind) >= most):
                    held_back += not is_held
                    held.update(entry.identities)
                    remember |= {name: before for name, before in known.items() if before}
                    continue
                kind.append(_named_at_link(entry) if reuses_link else entry)
                edits += kind is edited
        remember |= dict.fromkeys(entry.identities, Seen(entry.version, edits))
    return Decision(tuple(new), tuple(edited), remember, held_back)


def _reuses_link(entry: Listed, seen: Mapping[str, Seen]) -> bool:
    """Returns whether an entry has a link that an earlier, different entry had.

    That is one with a guid under a known link, whose guid, title and date are all new; an edit
    leaves one of them alone.
    """
    others = set(entry.identities) - {entry.link}
    return bool(entry.name_at_link) and entry.link in seen and others.isdisjoint(seen)


def _named_at_link(entry: Listed) -> Listed:
    named = entry.as_plain() | {"name_at_link": entry.name_at_link}
    return replace(entry, json=json.dumps(named))
