"""From the bytes of a page to the article on it: trafilatura, with its edges filed off. Pure."""

from __future__ import annotations

import html as html_entities
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from charset_normalizer import from_bytes
from lxml import etree
from lxml.html import HtmlElement, HTMLParser, document_fromstring, fragment_fromstring
from trafilatura import bare_extraction

from monitor.errors import CleanError

# trafilatura walks trees recursively and keeps several copies of them; no article that we have
# seen comes near.
MAX_CHARACTERS = 5_000_000
MAX_DEPTH = 200
MAX_ELEMENTS = 200_000
# What a detector looks at; more changes its mind in no case that we have seen, and takes long.
SNIFFED_BYTES = 64 * 1024

_META_CHARSET = re.compile(
    rb"""<meta[^>]{0,200}charset\s*=\s*["']?\s*([\w-]{2,40})""", re.IGNORECASE
)
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_SPACES = re.compile(r"[^\S\n]+")
_BLANK_LINES = re.compile(r"\s*\n\s*")
_LANGUAGE = re.compile(r"^[a-z]{2,3}\b", re.IGNORECASE)
_BLOCKS = "p|div|li|h1|h2|h3|h4|h5|h6|blockquote|tr|br|figure|section|article|pre|dt|dd"
_MARKUP = re.compile(r"<[a-zA-Z!/][^>]*>|&#?\w+;")
_DROPPED = {"script", "style", "noscript", "template", "iframe", "object", "svg", "form"}
_BYLINE = re.compile(r"^(?:by|von|par|por|di|door|av)\s+", re.IGNORECASE)


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
    except (ValueError, TypeError, AttributeError, KeyError, IndexError, RecursionError) as error:
        # Whatever a page makes trafilatura stumble over, the next page is another one.
        raise CleanError(f"the page cannot be read: {type(error).__name__}") from error
    document = found.as_dict() if found is not None and not isinstance(found, dict) else found
    if not document or not (document.get("text") or "").strip():
        raise CleanError("the page holds no article")
    title = _line(document.get("title"))
    return Page(
        title=title,
        text=_without_title(_paragraphs(document["text"]), title),
        authors=tuple(_authors(document.get("author"))),
        published_at=published_at or _moment(document.get("date")),
        language=language,
        url=document.get("url") or None,
    )


def clean_fragment(html: str) -> str:
    """Text of a piece of HTML such as a feed's summary, a paragraph a line; plain text passes."""
    if not _MARKUP.search(html):
        return _paragraphs(html)
    try:
        tree = fragment_fromstring(_CONTROLS.sub(" ", html), create_parent="div", parser=_parser())
    except (etree.LxmlError, ValueError):
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
    claims = [charset, claimed[1].decode() if claimed else None]
    # The few charsets of which other text could be mistaken for UTF-8.
    certain = [name for name in claims if name and name.lower().startswith(("utf-16", "iso-2022"))]
    if html.startswith((b"\xff\xfe", b"\xfe\xff")):
        certain.insert(0, "utf-16")
    for name in filter(None, (*certain, "utf-8-sig", *claims)):
        try:
            decoded = html.decode(name)
        except (LookupError, ValueError):
            continue
        return _printable(decoded)
    likely = from_bytes(html[:SNIFFED_BYTES]).best()
    return _printable(html.decode(likely.encoding if likely else "cp1252", errors="replace"))


def _printable(text: str) -> str:
    """Raises CleanError where this is no text at all."""
    if len(text) > MAX_CHARACTERS:
        raise CleanError(f"the page is larger than {MAX_CHARACTERS} characters")
    controls = len(_CONTROLS.findall(text[:SNIFFED_BYTES]))
    if controls * 20 > min(len(text), SNIFFED_BYTES):
        raise CleanError("the page is no text")
    return _CONTROLS.sub(" ", text)


def _tree(text: str) -> HtmlElement:
    try:
        # Bytes, since lxml refuses text that carries an encoding declaration.
        tree = document_fromstring(
            text.encode("utf-8", "replace"),
            parser=HTMLParser(huge_tree=False, encoding="utf-8"),
        )
    except (etree.LxmlError, ValueError) as error:
        raise CleanError("the page cannot be parsed") from error
    if sum(1 for _ in tree.iter()) > MAX_ELEMENTS or _depth(tree) > MAX_DEPTH:
        raise CleanError("the page is too deep or has too many elements")
    return tree


def _depth(tree: HtmlElement) -> int:
    deepest = depth = 0
    for event, _ in etree.iterwalk(tree, events=("start", "end")):
        depth += 1 if event == "start" else -1
        deepest = max(deepest, depth)
    return deepest


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
            data = json.loads(script)
        except (ValueError, RecursionError):
            continue
        for node in _nodes(data):
            moment = _moment(node.get("datePublished"))
            if moment and "Article" in str(node.get("@type")):
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
    try:
        moment = datetime.fromisoformat(str(value).strip())
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
