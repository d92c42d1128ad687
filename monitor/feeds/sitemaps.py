"""Reads sitemaps as feeds of sites that have none, and joins those that an index lists. Pure.

See https://www.sitemaps.org/protocol.html and Google's documentation of news sitemaps. `lastmod`
says when a page was changed, or only rendered, so it is a doubtful date of an entry;
`news:publication_date` is a date like that of any feed.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit
from xml.etree.ElementTree import Element, ParseError, SubElement, XMLPullParser, tostring

from monitor.articles.dates import FeedDates
from monitor.errors import FeedError
from monitor.feeds.fields import counted, line, link
from monitor.feeds.text import decode, mend
from monitor.model import Entry

# The protocol allows as many addresses in a sitemap; an index is read up to as many in all.
MAX_ENTRIES = 50_000
# Whose addresses and titles are not those of the page.
_PICTURES = tuple(f"{{http://www.google.com/schemas/sitemap-{kind}" for kind in ("image", "video"))
# So many sitemaps of an index are read at each poll.
MAX_PARTS = 4
_CHUNK_CHARS = 64 * 1024
_PROLOGUE = r"(?:\s|<\?[^<>]{0,2000}>|<!--(?:[^-]|-(?!->)){0,2000}-->){0,20}"
_SITEMAP = re.compile(_PROLOGUE + r"<(?:\w{1,20}:)?(?:urlset|sitemapindex)[\s>/]")
# What to do about a site that is broken itself.
_LOOK = "see what a browser shows at the address, or look for a feed of the site"
_INDEX = re.compile(_PROLOGUE + r"<(?:\w{1,20}:)?sitemapindex[\s>/]")
# What the software of many sites lists in sitemaps of their own, and renders with each article.
_NO_ARTICLES = re.compile(r"categor|tag|author|topic|section|video|image|product|/page")
_PLAIN = "http://www.sitemaps.org/schemas/sitemap/0.9"
_NEWS = "http://www.google.com/schemas/sitemap-news/0.9"


@dataclass(frozen=True, slots=True)
class Sitemap:
    """A sitemap's pages as entries; the name and the language are those of its publication."""

    title: str | None
    language: str | None
    entries: tuple[Entry, ...]
    problem: str | None


@dataclass(frozen=True, slots=True)
class Part:
    """A sitemap that an index lists, and when it changed, if the index says so."""

    url: str
    changed_at: datetime | None


def is_sitemap(text: str) -> bool:
    """Returns whether a document is a sitemap or an index of sitemaps."""
    return _SITEMAP.match(text) is not None


def is_index(body: bytes) -> bool:
    """Returns whether a document is an index of sitemaps."""
    start = body[:8_000].removeprefix(b"\xef\xbb\xbf").decode("utf-8", "replace")
    return _INDEX.match(start) is not None


def read_sitemap(text: str, url: str, now: datetime, most: int = MAX_ENTRIES) -> Sitemap:
    """Reads `most` entries of a sitemap; one that breaks off yields those before the break.

    Raises FeedError for an index, whose sitemaps have to be fetched first, and for a document that
    is broken from the start.
    """
    if _INDEX.match(text):
        raise FeedError(
            "no feed: this is an index of sitemaps, and none of the sitemaps that it lists could "
            "be read; subscribe to one of them"
        )
    dates = FeedDates(now)
    names: Counter[str] = Counter()
    languages: Counter[str] = Counter()
    entries: list[Entry] = []
    problem = None
    try:
        for values in _elements(text, "url"):
            if entry := _entry(values, url, dates):
                entries.append(entry)
                names.update(filter(None, [values.get("name")]))
                languages.update(filter(None, [values.get("language")]))
            if len(entries) == most:
                problem = f"the sitemap is read up to its first {counted(most)}"
                break
    except ParseError as error:
        if not entries:
            raise FeedError(
                f"no feed: the sitemap is not well-formed XML ({error}); {_LOOK}"
            ) from error
        problem = f"the sitemap breaks off after {counted(len(entries))}"
    return Sitemap(_most_common(names), _most_common(languages), tuple(entries), problem)


def parts_of(body: bytes, url: str, now: datetime) -> tuple[tuple[Part, ...], bool]:
    """Returns the sitemaps of an index to read now, and whether all that it lists have a date.

    Those of news come first, then those that changed last; without dates, the last ones, where
    most sites add, and the first, where the others do. Raises FeedError if the index lists none.
    """
    dates = FeedDates(now)
    parts: dict[str, Part] = {}
    try:
        for values in _elements(_text(body), "sitemap"):
            if address := link(values.get("loc"), url):
                changed_at, _ = dates.read(values.get("lastmod"))
                parts.setdefault(address, Part(address, changed_at))
            if len(parts) == MAX_ENTRIES:
                break
    except ParseError as error:
        if not parts:
            raise FeedError(
                f"no feed: the index is not well-formed XML ({error}); {_LOOK}"
            ) from error
    if not parts:
        raise FeedError(f"no feed: this is an index of sitemaps that lists none; {_LOOK}")
    listed = list(parts.values())
    return _chosen(listed), all(part.changed_at for part in listed)


