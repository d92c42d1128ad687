"""Derives the identities and versions of a document's entries. Pure.

Feeds give new guids at every poll, repeat a guid, give all entries the same link, and omit dates.
So an entry has several identities, and was seen before if any of them was.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from monitor.articles.urls import former_link, normalise, with_fragment
from monitor.model import Entry, content_id

_TAG = re.compile(r"<[^<>]*>")
# 64 bits, because Redis stores many identities and versions for months. The probability that any
# two of a feed's 10,000 entries share an identity by chance is about 3e-12.
_DIGITS = 16


class Identities:
    """Identifies the entries of a document, by guids and links that are unique in it."""

    def __init__(self, entries: Sequence[Entry]) -> None:
        self._guids = Counter(entry.guid for entry in entries)
        # Normalising costs more than all else here, and each URL is needed several times.
        self._page_of = {entry.url: normalise(entry.url) for entry in entries if entry.url}
        self._link_of = {url: with_fragment(page, url) for url, page in self._page_of.items()}
        entries_by_link: dict[str, list[Entry]] = {}
        titles_by_page: dict[str, set[str]] = {}
        for entry in entries:
            if entry.url:
                entries_by_link.setdefault(self._link_of[entry.url], []).append(entry)
                titles_by_page.setdefault(self._page_of[entry.url], set()).add(entry.title)
        formerly = {url: former_link(url) for url in self._page_of}
        sharing = Counter(formerly.values())
        self._former_of = {
            url: link for url, link in formerly.items() if link and sharing[link] == 1
        }
        self._links = {link for link, sharing in entries_by_link.items() if self._are_same(sharing)}
        self._pages = {page for page, titles in titles_by_page.items() if len(titles) == 1}

    def of(self, entry: Entry) -> tuple[tuple[str, ...], str, str]:
        """Returns all identities of an entry, that of its link, and that of its title and date.

        Those of its guid and its link exist if these are unique in the document. An entry that has
        none of the three is identified by its words.
        """
        link, dated = self.link(entry), dated_identity(entry)
        words = dated or _undated_identity(entry)
        names = filter(None, (self.guid(entry), link, words, self._former_link(entry, link)))
        return tuple(names) or (_words_identity(entry),), link, dated

    def guid(self, entry: Entry) -> str:
        """Returns the identity derived from a guid that no other entry has, else ""."""
        return _short("guid", entry.guid or "") if self._guid_is_unique(entry) else ""

    def link(self, entry: Entry) -> str:
        """Returns the identity derived from a link that no different entry has, else ""."""
        link = self._link_of[entry.url] if entry.url else ""
        return _short("link", link) if link in self._links else ""

    def _former_link(self, entry: Entry, link: str) -> str:
        """Returns the identity that older versions derived from the link, if that was another."""
        former = self._former_of.get(entry.url or "", "") if link else ""
        return _short("link", former) if former else ""

    def name_at_link(self, entry: Entry, link: str) -> str:
        """Returns the guid or the hash of the words that tells an entry from others at its link.

        `link` is the identity of its link; if that is enough, returns "". A guid that repeats the
        link does not count.
        """
        page = self._page_of[entry.url] if entry.url else ""
        guid = entry.guid or ""
        if self._guid_is_unique(entry) and (self._page_of.get(guid) or normalise(guid)) != page:
            return guid
        return "" if link else _words_identity(entry)

    def owns_page(self, entry: Entry) -> bool:
        """Returns whether all entries that link to the same page have the same title."""
        return not entry.url or self._page_of[entry.url] in self._pages

    def _guid_is_unique(self, entry: Entry) -> bool:
        return bool(entry.guid) and self._guids[entry.guid] == 1

    def _are_same(self, entries: list[Entry]) -> bool:
        """Returns whether entries with the same link are one entry that is listed several times.

        Different entries differ in their titles, or in both guid and words.
        """
        if len(entries) == 1:
            return True
        if len({entry.title for entry in entries}) > 1:
            return False
        with_own_guid = [entry for entry in entries if self._guid_is_unique(entry)]
        return len({version_of(entry) for entry in with_own_guid}) <= 1


def dated_identity(entry: Entry) -> str:
    """Returns the identity derived from title and date; "" if one of them is missing."""
    if not entry.title or not entry.published_at:
        return ""
    return _short("dated", entry.title, entry.published_at.isoformat())


def _undated_identity(entry: Entry) -> str:
    """Returns the identity derived from all words of an entry without a date.

    Feeds without dates may also give new guids and links at every poll. "" unless the entry has a
    title and a text: titles alone, such as those of traffic reports, return with other news.
    """
    if entry.published_at or not entry.title or not (entry.summary or entry.content):
        return ""
    return _words_identity(entry)


def version_of(entry: Entry) -> str:
    """Returns a hash that changes when an editor changes an entry, not when a feed is re-rendered.

    The `updated` date does not count: some feeds change it with every advert.
    """
    return _short(*map(_without_markup, (entry.title, entry.summary, entry.content)))


def _without_markup(html: str) -> str:
    """Replaces each tag, and each run of white space between two tags, with a space."""
    if "<" not in html:
        return " ".join(html.split())
    return " ".join(map(_single_spaced, _TAG.split(html))).strip()


def _single_spaced(text: str) -> str:
    """Replaces each run of white space with a space, several times faster than `re.sub`."""
    words = " ".join(text.split())
    if len(words) == len(text):
        return words
    before = " " if text[0].isspace() else ""
    after = " " if words and text[-1].isspace() else ""
    return f"{before}{words}{after}"


def _words_identity(entry: Entry) -> str:
    return _short("words", entry.title, entry.summary, entry.content)


def _short(*parts: str) -> str:
    return content_id(*parts)[:_DIGITS]
