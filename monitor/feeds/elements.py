"""Reads the elements of ordinary feeds as feedparser does, with the state that it keeps. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from xml.etree.ElementTree import Element

from feedparser.api import StrictFeedParser

from monitor.feeds.values import joined_uri, person_name, polished, rebased, with_absolute_uris
from monitor.feeds.vocabulary import OTHER, NotOrdinaryError, Vocabulary, attributes_of

_DEEPEST = 8
_PLAIN, _HTML = "text/plain", "text/html"
_TYPES = {"text": _PLAIN, "plain": _PLAIN, _PLAIN: _PLAIN, "html": _HTML, _HTML: _HTML}
_PAGE_TYPES = frozenset(("html", _HTML, "xhtml", "application/xhtml+xml"))
# feedparser undoes this in links, where parsers end `&b` in `?a=1&b=2` with a semicolon.
_CLOSED_PARAMETER = re.compile("&([A-Za-z0-9_]+);")
_PERSON = frozenset(("name", "email", "address"))
_IMAGE = frozenset(("address", "size"))
_FEED_IMAGE = _IMAGE | {"title", "link", "description"}
_INPUT = frozenset(("title", "link", "description", "name"))
_GROUP = frozenset(("title", "media_title", "description", "group", "stored", "ignored", OTHER))


@dataclass(slots=True)
class Values:
    """What was found of a feed or of an entry, and how deep the elements are that say it."""

    found: dict[str, Any] = field(default_factory=dict)
    depths: dict[str, int] = field(default_factory=dict)


class ElementReader:
    """Reads the elements of one document, in its order; raises NotOrdinaryError for others."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self.feed = Values()
        self.is_atom = False
        self._meaning_of, self._name_of = vocabulary.meaning_of, vocabulary.name_of
        # The depth of the last title: one that is as deep or deeper does not replace it.
        self._title_depth = -1
        # Until an entry has content, its second summary is content.
        self._has_content = False
        self._readers: dict[str, Callable[[Values, Element, str, int], None]] = {
            "title": self._read_title,
            "media_title": self._read_media_title,
            "description": self._read_description,
            "summary": self._read_summary,
            "content": self._read_content,
            "encoded": self._read_encoded,
            "link": self._read_link,
            "guid": self._read_guid,
            "published": self._read_text,
            "updated": self._read_text,
            "created": self._read_text,
            "language": self._read_text,
            "author": self._read_author,
            "contributor": self._read_person,
            "owner": self._read_owner,
            "source": self._read_source,
            "image": self._read_image,
            "input": self._read_input,
            "subtitle": self._read_subtitle,
            "stored": self._read_stored,
            "group": self._read_group,
            "categories": self._read_categories,
            "ignored": self._read_ignored,
            OTHER: self._read_other,
        }

    def begin_entry(self) -> None:
        """Prepares for the elements of an entry."""
        self._title_depth = -1

    def end_entry(self) -> None:
        """Prepares for what follows an entry."""
        self._has_content = False

    def read(self, values: Values, element: Element, base: str, depth: int) -> None:
        """Reads an element of the feed or of an entry, which is `depth` elements deep."""
        read = self._readers.get(self._meaning_of(element))
        if read is None or depth > _DEEPEST:
            raise NotOrdinaryError
        read(values, element, base, depth)

    def _store(self, values: Values, key: str, value: str, depth: int) -> None:
        """Stores a value, unless an entry has it from an element that is less deep."""
        if values is self.feed or depth <= values.depths.get(key, depth):
            values.depths[key] = depth
            values.found[key] = value

    def _marked_up(self, element: Element, base: str, usual: str) -> str:
        """Returns the text of an element that may be HTML; `usual` is the type if it says none."""
        kind = _TYPES.get(without(element, "mode").get("type", usual))
        if kind is None:
            raise NotOrdinaryError
        text = _text(element)
        base = inner_base(element, base)
        if kind == _PLAIN and not self.is_atom and ("<" in text or "&" in text):
            kind = _HTML if StrictFeedParser.looks_like_html(text) else _PLAIN
        return polished(with_absolute_uris(text, base) if kind == _HTML else text)

    def _read_title(self, values: Values, element: Element, base: str, depth: int) -> None:
        title = self._marked_up(element, base, _PLAIN)
        if not -1 < self._title_depth <= depth:
            self._store(values, "title", title, depth)
        if title:
            self._title_depth = depth

    def _read_media_title(self, values: Values, element: Element, base: str, depth: int) -> None:
        title_depth = self._title_depth
        self._read_title(values, element, base, depth)
        self._title_depth = title_depth

    def _read_description(self, values: Values, element: Element, base: str, depth: int) -> None:
        if "summary" in values.found and not self._has_content:
            self._read_content(values, element, base, depth)
        elif values is self.feed:
            # It is the feed's subtitle, and not its summary.
            _text(element)
        else:
            self._store(values, "summary", self._marked_up(element, base, _HTML), depth)

    def _read_summary(self, values: Values, element: Element, base: str, depth: int) -> None:
        if "summary" in values.found and not self._has_content:
            self._read_content(values, element, base, depth)
        else:
            self._store(values, "summary", self._marked_up(element, base, _PLAIN), depth)

    def _read_content(self, values: Values, element: Element, base: str, _depth: int) -> None:
        self._add_content(values, self._marked_up(element, base, _PLAIN))

    def _read_encoded(self, values: Values, element: Element, base: str, _depth: int) -> None:
        self._add_content(values, self._marked_up(element, base, _HTML))

    def _add_content(self, values: Values, text: str) -> None:
        self._has_content = True
        values.found.setdefault("content", []).append({"value": text})
        values.found.setdefault("summary", text)

    def _read_link(self, values: Values, element: Element, base: str, _depth: int) -> None:
        attributes = attributes_of(element)
        relation = attributes.get("rel", "alternate")
        kind = attributes.get("type", "application/atom+xml" if relation == "self" else _HTML)
        address = attributes.get("url", attributes.get("uri", attributes.get("href")))
        text = _text(element)
        base = inner_base(element, base)
        if not address and "href" not in attributes:
            link = polished(joined_uri(base, text) if text else "").replace("&amp;", "&")
            values.found["link"] = _CLOSED_PARAMETER.sub(r"&\1", link)
        elif relation == "alternate" and kind in _PAGE_TYPES:
            values.found["link"] = joined_uri(base, address or attributes["href"])
        elif relation == "enclosure" and "title" in attributes:
            attached = {"rel": relation, "title": attributes["title"]}
            values.found.setdefault("links", []).append(attached)

    def _read_guid(self, values: Values, element: Element, base: str, depth: int) -> None:
        is_link = attributes_of(element).get("ispermalink", "true") == "true"
        guid = _text(element)
        guid = polished(joined_uri(inner_base(element, base), guid) if guid and is_link else guid)
        self._store(values, "id", guid, depth)
        if is_link:
            values.found.setdefault("link", guid)

    def _read_text(self, values: Values, element: Element, _base: str, depth: int) -> None:
        self._store(values, self._meaning_of(element), polished(_text(element)), depth)

    def _read_author(self, values: Values, element: Element, _base: str, depth: int) -> None:
        if len(element):
            parts = self._parts(element, _PERSON)
            names = [_text(part) for part in parts if self._meaning_of(part) == "name"]
            if not names or "author" in values.found:
                # feedparser would look for the name in an earlier author, or rename that.
                raise NotOrdinaryError
            name = names[-1]
        else:
            self._store(values, "author", polished(_text(element)), depth)
            name = person_name(values.found["author"])
        values.found.setdefault("authors", []).append({"name": name})

    def _read_person(self, _values: Values, element: Element, _base: str, _depth: int) -> None:
        self._parts(element, _PERSON)

    def _read_owner(self, values: Values, element: Element, _base: str, _depth: int) -> None:
        if values is not self.feed:
            # It would become the author.
            raise NotOrdinaryError
        self._parts(element, _PERSON)

    def _read_source(self, values: Values, element: Element, _base: str, _depth: int) -> None:
        if values is self.feed or len(element):
            raise NotOrdinaryError
        self._title_depth = -1

    def _read_image(self, values: Values, element: Element, _base: str, depth: int) -> None:
        self._read_parts(element, _FEED_IMAGE if values is self.feed else _IMAGE, depth)

    def _read_input(self, values: Values, element: Element, _base: str, depth: int) -> None:
        if values is not self.feed:
            raise NotOrdinaryError
        self._read_parts(element, _INPUT, depth)

    def _read_parts(self, element: Element, meanings: frozenset[str], depth: int) -> None:
        self._title_depth = -1
        for part in self._parts(element, meanings):
            if self._meaning_of(part) == "title" and _text(part):
                self._title_depth = depth + 1

    def _read_group(self, values: Values, element: Element, base: str, depth: int) -> None:
        base = inner_base(element, base)
        for child in element:
            if self._meaning_of(child) not in _GROUP:
                raise NotOrdinaryError
            self.read(values, child, base, depth + 1)

    def _read_subtitle(self, values: Values, element: Element, base: str, depth: int) -> None:
        self._store(values, "subtitle", self._marked_up(element, base, _PLAIN), depth)

    def _read_stored(self, values: Values, element: Element, _base: str, depth: int) -> None:
        if element.attrib:
            # feedparser would keep these in place of the text.
            raise NotOrdinaryError
        key = self._name_of(element)
        self._store(values, key, polished(_text(element)), depth)

    def _read_categories(self, _values: Values, element: Element, _base: str, _depth: int) -> None:
        self._require(element, frozenset(("categories", OTHER)))

    def _read_ignored(self, _values: Values, element: Element, _base: str, _depth: int) -> None:
        _text(element)

    def _read_other(self, _values: Values, element: Element, _base: str, _depth: int) -> None:
        self._require(element, frozenset((OTHER,)))

    def _require(self, element: Element, meanings: frozenset[str]) -> None:
        if any(self._meaning_of(inner) not in meanings for inner in element.iter()):
            raise NotOrdinaryError

    def _parts(self, element: Element, meanings: frozenset[str]) -> Sequence[Element]:
        """Returns the elements inside an element: those with these meanings and empty ones."""
        for part in element:
            meaning = self._meaning_of(part)
            if meaning not in meanings and (meaning != OTHER or _text(part)):
                raise NotOrdinaryError
            _text(part)
        return list(element)


def without(element: Element, *names: str) -> Mapping[str, str]:
    """Returns an element's attributes; raises NotOrdinaryError if one of these is among them."""
    attributes = attributes_of(element)
    if any(name in attributes for name in names):
        raise NotOrdinaryError
    return attributes


def inner_base(element: Element, base: str) -> str:
    """Returns the base URI inside an element."""
    if not element.attrib:
        return base
    attributes = attributes_of(element)
    reference = attributes.get("xml:base", attributes.get("base"))
    return rebased(base, reference) if reference else base


def _text(element: Element) -> str:
    """Returns the text of an element that has no elements inside."""
    if len(element):
        raise NotOrdinaryError
    return (element.text or "").strip()
