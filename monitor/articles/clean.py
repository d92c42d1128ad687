"""From the bytes of a page to the article on it: trafilatura, with its edges filed off. Pure."""

from __future__ import annotations

import codecs
import html as html_entities
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from charset_normalizer import from_bytes
from lxml import etree
from lxml.html import HtmlElement, HTMLParser, document_fromstring, fragment_fromstring
from trafilatura import bare_extraction

from monitor.errors import CleanError

# trafilatura walks trees recursively, keeps several copies of them, and looks from elements at all
# above them; libxml2 compares an element's attributes with each other. Of 242 pages of news sites,
# none has more than 4,100 elements, 51 levels or 73 attributes on one element.
MAX_CHARACTERS = 5_000_000
MAX_DEPTH = 200
MAX_ELEMENTS = 50_000
MAX_DEPTHS = 1_000_000  # of all elements together
MAX_ATTRIBUTES = 1_000
# What a detector looks at; more changes its mind in no case that we have seen, and takes long.
SNIFFED_BYTES = 64 * 1024

_META_CHARSET = re.compile(
    rb"""<meta[^>]{0,200}charset\s*=\s*["']?\s*([\w-]{2,40})""", re.IGNORECASE
)
# Lone surrogates come from JSON's escapes, and cannot be written as UTF-8.
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
_SPACES = re.compile(r"[^\S\n]+")
_BLANK_LINES = re.compile(r"\s*\n\s*")
_LANGUAGE = re.compile(r"^[a-z]{2,3}\b", re.IGNORECASE)
_BLOCKS = "p|div|li|h1|h2|h3|h4|h5|h6|blockquote|tr|br|figure|section|article|pre|dt|dd"
# Not past another `<`: a megabyte of `<a<a<a` would be looked through from each of them.
_MARKUP = re.compile(r"<[a-zA-Z!/][^<>]*>|&#?\w+;")
_DROPPED = {"script", "style", "noscript", "template", "iframe", "object", "svg", "form"}
# What the web means by a charset's name (WHATWG Encoding Standard, section 4.2): the larger set,
# which has the quotation marks and names that are written with it all the same.
_MEANT = {
    "ascii": "cp1252",
    "iso8859-1": "cp1252",
    "iso8859-9": "cp1254",
    "iso8859-11": "cp874",
    "tis-620": "cp874",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "shift_jis": "cp932",
    "euc_kr": "cp949",
}
# Python's codecs that are no charsets; punycode takes quadratic time.
_NO_CHARSETS = {"idna", "punycode", "raw-unicode-escape", "undefined", "unicode-escape", "utf-7"}
_BYLINE = re.compile(r"^(?:by|von|par|por|di|door|av)\s+", re.IGNORECASE)

# All but Exception itself, of which the time limit of a job is a direct kind.
_STUMBLES = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    RecursionError,
    TypeError,
    ValueError,
    etree.LxmlError,
)


@dataclass(frozen=True, slots=True)
class Page:
    """What stands on a page: paragraphs of `text` are separated by a newline.

    `url` is the address that the page claims as its own, `language` an ISO 639 code.
    """

    title: str
    text: str
    authors: tuple[str, ...]
    published_at: datetime | None
    language: str | None
    url: str | None


def clean(html: bytes, *, url: str | None = None, charset: str | None = None) -> Page:
    """Find the article on a page; `url` and `charset` are what the server said.

    Raises CleanError, and nothing else for any bytes, where there is none.
    """
    text = _decode(html, charset)
    tree = _tree(text)
    published_at, language = _published_at(tree), _language(tree)
    try:
        found = bare_extraction(tree, url=url, with_metadata=True, include_comments=False)
        document = found.as_dict() if found is not None and not isinstance(found, dict) else found
    except _STUMBLES as error:
        # Whatever a page makes trafilatura stumble over, the next page is another one.
        raise CleanError(f"the page cannot be read: {type(error).__name__}") from error
    if not document or not (document.get("text") or "").strip():
        raise CleanError("the page holds no article")
    title = _line(document.get("title"))
    return Page(
        title=title,
        text=_without_title(_paragraphs(document["text"]), title),
        authors=tuple(_authors(document.get("author"))),
        published_at=published_at or _moment(document.get("date")),
        language=language,
        url=_line(document.get("url")) or None,
    )


def clean_fragment(html: str) -> str:
    """Text of a piece of HTML such as a feed's summary, a paragraph a line; plain text passes."""
    if not _MARKUP.search(html):
        return _paragraphs(html)
    try:
        tree = fragment_fromstring(_CONTROLS.sub(" ", html), create_parent="div", parser=_parser())
    except (AssertionError, etree.LxmlError, ValueError):
        # lxml asserts that what has an <html> has a <body>.
        return _paragraphs(html_entities.unescape(_MARKUP.sub(" ", html)))
    for element in list(tree.iter()):
        if element.tag in _DROPPED or not isinstance(element.tag, str):
            element.drop_tree()
        elif re.fullmatch(_BLOCKS, element.tag):
            element.tail = "\n" + (element.tail or "")
            element.text = "\n" + (element.text or "")
    return _paragraphs("".join(tree.itertext()))


def _parser() -> HTMLParser:
    return HTMLParser(huge_tree=False, remove_comments=True, remove_pis=True)


