"""Knows what feedparser makes of the elements of feeds, by their names. Pure.

The name of an element is the one by which feedparser finds its handler: `dc_creator` for `creator`
of Dublin Core, whatever its prefix, and `title` for that of any RSS or Atom.
"""

from __future__ import annotations

from collections.abc import Mapping
from xml.etree.ElementTree import Element

from feedparser import FeedParserDict
from feedparser.api import StrictFeedParser

ATOM = "http://www.w3.org/2005/atom"
_VERSIONS = {ATOM, "http://purl.org/rss/1.0/", "http://my.netscape.com/rdf/simple/0.9/"}
_XML = "http://www.w3.org/xml/1998/namespace"
_PREFIXES = {uri.lower(): prefix.lower() for uri, prefix in StrictFeedParser.namespaces.items()}
_HANDLED = {
    name.removeprefix(part)
    for name in dir(StrictFeedParser)
    for part in ("_start_", "_end_")
    if name.startswith(part)
}
# Other elements it only stores under their names. These would be found in place of something else.
_KEYS = {*FeedParserDict.keymap} - {"items"} | set(
    "author_detail authors contributors links publisher_detail publishers".split()
)
_RESERVED = {*_PREFIXES.values(), *(name.partition("_")[0] for name in _HANDLED | _KEYS)} - {""}

# The meaning of an element that feedparser only stores.
OTHER = "other"
# The meaning of elements that feedparser handles and an ordinary feed may contain.
_MEANINGS = {
    name: meaning
    for meaning, names in {
        "title": "title dc_title",
        "media_title": "media_title",
        "description": "description dc_description media_description",
        "summary": "summary itunes_summary",
        "content": "content",
        "encoded": "content_encoded",
        "link": "link",
        "guid": "guid id",
        "published": "published issued pubdate dcterms_issued",
        "updated": "updated modified lastbuilddate dc_date dcterms_modified",
        "created": "created dcterms_created",
        "author": "author dc_author dc_creator itunes_author managingeditor",
        "name": "name itunes_name",
        "address": "uri url homepage",
        "email": "email itunes_email",
        "contributor": "contributor",
        "owner": "itunes_owner",
        "language": "language dc_language",
        "source": "source",
        "image": "image",
        "size": "width height",
        "input": "textinput",
        "subtitle": "itunes_subtitle subtitle tagline",
        "stored": "feedburner_origlink media_text",
        "group": "media_group media_content",
        "categories": "itunes_category",
        # No value that is read here depends on these.
        "ignored": "category dc_subject keywords itunes_keywords media_keywords enclosure rights"
        " copyright dc_rights dc_publisher webmaster generator cloud info"
        " itunes_image itunes_block itunes_explicit media_category media_thumbnail"
        " media_rating media_credit media_player media_restriction media_license dc_contributor"
        " admin_errorreportsto admin_generatoragent creativecommons_license"
        " feedburner_browserfriendly",
        "structure": "rss channel feed item entry",
    }.items()
    for name in names.split()
}


_NO_ATTRIBUTES: Mapping[str, str] = {}


class NotOrdinaryError(Exception):
    """Says that a document contains something that only feedparser can read."""


class Vocabulary:
    """The names of a document's elements, by the namespaces that the document declares.

    `version` is the namespace by which feedparser tells the version of a feed.
    """

    def __init__(self) -> None:
        self.version = ""
        self._uris: dict[str, str] = {}
        self._prefixes = {_XML: "xml"}
        self._names: dict[str, str] = {}
        self._meanings: dict[str, str] = {}

    def declare(self, prefix: str, uri: str) -> None:
        """Reads the declaration of a namespace, with "" as the prefix of the default one.

        To feedparser a prefix means one namespace throughout a document, and some prefixes mean one
        in all documents. Raises NotOrdinaryError if this document uses them otherwise.
        """
        prefix, uri = prefix.lower(), uri.lower()
        if uri in _VERSIONS and not self.version:
            self.version = uri
        standard = _standard_prefix(uri)
        if standard is None:
            name = prefix
            is_misleading = not prefix
        else:
            name = standard
            is_misleading = prefix != standard and prefix in _RESERVED
        is_ambiguous = self._prefixes.setdefault(uri, name) != name
        is_rebound = bool(prefix) and self._uris.setdefault(prefix, uri) != uri
        if is_misleading or is_ambiguous or is_rebound or len(uri.split()) != 1:
            raise NotOrdinaryError

    def name_of(self, element: Element) -> str:
        """Returns the name of an element."""
        tag = element.tag
        name = self._names.get(tag)
        if name is None:
            uri, _, local = tag.rpartition("}")
            prefix = self._prefixes[uri[1:].lower()] if uri else ""
            name = self._names[tag] = f"{prefix}_{local}".lower() if prefix else local.lower()
        return name

    def meaning_of(self, element: Element) -> str:
        """Returns the meaning of an element; NotOrdinaryError if feedparser alone knows it."""
        tag = element.tag
        meaning = self._meanings.get(tag)
        if meaning is None:
            name = self.name_of(element)
            if name not in _MEANINGS and (name in _HANDLED or name in _KEYS):
                raise NotOrdinaryError
            meaning = self._meanings[tag] = _MEANINGS.get(name, OTHER)
        return meaning


def attributes_of(element: Element) -> Mapping[str, str]:
    """Returns an element's attributes by the names that feedparser gives them, as `xml:lang`."""
    if not element.attrib:
        return _NO_ATTRIBUTES
    attributes = {}
    for tag, value in element.attrib.items():
        uri, _, local = tag.rpartition("}")
        # An attribute in a foreign namespace counts as one without.
        prefix = _standard_prefix(uri[1:].lower()) if uri else ""
        name = f"{prefix}:{local}".lower() if prefix else local.lower()
        attributes[name] = value.lower() if name in {"rel", "type"} else value
    return attributes


def _standard_prefix(uri: str) -> str | None:
    return "" if "backend.userland.com/rss" in uri else _PREFIXES.get(uri)
