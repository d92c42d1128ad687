"""Decides which entries of a feed are new or edited, given the records of earlier polls. Pure.

Feeds reorder their entries, bring old ones back, change some at every poll, and list thousands.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from monitor.feeds.identities import Identities, version_of
from monitor.model import Entry, as_json

# At most this many edits of an entry are queued. Entries that contain the current time, a counter,
# or a URL with a timestamp change at every poll (https://github.com/lemon24/reader/issues/225).
MOST_EDITS = 24
# At most this many new entries, and as many edited ones, are queued from one poll: a feed that
# lists 50,000 entries, or gives them all new guids every minute, must not delay the others.
MOST_AT_ONCE = 500
# As the number of waiting entries approaches MANY_WAITING, a poll may queue fewer new ones, but
# never fewer than this.
FEW_AT_ONCE = 20
MANY_WAITING = 5_000
# A site does not publish so many pages between two polls of its sitemap: it was rebuilt, or the
# sitemap lists other pages of it now.
MOST_UNDATED_PAGES = 100
# At this many waiting entries nothing is queued, because Redis holds them all in memory.
TOO_MANY_WAITING = 50_000


class Seen(NamedTuple):
    """The record of an entry: its last version, and how many edits of it were queued."""

    version: str
    edits: int = 0


@dataclass(frozen=True, slots=True)
class Listed:
    """An entry of a document, as JSON text, with its identities and its version.

    `lasting` holds the identities that an edit does not change, and `link` the one that derives
    from the entry's link, or "". `name_at_link` distinguishes the entry from others that have, or
    had, the same link. `dated` is None if the date is missing or doubtful.
    """

    identities: tuple[str, ...]
    lasting: tuple[str, ...]
    link: str
    name_at_link: str
    version: str
    dated: datetime | None
    json: str

    def as_plain(self) -> dict[str, Any]:
        """Returns the entry as a dict that `json.dumps` accepts."""
        return dict(json.loads(self.json))


@dataclass(frozen=True, slots=True)
class Decision:
    """The entries to queue, the records to keep (by identity), and how many entries must wait.

    `passed_over` counts pages of a rebuilt sitemap that were recorded, though they may be new.
    """

    new: tuple[Listed, ...]
    edited: tuple[Listed, ...]
    remember: Mapping[str, Seen]
    held_back: int
    passed_over: int = 0


def listed(entries: Sequence[Entry]) -> tuple[tuple[Listed, ...], int]:
    """Returns a document's entries with their identities, and how many cannot be serialised."""
    try:
        return tuple(_listed(entries)), 0
    except Exception:  # noqa: BLE001 - one broken entry must not lose the others
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
        identities, link, dated = document.of(entry)
        name_at_link = document.name_at_link(entry, link) if entry.url else ""
        # An entry with a link of its own needs no other name.
        stored_name, owns_page = "" if link else name_at_link, document.owns_page(entry)
        stored = entry
        if (stored_name, owns_page) != (entry.name_at_link, entry.owns_page):
            stored = replace(entry, name_at_link=stored_name, owns_page=owns_page)
        yield Listed(
            identities=identities,
            # An edit may change the title, and thereby the identity made of title and date.
            lasting=tuple(identity for identity in identities if identity != dated),
            link=link,
            name_at_link=name_at_link,
            version=version_of(entry),
            dated=None if entry.date_is_doubtful else entry.published_at or entry.updated_at,
            json=as_json(stored),
        )


def room(waiting: int) -> int:
    """Returns how many new entries one poll may queue while `waiting` are waiting."""
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
    is_sitemap: bool = False,
) -> Decision:
    """Separates new and edited entries from known ones.

    `seen` maps identities to the records that earlier decisions kept. `backfill` is given on a
    feed's first poll: entries older than that at `now` are recorded but not queued. An entry with a
    missing or doubtful date may be new, and is queued.

    A sitemap (`is_sitemap`) lists old pages as well. Its entries without a date of publication are
    recorded but not queued on the first poll, nor if too many of them are new at once.

    At most `most` new and `most` edited entries are queued. The records of the others do not
    change, so that the next decision finds them new or edited again. After MOST_EDITS edits an
    entry is queued again only if its guid or link is unknown: a feed that shows one entry at a time
    may give every entry the same guid.
    """
    new: list[Listed] = []
    edited: list[Listed] = []
    remember: dict[str, Seen] = {}
    held_identities: set[str] = set()
    held_back = 0
    passed_over = unknown_pages(entries, seen) if is_sitemap else 0
    undated_are_old = is_sitemap and (backfill is not None or passed_over > MOST_UNDATED_PAGES)
    for entry in entries:
        # Earlier entries of this document count as seen: some feeds list entries twice.
        by_identity = {name: remember.get(name) or seen.get(name) for name in entry.identities}
        records = [record for record in by_identity.values() if record]
        edits = max((record.edits for record in records), default=0)
        if not any(record.version == entry.version for record in records):
            reuses_link = _reuses_link(entry, seen)
            queue = edited if records and not reuses_link else new
            is_old = undated_are_old and entry.dated is None
            if backfill is not None and entry.dated:
                is_old = entry.dated < now - backfill
            is_spurious = edits >= MOST_EDITS and all(by_identity[name] for name in entry.lasting)
            is_held = not held_identities.isdisjoint(entry.identities)
            if not is_old and not is_spurious:
                if is_held or (most is not None and len(queue) >= most):
                    held_back += not is_held
                    held_identities.update(entry.identities)
                    remember |= {name: record for name, record in by_identity.items() if record}
                    continue
                queue.append(_named_at_link(entry) if reuses_link else entry)
                edits += queue is edited
        remember |= dict.fromkeys(entry.identities, Seen(entry.version, edits))
    if backfill is not None or not undated_are_old:
        passed_over = 0
    return Decision(tuple(new), tuple(edited), remember, held_back, passed_over)


def unknown_pages(entries: Sequence[Listed], seen: Mapping[str, Seen]) -> int:
    """Returns how many entries without a date of publication were not seen before."""
    return sum(each.dated is None and seen.keys().isdisjoint(each.identities) for each in entries)


def _reuses_link(entry: Listed, seen: Mapping[str, Seen]) -> bool:
    """Returns whether an entry has the link of an earlier, different entry.

    Such an entry has a guid and a known link, and all its other identities are new; an edit would
    keep at least one of them.
    """
    other_identities = set(entry.identities) - {entry.link}
    return bool(entry.name_at_link) and entry.link in seen and other_identities.isdisjoint(seen)


def _named_at_link(entry: Listed) -> Listed:
    renamed = entry.as_plain() | {"name_at_link": entry.name_at_link}
    return replace(entry, json=json.dumps(renamed))