def _chosen(parts: Sequence[Part]) -> tuple[Part, ...]:
    # From both ends inwards, the last first.
    undated = [part for pair in zip(reversed(parts), parts, strict=True) for part in pair]
    order = dict.fromkeys(undated)
    oldest = datetime.min.replace(tzinfo=UTC)

    def rank(part: Part) -> tuple[bool, bool, datetime]:
        path = urlsplit(part.url).path.lower()
        return "news" in path, not _NO_ARTICLES.search(path), part.changed_at or oldest

    return tuple(sorted(order, key=rank, reverse=True)[:MAX_PARTS])


def joined_sitemaps(parts: Iterable[tuple[str, bytes]], now: datetime) -> bytes:
    """Returns one sitemap with the entries of several, each given with its address.

    Those that are not sitemaps are left out. Raises FeedError if none of them is.
    """
    root = Element(f"{{{_PLAIN}}}urlset")
    fault = FeedError(f"no feed: none of the sitemaps of this index could be read; {_LOOK}")
    for url, body in parts:
        if len(root) == MAX_ENTRIES:
            break
        text = _text(body)
        if not is_sitemap(text):
            continue
        try:
            sitemap = read_sitemap(text, url, now, MAX_ENTRIES - len(root))
        except FeedError as error:
            fault = error
            continue
        for entry in sitemap.entries:
            _write(root, entry, sitemap)
    if not len(root):
        raise fault
    return tostring(root, encoding="unicode").encode()


def _write(root: Element, entry: Entry, sitemap: Sitemap) -> None:
    page = SubElement(root, f"{{{_PLAIN}}}url")
    SubElement(page, f"{{{_PLAIN}}}loc").text = entry.url
    if entry.updated_at:
        SubElement(page, f"{{{_PLAIN}}}lastmod").text = entry.updated_at.isoformat()
    if not entry.title and not entry.published_at:
        return
    news = SubElement(page, f"{{{_NEWS}}}news")
    publication = SubElement(news, f"{{{_NEWS}}}publication")
    SubElement(publication, f"{{{_NEWS}}}name").text = sitemap.title
    SubElement(publication, f"{{{_NEWS}}}language").text = sitemap.language
    if entry.published_at:
        # A date without a zone stays one, which is doubtful.
        at = entry.published_at.replace(tzinfo=None if entry.date_is_doubtful else UTC)
        SubElement(news, f"{{{_NEWS}}}publication_date").text = at.isoformat()
    SubElement(news, f"{{{_NEWS}}}title").text = entry.title


def _text(body: bytes) -> str:
    return mend(decode(body, {})[0]).lstrip("\ufeff\ufffd \t\r\n")


def _elements(text: str, wanted: str) -> Iterator[dict[str, str]]:
    """Yields the texts inside each element of this name, by their elements' names.

    Keeps one of them in memory at a time. Raises ParseError where the document is broken.
    """
    if "<!DOCTYPE" in text[:_CHUNK_CHARS]:
        raise ParseError("it has a document type, which may hold anything")
    parser: XMLPullParser[Element] = XMLPullParser(("start", "end"))
    root: Element | None = None
    # The text is decoded, whatever its declaration says.
    body = re.sub(r"^<\?xml[^<>]{0,500}\?>", "", text)
    for start in range(0, len(body), _CHUNK_CHARS):
        try:
            parser.feed(body[start : start + _CHUNK_CHARS])
        except ParseError as error:
            fault: ParseError | None = error
        else:
            fault = None
        events: Any = parser.read_events()
        for event, element in events:
            if event == "start":
                root = element if root is None else root
            elif _name(element) == wanted and root is not None:
                yield _texts(element)
                root.clear()
        if fault:
            raise fault
    parser.close()


def _texts(element: Element) -> dict[str, str]:
    found: dict[str, str] = {}
    for child in element.iter():
        if child.text and not child.tag.startswith(_PICTURES):
            found.setdefault(_name(child), child.text)
    return found


def _name(element: Element) -> str:
    return element.tag.rpartition("}")[2].lower()


def _entry(values: dict[str, str], base: str, dates: FeedDates) -> Entry | None:
    url = link(values.get("loc"), base)
    if url is None:
        return None
    published, doubt = dates.read(values.get("publication_date"))
    updated, _ = dates.read(values.get("lastmod"))
    return Entry(
        url=url,
        title=line(values.get("title")),
        published_at=published.replace(microsecond=0) if published else None,
        updated_at=updated.replace(microsecond=0) if updated else None,
        date_is_doubtful=doubt if published else updated is not None,
    )


def _most_common(counted_values: Counter[str]) -> str | None:
    return line(counted_values.most_common(1)[0][0]) or None if counted_values else None
