"""Reads lists of feeds that other programs wrote, and writes one that they read. Pure.

OPML 2.0 (http://opml.org/spec2.opml) as Miniflux, FreshRSS, Feedly and Inoreader write it, and the
`urls` file of newsboat. An OPML file is a tree of outlines: those with `xmlUrl` are feeds, the
others are folders.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime
from xml.etree.ElementTree import Element, ParseError, SubElement, XMLPullParser, indent, tostring

from monitor.errors import FeedError
from monitor.feeds.fields import line
from monitor.feeds.text import decode
from monitor.model import Feed

MAX_BYTES = 20_000_000
MAX_FEEDS = 50_000
_MAX_DEPTH = 100
# FreshRSS exports pages that it scrapes beside its feeds.
_FEED_TYPES = {"", "rss", "rss1", "rss2", "atom", "rdf", "feed", "json", "jsonfeed", "jsonfeed1.1"}
_WORD = re.compile(r'"((?:[^"\\\n]|\\.){0,2000})"|([^\s"]\S{0,2000})')
_ADDRESS = re.compile(r"[a-z]{3,20}:\S", re.IGNORECASE)
_UNESCAPED = re.compile(r"\\(.)")


@dataclass(frozen=True, slots=True)
class Subscription:
    """A feed in another program's list; `problem` says why it cannot be polled, or is ""."""

    url: str
    title: str = ""
    tags: tuple[str, ...] = ()
    problem: str = ""


def read_subscriptions(body: bytes) -> tuple[Subscription, ...]:
    """Returns the feeds of an OPML file, or of newsboat's `urls`; each address once, with all tags.

    The folders around a feed become its tags, outermost first. Raises FeedError if it is neither.
    """
    if len(body) > MAX_BYTES:
        raise FeedError(f"a list of feeds may have at most {MAX_BYTES:,} bytes")
    text, _ = decode(body, {})
    text = text.removeprefix("\ufeff")
    is_markup = text.lstrip().startswith("<")
    merged: dict[str, Subscription] = {}
    for each in _outlines(text.lstrip()) if is_markup else _newsboat_lines(text):
        known = merged.get(each.url)
        tags = tuple(dict.fromkeys((*(known.tags if known else ()), *each.tags)))
        title = (known and known.title) or each.title
        merged[each.url] = Subscription(each.url, title, tags, each.problem)
        if len(merged) > MAX_FEEDS:
            raise FeedError(f"a list may have at most {MAX_FEEDS:,} feeds")
    if not merged:
        raise FeedError(
            "there is no feed in this file; it must be OPML, whose outlines have xmlUrl, "
            "or newsboat's file of one address a line"
        )
    return tuple(merged.values())


def _outlines(text: str) -> Iterator[Subscription]:
    if "<!ENTITY" in text:
        raise FeedError("the file declares entities, which OPML does not need")
    # The text is decoded, whatever its declaration says.
    parser: XMLPullParser[Element] = XMLPullParser(("start", "end"))
    folders: list[str] = []
    try:
        parser.feed(re.sub(r"^<\?xml[^<>]{0,500}\?>", "", text))
        parser.close()
    except ParseError as error:
        raise FeedError(f"the file is not well-formed XML: {error}") from error
    events: Iterable[tuple[str, Element]] = parser.read_events()  # type: ignore[assignment]
    for event, element in events:
        if element.tag.rpartition("}")[2].lower() != "outline":
            continue
        if event == "end":
            folders.pop()
            continue
        attributes = {name.lower(): value for name, value in element.attrib.items()}
        title = line(attributes.get("text")) or line(attributes.get("title"))
        url = line(attributes.get("xmlurl"))
        if url:
            yield _outlined(url, title, [*folders, *_categories(attributes)], attributes)
        folders.append("" if url else title)
        if len(folders) > _MAX_DEPTH:
            raise FeedError(f"the file has folders {_MAX_DEPTH} deep")


def _outlined(
    url: str, title: str, folders: Sequence[str], attributes: dict[str, str]
) -> Subscription:
    kind = attributes.get("type", "").strip().lower()
    problem = "" if kind in _FEED_TYPES else f"it is of type {line(kind)}, which is not a feed"
    return Subscription(url, title, tuple(dict.fromkeys(filter(None, folders))), problem)


def _categories(attributes: dict[str, str]) -> list[str]:
    """Returns the parts of `category`: comma-separated paths such as `/World/Europe`."""
    return [line(part) for part in re.split(r"[,/]", attributes.get("category", "")[:2000])]


def _newsboat_lines(text: str) -> Iterator[Subscription]:
    """Reads `address "a tag" "~title"`; see newsboat's manual, "The Configuration File"."""
    for number, row in enumerate(text.splitlines(), 1):
        if not row.strip() or row.lstrip().startswith("#"):
            continue
        words = [
            _UNESCAPED.sub(r"\1", quoted) if quoted or not bare else bare
            for quoted, bare in _WORD.findall(row[:10_000])
        ]
        if not words or not _ADDRESS.match(words[0]):
            raise FeedError(
                f"this is neither OPML nor newsboat's file of one address a line: line {number} "
                f"begins with {line(row[:40])!r}"
            )
        url, labels = line(words[0]), [line(word) for word in words[1:]]
        titles = [label[1:] for label in labels if label.startswith("~")]
        # An exclamation mark hides the feed from newsboat's list of all.
        tags = [label for label in labels if label and not label.startswith(("~", "!"))]
        yield Subscription(url, next(iter(titles), ""), tuple(dict.fromkeys(tags)), _problem(url))


def _problem(url: str) -> str:
    if url.startswith(("exec:", "filter:", "query:")):
        return "it is a command or a search of newsboat's"
    return ""


def write_opml(feeds: Iterable[tuple[Feed, str]], *, now: datetime) -> str:
    """Returns an OPML 2.0 file of feeds, each with the address to write.

    A feed is in a folder named after its first tag; `category` holds all its tags.
    """
    root = Element("opml", version="2.0")
    head = SubElement(root, "head")
    SubElement(head, "title").text = "Feeds of Presswatch"
    SubElement(head, "dateCreated").text = format_datetime(now)
    body = SubElement(root, "body")
    folders: dict[str, Element] = {}
    for feed, url in feeds:
        folder = body
        if feed.tags:
            first = feed.tags[0]
            if first not in folders:
                folders[first] = SubElement(body, "outline", text=first)
            folder = folders[first]
        title = feed.name or url
        outline = SubElement(folder, "outline", type="rss", text=title, title=title, xmlUrl=url)
        # Commas and slashes separate categories.
        categories = [tag for tag in feed.tags if not set(tag) & set(",/")]
        if categories:
            outline.set("category", ",".join(f"/{tag}" for tag in categories))
    indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{tostring(root, encoding="unicode")}\n'
