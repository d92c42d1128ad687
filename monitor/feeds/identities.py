"""The names by which a document's entries are known, and what makes a version of one. Pure.

Feeds give new guids at every poll, repeat one guid, give all entries one link, and leave out dates.
So an entry goes by several identities, and is known as soon as one of them is.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from monitor.articles.urls import normalise, normalise_link
from monitor.model import Entry, content_id

_MARKUP = re.compile(r"<[^<>]*>|\s+")
# Identities and versions are many and stay in Redis for months: 64 bits each. Among a feed's
# 10,000 entries, two share an identity with a probability of about 3e-12.
_DIGITS = 16


class Identities:
    """The identities of a document's entries: what belongs to one entry alone names it."""

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

    def of(self, entry: Entry) -> tuple[str, ...]:
        """Returns all identities of an entry.

        These are its guid and its link, if no other entry of the document has the same, and its
        title with the date; an entry that has none of these goes by its words.
        """
        names = (self.guid(entry), self.link(entry), dated_identity(entry))
        return tuple(filter(None, names)) or (_words_identity(entry),)

    def guid(self, entry: Entry) -> str:
        """Returns the identity of a guid that no other entry has, else an empty string."""
        return _short("guid", entry.guid or "") if self._guid_is_unique(entry) else ""

    def link(self, entry: Entry) -> str:
        """Returns the identity of a link that no different entry has, else an empty string."""
        link = normalise_link(entry.url) if entry.url else ""
        return _short("link", link) if link in self._links else ""

    def name_at_link(self, entry: Entry) -> str:
        """Returns what tells an entry from others that may have its link: its guid, or its words.

        A guid that repeats the link tells nothing more.
        """
        if self._guid_is_unique(entry) and normalise(entry.guid or "") != normalise(
            entry.url or ""
        ):
            return entry.guid or ""
        return "" if self.link(entry) else _words_identity(entry)

    def owns_page(self, entry: Entry) -> bool:
        """Returns whether no entry with another title leads to the same page."""
        return not entry.url or normalise(entry.url) in self._pages

    def _guid_is_unique(self, entry: Entry) -> bool:
        return bool(entry.guid) and self._guids[entry.guid] == 1

    def _are_one(self, entries: list[Entry]) -> bool:
        """Returns whether entries with the same link are one that is listed several times.

        Different entries differ in their titles, or in both guid and words.
        """
        if len(entries) == 1:
            return True
        if len({entry.title for entry in entries}) > 1:
            return False
        named = [entry for entry in entries if self._guid_is_unique(entry)]
        return len({version_of(entry) for entry in named}) <= 1


def dated_identity(entry: Entry) -> str:
    """Returns the identity of a title with its date; an empty string without these."""
    if not entry.title or not entry.published_at:
        return ""
    return _short("dated", entry.title, entry.published_at.isoformat())


def version_of(entry: Entry) -> str:
    """Returns what changes when an editor changes an entry, and not when a feed is rendered again.

    A changed `updated` date alone makes no version: it moves with every advert.
    """
    words = (_MARKUP.sub(" ", part).strip() for part in (entry.title, entry.summary, entry.content))
    return _short(*words)


def _words_identity(entry: Entry) -> str:
    return _short("words", entry.title, entry.summary, entry.content)


def _short(*parts: str) -> str:
    return content_id(*parts)[:_DIGITS]