def _decode(html: bytes, charset: str | None) -> str:
    """The page as text: by what its bytes can only be, else by what it claims, else by likeness."""
    if not html.strip(b"\x00 \t\r\n"):
        raise CleanError("the page is empty")
    claimed = _META_CHARSET.search(html[:4096])
    claims = [name.lower() for name in (charset, claimed and claimed[1].decode()) if name]
    # The few charsets of which text could be mistaken for UTF-8. A page whose markup can be read
    # byte by byte is no UTF-16, whatever it says.
    certain = [name for name in claims if name.startswith("iso-2022")]
    if b"\x00" in html[:SNIFFED_BYTES]:
        certain += [name for name in claims if name.startswith("utf-16")]
    if html.startswith((b"\xff\xfe", b"\xfe\xff")):
        certain.insert(0, "utf-16")
    others = [name for name in claims if not name.startswith("utf-16")]
    for name in (*certain, "utf-8-sig", *others):
        decoded = _decoded(html, name)
        if decoded is not None:
            return _printable(decoded)
    likely = from_bytes(html[:SNIFFED_BYTES]).best()
    return _printable(html.decode(likely.encoding if likely else "cp1252", errors="replace"))


def _decoded(html: bytes, charset: str) -> str | None:
    """The page in this charset; None where it cannot be, a few broken bytes aside.

    Text that was cut in the middle of a character is common on pages that are fine otherwise.
    """
    try:
        name = codecs.lookup(charset).name
        if name in _NO_CHARSETS:
            return None
        decoded = html.decode(_MEANT.get(name, name), errors="replace")
    except (LookupError, ValueError):
        return None
    broken = decoded.count("\ufffd")
    if not broken:
        return decoded
    beyond_ascii = len(decoded) - len(decoded.encode("ascii", "ignore"))
    return decoded if broken * 10 <= beyond_ascii else None


def _printable(text: str) -> str:
    """Raises CleanError where this is no text at all."""
    if len(text) > MAX_CHARACTERS:
        raise CleanError(f"the page is larger than {MAX_CHARACTERS} characters")
    controls = len(_CONTROLS.findall(text[:SNIFFED_BYTES]))
    if controls * 20 > min(len(text), SNIFFED_BYTES):
        raise CleanError("the page is no text")
    return _CONTROLS.sub(" ", text)


def _tree(text: str) -> HtmlElement:
    # Bytes, since lxml refuses text that carries an encoding declaration.
    encoded = text.encode("utf-8", "replace")
    try:
        # Looked through before a tree is built, which is what takes long where there is too much.
        etree.fromstring(encoded, parser=etree.HTMLParser(target=_Shape(), encoding="utf-8"))
        tree = document_fromstring(encoded, parser=HTMLParser(huge_tree=False, encoding="utf-8"))
    except (etree.LxmlError, ValueError) as error:
        raise CleanError("the page cannot be parsed") from error
    return tree


class _Shape:
    """Told of a page's elements as they are parsed; raises CleanError where they are too many."""

    def __init__(self) -> None:
        self._depth = self._depths = self._elements = 0

    def start(self, _tag: str, attributes: Mapping[str, str]) -> None:
        self._elements += 1
        self._depth += 1
        self._depths += self._depth
        if (
            self._elements > MAX_ELEMENTS
            or self._depth > MAX_DEPTH
            or self._depths > MAX_DEPTHS
            or len(attributes) > MAX_ATTRIBUTES
        ):
            raise CleanError("the page is too deep or has too many elements")

    def end(self, _tag: str) -> None:
        self._depth -= 1

    def close(self) -> None:
        pass


def _paragraphs(text: str) -> str:
    return _BLANK_LINES.sub("\n", _SPACES.sub(" ", _CONTROLS.sub(" ", text))).strip()


def _line(value: object) -> str:
    return " ".join(_CONTROLS.sub(" ", str(value or "")).split())


def _without_title(text: str, title: str) -> str:
    """The text, less a first line that repeats the title."""
    first, _, rest = text.partition("\n")
    return rest if title and rest and first.casefold() == title.casefold() else text


def _authors(value: object) -> Iterator[str]:
    """Names, of trafilatura's `A; B`."""
    for part in str(value or "").split(";"):
        name = _BYLINE.sub("", _line(part))
        if name:
            yield name


def _language(tree: HtmlElement) -> str | None:
    """The language that the page claims, a primary subtag."""
    claims = [tree.get("lang"), *tree.xpath('//meta[@property="og:locale"]/@content')]
    for claim in claims:
        subtag = _LANGUAGE.match(claim or "")
        if subtag:
            return subtag[0].lower()
    return None


def _published_at(tree: HtmlElement) -> datetime | None:
    """The moment of publication, from structured data, which has time and zone."""
    for script in tree.xpath('//script[@type="application/ld+json"]/text()'):
        try:
            # Not strictly: headlines with a line break in them are common.
            data = json.loads(script, strict=False)
        except (ValueError, RecursionError):
            continue
        for node in _nodes(data):
            moment = _moment(node.get("datePublished"))
            kinds = node.get("@type")
            kinds = kinds if isinstance(kinds, list) else [kinds]
            if moment and any(isinstance(kind, str) and "Article" in kind for kind in kinds):
                return moment
    metas = tree.xpath('//meta[@property="article:published_time"]/@content')
    return next(filter(None, map(_moment, metas)), None)


def _nodes(data: Any) -> Iterator[dict[str, Any]]:
    """The objects of JSON-LD: one, a list, or a graph."""
    for node in data if isinstance(data, list) else [data]:
        if isinstance(node, dict):
            yield node
            graph = node.get("@graph")
            if isinstance(graph, list):
                yield from (one for one in graph if isinstance(one, dict))


def _moment(value: object) -> datetime | None:
    """An ISO 8601 moment in UTC; a day alone is its beginning."""
    if not isinstance(value, str):
        return None
    try:
        moment = datetime.fromisoformat(value.strip())
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
