"""Bytes to entries: RSS 0.9x, 1.0, 2.0 and Atom by feedparser, JSON Feed 1.x here.

Pure: what the bytes say, with relative addresses resolved, and nothing about whether it is new.
"""

from __future__ import annotations

import calendar
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urljoin, urlsplit

import feedparser

from monitor.errors import FeedError
from monitor.model import Entry

# What a job carries through Redis for each entry; the page has the rest.
MAX_HTML = 200_000
MAX_LINE = 2_000


@dataclass(frozen=True, slots=True)
class ParsedFeed:
    """What a feed says of itself, and its entries in its own order."""

    title: str | None
    language: str | None
    entries: tuple[Entry, ...]
    # What makes the document doubtful; None where nothing does.
    problem: str | None = None


def parse(body: bytes, *, url: str, headers: Mapping[str, str]) -> ParsedFeed:
    """Read a feed; `headers` are those of the response, in lower case.

    Raises FeedError where the bytes are no feed. A feed that is broken in the middle gives the
    entries before the break.
    """
    if body.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{"):
        return _json_feed(body, url)
    # feedparser opens file names and addresses that it is given, even as bytes: only a stream is
    # safe. Without a content-location it cannot resolve relative links.
    response = {"content-location": url} | dict(headers)
    try:
        parsed = feedparser.parse(
            io.BytesIO(body),
            response_headers=response,
            sanitize_html=False,
            resolve_relative_uris=True,
        )
    except (ValueError, LookupError, AssertionError, RecursionError, TypeError) as error:
        raise FeedError(f"no feed: {error}") from error
    if not parsed.get("version") and not parsed.entries:
        reason = parsed.get("bozo_exception")
        raise FeedError(f"no feed: {reason}" if reason else "no feed: the page is of another kind")
    return ParsedFeed(
        title=_line(parsed.feed.get("title")) or None,
        language=_line(parsed.feed.get("language")) or None,
        entries=tuple(_entry(element, url) for element in parsed.entries),
    )


def _entry(element: Any, base: str) -> Entry:
    contents = element.get("content") or []
    html = max((str(part.get("value") or "") for part in contents), key=len, default="")
    names = [str(person.get("name") or "") for person in element.get("authors") or []]
    return Entry(
        guid=_line(element.get("id")) or None,
        url=_link(element.get("link"), base),
        title=_line(element.get("title")),
        summary=str(element.get("summary") or "")[:MAX_HTML],
        content=html[:MAX_HTML],
        authors=tuple(filter(None, map(_line, names))),
        published_at=_moment(element.get("published_parsed")),
        # Asked as the plain dictionary that it is: feedparser would answer with the date of
        # publication, and warn that it will not do so for ever.
        updated_at=_moment(dict.get(element, "updated_parsed")),
    )


def _json_feed(body: bytes, url: str) -> ParsedFeed:
    """Read a JSON Feed (https://www.jsonfeed.org/version/1.1/)."""
    try:
        document = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise FeedError(f"no feed: {error}") from error
    items = document.get("items")
    if "jsonfeed.org" not in str(document.get("version")) or not isinstance(items, list):
        raise FeedError("no feed: JSON, but no JSON Feed")
    return ParsedFeed(
        title=_line(document.get("title")) or None,
        language=_line(document.get("language")) or None,
        entries=tuple(_json_item(item, url) for item in items if isinstance(item, dict)),
    )


def _json_item(item: dict[str, Any], base: str) -> Entry:
    people = item.get("authors") or [item.get("author")]
    names = [person.get("name") for person in people if isinstance(person, dict)]
    return Entry(
        guid=_line(item.get("id")) or None,
        url=_link(item.get("url") or item.get("external_url"), base),
        title=_line(item.get("title")),
        summary=str(item.get("summary") or "")[:MAX_HTML],
        content=str(item.get("content_html") or item.get("content_text") or "")[:MAX_HTML],
        authors=tuple(filter(None, map(_line, names))),
        published_at=_rfc3339(item.get("date_published")),
        updated_at=_rfc3339(item.get("date_modified")),
    )


def _line(value: object) -> str:
    """A value as one line of text."""
    return " ".join(str(value if value is not None else "").split())[:MAX_LINE]


def _link(value: object, base: str) -> str | None:
    """An absolute http(s) address, or None: feeds also hold `javascript:` and worse."""
    try:
        link = urljoin(base, _line(value))
        scheme = urlsplit(link).scheme
    except ValueError:
        return None
    return link if value and scheme in {"http", "https"} else None


def _moment(parsed: Any) -> datetime | None:
    """Feedparser's nine numbers, which are UTC, as a datetime."""
    try:
        return datetime.fromtimestamp(calendar.timegm(parsed), UTC) if parsed else None
    except (ValueError, OverflowError, TypeError):
        return None


def _rfc3339(value: object) -> datetime | None:
    try:
        moment = datetime.fromisoformat(str(value))
    except ValueError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
