"""Parses feeds: RSS and Atom here, JSON Feed in `json_feed`, sitemaps in `sitemaps`. Pure.

feedparser says what an entry of RSS or Atom is; `ordinary` finds the same in most feeds, sooner.
Relative URLs are resolved. Which entries are new is decided elsewhere.
"""

from __future__ import annotations

import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from xml.sax import SAXParseException

import feedparser

from monitor.articles.dates import FeedDates
from monitor.articles.urls import joined
from monitor.errors import EmptyFeed, FeedError
from monitor.feeds.fallbacks import (
    base_of,
    inherited_authors,
    is_atom,
    link_of,
    links_from_guids,
    names,
    site_of,
    spare_content,
)
from monitor.feeds.fields import counted, html, line, plain
from monitor.feeds.hints import NO_HEAD, Head, read_head
from monitor.feeds.json_feed import authors_of, hubs_of, read_document, read_item
from monitor.feeds.ordinary import read_ordinary
from monitor.feeds.refusals import EMPTY, ROOT_ELEMENT, binary_kind, is_html, refusal
from monitor.feeds.sitemaps import is_sitemap, read_sitemap
from monitor.feeds.text import decode, mend
from monitor.model import Entry

# feedparser takes quadratic time on text before the first element, on attributes, and on people.
_MAX_HEAD = 4_000
_MAX_ATTRIBUTES = 200
_ELEMENT = re.compile(r"<[A-Za-z_]")
_LONG_TAG = re.compile(r"<([A-Za-z_][\w:.-]{0,60}+)[^<>]{2000,}+>")
_PERSON = re.compile(
    r"(<(?:\w{1,20}:)?(?:author|creator|managingeditor|webmaster|publisher|name|email|owner)\b[^<>]*>"
    r"(?:<!\[CDATA\[)?[^<\]]{500})[^<\]]+",
    re.IGNORECASE,
)
_POSITION_PREFIX = re.compile(
    r"""\bxmlns:([\w.-]{1,60})=["']http://www\.(?:georss\.org/georss|opengis\.net/gml)""",
    re.IGNORECASE,
)
_MAX_PREFIXES = 20
_TAIL_CHARS = 2_000
_ENTRY_TAG = re.compile(r"<(/?)(?:\w{1,20}:)?(?:item|entry)[\s>]", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class ParsedFeed:
    """A feed's title and language, its entries in the feed's order, and what its head says.

    `problem` tells an operator what is wrong with a feed whose entries can still be used, and
    `is_sitemap` says that this is a sitemap, which serves as the feed of a site without one.
    """

    title: str | None
    language: str | None
    entries: tuple[Entry, ...]
    problem: str | None = None
    is_sitemap: bool = False
    head: Head = NO_HEAD


def parse(body: bytes, *, url: str, headers: Mapping[str, str], now: datetime) -> ParsedFeed:
    """Parses a feed; `headers` are those of the response, in lower case.

    Raises FeedError, which says what the bytes are and what to do, if they are not a feed. A feed
    that breaks off yields the entries before the break. No string of the result has surrogates.
    """
    if not body.strip(b"\x00 \t\r\n"):
        raise EmptyFeed(EMPTY)
    if kind := binary_kind(body):
        raise FeedError(f"no feed: this is {kind}, not text; check the address and the server")
    decoded, charset_problem = decode(body, headers)
    text = mend(decoded).lstrip("\ufeff\ufffd \t\r\n")
    if text.startswith(("{", "[")):
        feed = _json_feed(text, url, now)
    elif is_sitemap(text):
        sitemap = read_sitemap(text, url, now)
        feed = ParsedFeed(
            sitemap.title, sitemap.language, sitemap.entries, sitemap.problem, is_sitemap=True
        )
    elif is_html(text):
        raise FeedError(refusal(text, url))
    else:
        feed = _xml_feed(text, url, headers, now)
    problems = filter(None, (charset_problem, feed.problem))
    return replace(feed, problem="; ".join(problems) or None)


def _json_feed(text: str, url: str, now: datetime) -> ParsedFeed:
    document, problem = read_document(text)
    dates = FeedDates(now)
    base = site_of(document.get("home_page_url"), url)
    authors = tuple(authors_of(document))
    return ParsedFeed(
        title=plain(document.get("title")) or None,
        language=line(document.get("language")) or None,
        entries=tuple(read_item(item, base, dates, authors) for item in document["items"]),
        problem=problem,
        head=Head(
            older=line(document.get("next_url")) or None,
            hubs=tuple(hubs_of(document)),
            topic=line(document.get("feed_url")) or None,
        ),
    )


def _xml_feed(text: str, url: str, headers: Mapping[str, str], now: datetime) -> ParsedFeed:
    base = base_of(text, joined(url, headers.get("content-location", "")) or url)
    language = headers.get("content-language", "")
    bounded = _bounded(text)
    problem = None
    ordinary = read_ordinary(bounded, base, language)
    if ordinary:
        feed, elements = ordinary
    else:
        parsed = _with_feedparser(bounded, base, language)
        if not parsed.get("version") and not parsed.entries:
            raise FeedError(refusal(text, url))
        feed = parsed.feed
        elements, problem = _complete(parsed, text)
    dates, made = FeedDates(now), links_from_guids(text, base)
    # Only Atom lets entries inherit: RSS names a managing editor.
    of_feed = tuple(names(feed.get("authors"))) if is_atom(text) else None
    return ParsedFeed(
        title=plain(feed.get("title")) or None,
        language=line(feed.get("language")) or None,
        entries=tuple(
            _entry(element, link_of(element, base, made), of_feed, dates) for element in elements
        ),
        problem=problem,
        head=read_head(text),
    )


def _with_feedparser(text: str, base: str, language: str) -> Any:
    try:
        return _parsed(text, base, language)
    except Exception:  # noqa: BLE001 - hostile documents make it raise undocumented errors
        # A position outside of its element does so as well, and entries do not need positions.
        try:
            return _parsed(_without_positions(text), base, language)
        except Exception as error:
            raise FeedError(
                f"no feed: the document is too broken to be read ({type(error).__name__}: "
                f"{error}); if this goes on, see what the address shows in a browser, and tell the "
                "publisher"
            ) from error


def _parsed(text: str, base: str, language: str) -> Any:
    # feedparser opens file names and URLs, even if they are given as bytes: only a stream is safe.
    return feedparser.parse(
        io.BytesIO(text.encode()),
        response_headers={
            # Without a content-location feedparser cannot resolve relative links.
            "content-location": base,
            "content-language": language,
            "content-type": "application/xml; charset=utf-8",
        },
        sanitize_html=False,
        resolve_relative_uris=True,
    )


def _without_positions(text: str) -> str:
    """Returns the document without the tags of GeoRSS and GML, whatever their prefixes are."""
    prefixes = {"georss", "gml", *_POSITION_PREFIX.findall(text)[:_MAX_PREFIXES]}
    return re.sub(rf"</?(?:{'|'.join(map(re.escape, prefixes))}):\w[^<>]{{0,2000}}>", " ", text)


def _bounded(text: str) -> str:
    """Returns the document without what would take feedparser minutes."""
    first = _ELEMENT.search(text)
    start = first.start() if first else 0
    head = text[:start] if start <= _MAX_HEAD else ""
    return head + _PERSON.sub(r"\1", _LONG_TAG.sub(_short_tag, text[start:]))


def _short_tag(tag: re.Match[str]) -> str:
    """Returns the tag, without its attributes if there are too many."""
    if tag[0].count("=") <= _MAX_ATTRIBUTES:
        return tag[0]
    return f"<{tag[1]}/>" if tag[0].endswith("/>") else f"<{tag[1]}>"


def _complete(parsed: Any, text: str) -> tuple[Sequence[Any], str | None]:
    """Returns the entries that are complete, and the problem with the document, or None."""
    error = parsed.get("bozo_exception")
    if not parsed.bozo or error is None:
        return parsed.entries, None
    root = ROOT_ELEMENT.search(text)
    if root and f"</{root[1]}".lower() not in text[-_TAIL_CHARS:].lower():
        tags = [tag[1] for tag in _ENTRY_TAG.finditer(text)]
        entries = parsed.entries[:-1] if tags and not tags[-1] else parsed.entries
        return entries, f"the document breaks off after {counted(len(entries))}"
    place = f"line {error.getLineNumber()}: " if isinstance(error, SAXParseException) else ""
    reason = error.getMessage() if isinstance(error, SAXParseException) else str(error)
    if "undefined entity" in reason:
        # `&nbsp;` and the like are not XML, but common, and feedparser knows them.
        return parsed.entries, None
    return parsed.entries, f"the document is not well-formed XML ({place}{reason})"


def _entry(
    element: Any, link: str | None, of_feed: tuple[str, ...] | None, dates: FeedDates
) -> Entry:
    """Returns an entry; it inherits the authors `of_feed` unless that is None."""
    contents = [html(part.get("value")) for part in element.get("content") or []]
    # feedparser leaves the text, or the attributes, of an element that is called `authors`.
    authors = element.get("authors")
    if isinstance(authors, str):
        authors = [{"name": authors}]
    named = tuple(names(authors))
    if not named and of_feed is not None:
        named = inherited_authors(element, of_feed)
    summary, content = html(element.get("summary")), max(contents, key=len, default="")
    if not summary and not content:
        content = spare_content(element)
    # dict.get, since feedparser's own `get` returns `published` for a missing `updated`, with a
    # deprecation warning.
    raw = {key: dict.get(element, key) for key in ("published", "created", "updated")}
    published, doubt = dates.read(raw["published"], raw["created"])
    updated, update_doubt = dates.read(raw["updated"])
    return Entry(
        guid=line(element.get("id")) or None,
        url=link,
        title=line(element.get("title")),
        summary=summary,
        content=content,
        authors=named,
        # To the second, as in all stored identities, which derive from title and date.
        published_at=published.replace(microsecond=0) if published else None,
        updated_at=updated.replace(microsecond=0) if updated else None,
        date_is_doubtful=doubt if published else update_doubt,
    )
