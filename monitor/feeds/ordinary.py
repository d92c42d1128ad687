"""Reads ordinary RSS and Atom documents as feedparser does, at a fraction of its cost. Pure.

feedparser decides what an entry is. This reader gives the elements of ordinary feeds the meaning
that they have there, and refuses a document that contains anything else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from xml.etree.ElementTree import Element, XMLPullParser

from monitor.feeds.elements import ElementReader, Values, inner_base, without
from monitor.feeds.values import rebased
from monitor.feeds.vocabulary import ATOM, OTHER, NotOrdinaryError, Vocabulary, attributes_of


class OrdinaryFeed(NamedTuple):
    """The values of a feed and of its entries, by feedparser's names of them."""

    feed: Mapping[str, Any]
    entries: Sequence[Mapping[str, Any]]


def read_ordinary(text: str, base: str, language: str) -> OrdinaryFeed | None:
    """Reads a document; returns None to leave it to feedparser.

    `base` is the URL of the response, and `language` the one that the response says.
    """
    # Only a document type can define the entities with which documents attack parsers.
    if "<!DOCTYPE" in text:
        return None
    try:
        return _read(text, base, language)
    except Exception:  # noqa: BLE001 - whatever goes wrong here, feedparser has the last word
        return None


def _read(text: str, base: str, language: str) -> OrdinaryFeed:
    parser: XMLPullParser[Element] = XMLPullParser(("start-ns", "start"))
    parser.feed(text)
    parser.close()
    vocabulary = Vocabulary()
    root: Element | None = None
    version = ""
    events: Any = parser.read_events()
    for event, value in events:
        if event == "start-ns":
            vocabulary.declare(*value)
        elif root is None:
            root, version = value, vocabulary.version
    if root is None or version != vocabulary.version:
        raise NotOrdinaryError
    return _Document(vocabulary, language).read(root, base)


class _Document:
    """A document that is being read."""

    def __init__(self, vocabulary: Vocabulary, language: str) -> None:
        self._vocabulary = vocabulary
        self._elements = ElementReader(vocabulary)
        self._feed = self._elements.feed
        self._entries: list[dict[str, Any]] = []
        self._set_language(language)

    def _set_language(self, language: str | None) -> None:
        if language:
            self._feed.found["language"] = language.replace("_", "-")

    def read(self, root: Element, base: str) -> OrdinaryFeed:
        """Reads the document."""
        base = inner_base(root, rebased(base, base))
        name = self._vocabulary.name_of(root)
        version = self._vocabulary.version
        self._elements.is_atom = version == ATOM and name != "rss"
        is_atom_feed = root.tag.lower() == f"{{{ATOM}}}feed"
        if name == "rss" or is_atom_feed:
            attributes = attributes_of(root)
            self._set_language(attributes.get("xml:lang", attributes.get("lang")))
        if is_atom_feed:
            self._read_channel(root, base, 1)
        elif name == "rss":
            self._read_root(root, base, beside=())
        elif name == "rdf_rdf":
            self._read_root(root, base, beside=("item", "image", "textinput"))
        if not (
            is_atom_feed or name == "rss" or (name == "rdf_rdf" and (version or self._entries))
        ):
            raise NotOrdinaryError
        return OrdinaryFeed(self._feed.found, self._entries)

    def _read_root(self, root: Element, base: str, *, beside: Sequence[str]) -> None:
        """Reads the channel inside an element, and what is beside it, by these names."""
        channels = 0
        for child in root:
            name = self._vocabulary.name_of(child)
            if name == "channel":
                channels += 1
                self._read_channel(child, inner_base(child, base), 2)
            elif name == "item" and name in beside:
                self._read_entry(child, base, 2)
            elif name in beside or self._vocabulary.meaning_of(child) == OTHER:
                self._elements.read(self._feed, child, base, 2)
            else:
                raise NotOrdinaryError
        if channels != 1:
            raise NotOrdinaryError

    def _read_channel(self, channel: Element, base: str, depth: int) -> None:
        without(channel, "href", "lastmod")
        for child in channel:
            if self._vocabulary.name_of(child) in {"item", "entry"}:
                self._read_entry(child, base, depth + 1)
            else:
                self._elements.read(self._feed, child, base, depth + 1)

    def _read_entry(self, element: Element, base: str, depth: int) -> None:
        entry = Values()
        if about := without(element, "href", "lastmod").get("rdf:about"):
            entry.found["id"] = about
        base = inner_base(element, base)
        self._elements.begin_entry()
        for child in element:
            self._elements.read(entry, child, base, depth + 1)
        self._elements.end_entry()
        self._entries.append(entry.found)
