"""Renders alerts as Atom (RFC 4287) and as JSON Feed 1.1, for feed readers. Pure.

Titles and passages are text, never markup. The documents do not name their own address, since it
may hold a reader's token, and people pass entries on.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote
from uuid import UUID
from xml.etree import ElementTree as ET

from pydantic import BaseModel

from monitor.alerts.build import reservation
from monitor.alerts.document import watchlist_heading
from monitor.alerts.passages import safe_link
from monitor.model import content_id
from monitor.untrusted import mail_line

ATOM = "application/atom+xml"
JSON_FEED = "application/feed+json"
_NAMESPACE = "http://www.w3.org/2005/Atom"
_LANGUAGE = "{http://www.w3.org/XML/1998/namespace}lang"
_LANGUAGE_TAG = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{1,8})*")
_UUID = re.compile(r"[0-9a-f]{32}")
# XML 1.0, section 2.2, has no such characters, however they are written.
_NOT_IN_XML = re.compile("[\ufffe\uffff]")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class SyndicatedAlert:
    """An alert as feed readers show it; `url` leads to the article, or else to the alert."""

    id: str
    title: str
    url: str
    text: str
    authors: tuple[str, ...]
    watchlist: str
    priority: str
    language: str
    published_at: datetime | None
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Syndication:
    """A feed of alerts, newest first; `page` is the address of the page that shows them."""

    id: str
    title: str
    page: str
    alerts: tuple[SyndicatedAlert, ...]

    @property
    def updated_at(self) -> datetime | None:
        """Returns when the newest alert was detected, or None if there are none."""
        return max((alert.updated_at for alert in self.alerts), default=None)


class JsonAuthor(BaseModel):
    """Somebody who wrote an article."""

    name: str


class JsonItem(BaseModel):
    """An alert in a JSON Feed."""

    id: str
    url: str
    title: str
    content_text: str
    date_published: datetime
    authors: list[JsonAuthor]
    tags: list[str]
    language: str | None = None


class JsonFeed(BaseModel):
    """A feed of alerts in the form of JSON Feed 1.1."""

    version: str = "https://jsonfeed.org/version/1.1"
    title: str
    home_page_url: str
    items: list[JsonItem]


def syndicate(
    site: str, parameters: str, title: str, documents: Iterable[Mapping[str, Any]]
) -> Syndication:
    """Makes a feed from documents of alerts.

    `site` is the address of the pages, with a slash at its end, and `parameters` those of the page
    that shows these alerts. The same parameters always give the same id.
    """
    return Syndication(
        f"urn:uuid:{UUID(content_id('feed', parameters))}",
        title,
        f"{site}?{parameters}" if parameters else site,
        tuple(_alert(site, document) for document in documents),
    )


def write_atom(feed: Syndication) -> bytes:
    """Writes a feed as Atom."""
    root = ET.Element("feed", xmlns=_NAMESPACE)
    _add(root, "id", feed.id)
    _add(root, "title", feed.title)
    _add(root, "updated", _rfc3339(feed.updated_at or _EPOCH))
    _add(root, "link", rel="alternate", type="text/html", href=feed.page)
    _add(_add(root, "author"), "name", "Presswatch")
    for alert in feed.alerts:
        entry = _add(root, "entry", **({_LANGUAGE: alert.language} if alert.language else {}))
        _add(entry, "id", alert.id)
        _add(entry, "title", alert.title, type="text")
        _add(entry, "updated", _rfc3339(alert.updated_at))
        if alert.published_at is not None:
            _add(entry, "published", _rfc3339(alert.published_at))
        _add(entry, "link", rel="alternate", type="text/html", href=alert.url)
        for author in alert.authors:
            _add(_add(entry, "author"), "name", author)
        for term in (alert.watchlist, alert.priority):
            _add(entry, "category", term=term)
        _add(entry, "content", alert.text, type="text")
    written: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return written


def as_json_feed(feed: Syndication) -> JsonFeed:
    """Returns a feed as JSON Feed."""
    items = [
        JsonItem(
            id=alert.id,
            url=alert.url,
            title=alert.title,
            content_text=alert.text,
            date_published=alert.updated_at,
            authors=[JsonAuthor(name=name) for name in alert.authors],
            tags=[alert.watchlist, alert.priority],
            language=alert.language or None,
        )
        for alert in feed.alerts
    ]
    return JsonFeed(title=feed.title, home_page_url=feed.page, items=items)


def _alert(site: str, document: Mapping[str, Any]) -> SyndicatedAlert:
    article = document["article"]
    identity = document["id"]
    # An alert that another program wrote may have any id.
    uuid = identity if _UUID.fullmatch(identity) else content_id(identity)
    language = article["language"] or ""
    authors = tuple(filter(None, map(_line, article["authors"])))
    return SyndicatedAlert(
        id=f"urn:uuid:{UUID(uuid)}",
        title=_line(article["title"]) or "(no title)",
        url=safe_link(article["url"]) or f"{site}alerts/{quote(identity, safe='')}",
        text=_text(document),
        # Readers show the author beside the title, where the outlet matters more than nobody.
        authors=authors or (_line(article["source"]) or "(not known)",),
        watchlist=_line(document["watchlist"]),
        priority=document["priority"],
        language=language if _LANGUAGE_TAG.fullmatch(language) else "",
        published_at=_moment(article["published_at"]),
        updated_at=_moment(document["detected_at"]) or _EPOCH,
    )


def _text(document: Mapping[str, Any]) -> str:
    """Returns the passages, each on its line, then where and why they matched."""
    terms = ", ".join(dict.fromkeys(match["term"] for match in document["matches"]))
    about = " · ".join(
        filter(
            None,
            (
                document["article"]["source"],
                watchlist_heading(document) + (f": {terms}" if terms else ""),
                reservation(document["article"]),
            ),
        )
    )
    lines = [*(snippet["text"] for snippet in document["snippets"]), about]
    return "\n".join(filter(None, map(_line, lines)))


def _line(text: str) -> str:
    return _NOT_IN_XML.sub("\ufffd", mail_line(text))


def _moment(written: str | None) -> datetime | None:
    if written is None:
        return None
    try:
        return datetime.fromisoformat(written).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _rfc3339(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z")


def _add(parent: ET.Element, name: str, text: str = "", **attributes: str) -> ET.Element:
    element = ET.SubElement(parent, name, attributes)
    element.text = text or None
    return element
