"""Which entries of a feed are new, and which were edited: a function of what has been seen.

Feeds give new guids at every poll, repeat one guid, give all entries one link, leave out dates,
reorder, and bring old entries back. So an entry goes by several identities, and is known as soon
as one of them is.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from monitor.articles.urls import normalise, normalise_link
from monitor.model import Entry, content_id

_MARKUP = re.compile(r"<[^>]*>|\s+")
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
    but not queued; an entry without a date may be of today, and is queued.
    """
    new: list[tuple[Entry, str]] = []
    edited: list[tuple[Entry, str]] = []
    remember: dict[str, str] = {}
    for entry, names in zip(_told_apart(entries, seen), identities(entries), strict=True):
        version = _version(entry)
        # What stood earlier in this very document counts as seen: some feeds list entries twice.
        known = [remember.get(name) or seen.get(name) for name in names]
        remember |= dict.fromkeys(names, version)
        if version in known:
            continue
        dated = entry.published_at or entry.updated_at
        if backfill is not None and dated is not None and dated < now - backfill:
            continue
        if any(known):
            edited.append((entry, version))
        else:
            new.append((entry, version))
    return Decision(tuple(new), tuple(edited), remember)


def identities(entries: Sequence[Entry]) -> Iterator[tuple[str, ...]]:
    """Yield the names by which each entry goes.

    These are its guid and its link, where no other entry of this document has the same, and its
    title with the date; an entry that has none of these goes by its words.
    """
    document = _Document(entries)
    for entry in entries:
        names = []
        if document.guid_is_unique(entry):
            names.append(_guid_name(entry))
        if document.link_is_unique(entry):
            names.append(_link_name(entry))
        if entry.title and entry.published_at:
            names.append(_dated_name(entry))
        yield tuple(names) or (_words_name(entry),)


def _told_apart(entries: Sequence[Entry], seen: Mapping[str, str]) -> Iterator[Entry]:
    """Yield the entries, each with what tells it from others that share its link.

    A link is shared within this document, or over time: where a new guid comes under a known link
    with words and a date that are new as well, it is another entry and not an edit.
    """
    document = _Document(entries)
    for entry in entries:
        if not entry.url:
            yield entry
            continue
        has_guid = document.guid_is_unique(entry)
        shared = not document.link_is_unique(entry)
        if not shared and has_guid and _link_name(entry) in seen:
            is_permalink = normalise(entry.guid or "") == normalise(entry.url)
            names = {_guid_name(entry), _dated_name(entry)}
            shared = not is_permalink and names.isdisjoint(seen)
        name = (entry.guid if has_guid else _words_name(entry)) if shared else ""
        yield replace(entry, name_at_link=name or "", owns_page=document.page_is_unique(entry))


class _Document:
    """Says which guids, links and pages of a document belong to one entry alone."""

    def __init__(self, entries: Sequence[Entry]) -> None:
        self._guids = Counter(entry.guid for entry in entries)
        at_link: dict[str, list[Entry]] = {}
        titles_at_page: dict[str, set[str]] = {}
        for entry in entries:
            if entry.url:
                at_link.setdefault(normalise_link(entry.url), []).append(entry)
                titles_at_page.setdefault(normalise(entry.url), set()).add(entry.title)
        self._links = {link for link, sharing in at_link.items() if self._are_one(sharing)}
        self._pages = {page for page, titles in titles_at_page.items() if len(titles) == 1}

    def guid_is_unique(self, entry: Entry) -> bool:
        """Return whether the entry has a guid that no other has."""
        return bool(entry.guid) and self._guids[entry.guid] == 1

    def link_is_unique(self, entry: Entry) -> bool:
        """Return whether the entry has a link that no different entry has."""
        return bool(entry.url) and normalise_link(entry.url or "") in self._links

    def page_is_unique(self, entry: Entry) -> bool:
        """Return whether no entry with another title leads to the same page."""
        return not entry.url or normalise(entry.url) in self._pages

    def _are_one(self, entries: list[Entry]) -> bool:
        """Return whether entries with the same link are one that is listed several times.

        Different entries differ in their titles, or in both guid and words.
        """
        if len(entries) == 1:
            return True
        if len({entry.title for entry in entries}) > 1:
            return False
        named = [entry for entry in entries if self.guid_is_unique(entry)]
        return len({_version(entry) for entry in named}) <= 1


def _guid_name(entry: Entry) -> str:
    return _short("guid", entry.guid or "")


def _link_name(entry: Entry) -> str:
    return _short("link", normalise_link(entry.url or ""))


def _dated_name(entry: Entry) -> str:
    date = entry.published_at.isoformat() if entry.published_at else ""
    return _short("dated", entry.title, date)


def _words_name(entry: Entry) -> str:
    return _short("words", entry.title, entry.summary, entry.content)


def _version(entry: Entry) -> str:
    """What changes when an editor changes an entry, and not when a feed is rendered afresh."""
    words = (_MARKUP.sub(" ", part).strip() for part in (entry.title, entry.summary, entry.content))
    # An `updated` date alone moves with every advert: it says nothing about the words.
    return _short(*words)


def _short(*parts: str) -> str:
    return content_id(*parts)[:_DIGITS]
