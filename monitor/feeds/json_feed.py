"""Reads JSON Feed 1.x (https://www.jsonfeed.org/version/1.1/), strictly valid or not. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from monitor.articles.dates import FeedDates
from monitor.errors import FeedError
from monitor.feeds.fallbacks import titles
from monitor.feeds.fields import counted, html, line, link
from monitor.model import Entry

_ITEMS = re.compile(r'"items"\s*:\s*\[')
_ITEM_SEPARATOR = re.compile(r"[\s,]*")
_ITEM_KEYS = ("id", "url", "external_url", "title", "content_html", "content_text", "summary")
_VERSION = re.compile(r"1(?:\.\d)?|.*\bjsonfeed\.org\b.*")
_MOST_DIGITS = 20
# Numbers with thousands of digits, which Python refuses to parse, stay text; NaN becomes None.
_DECODER = json.JSONDecoder(
    strict=False,
    parse_int=lambda digits: int(digits) if len(digits) <= _MOST_DIGITS else digits,
    parse_constant=lambda _: None,
)


def read_document(text: str) -> tuple[dict[str, Any], str | None]:
    """Returns a JSON Feed as an object whose `items` are objects, and its problem, or None.

    A document that breaks off yields the items before the break. Raises FeedError if the text is
    not a JSON Feed.
    """
    problem = None
    try:
        document = _DECODER.decode(text)
    except (ValueError, RecursionError) as error:
        document = _before_break(text)
        if not document["items"]:
            raise FeedError(
                f"no feed: this is broken JSON ({_reason(error)}); if this goes on, see what the "
                "address shows in a browser, and tell the publisher"
            ) from error
        is_cut = isinstance(error, json.JSONDecodeError) and (
            error.pos >= len(text) or error.msg.startswith("Unterminated")
        )
        fault = "breaks off" if is_cut else f"cannot be read ({_reason(error)})"
        problem = f"the document {fault} after {counted(len(document['items']))}"
    if not isinstance(document, dict) or not isinstance(document.get("items"), list):
        raise FeedError(
            "no feed: this is JSON, but it has no list of `items`, as a JSON Feed has; "
            "look for the site's RSS, Atom or JSON Feed"
        )
    items = [item for item in document["items"] if isinstance(item, dict)]
    claims_version = _VERSION.fullmatch(line(document.get("version")))
    if not claims_version and not any(key in item for item in items for key in _ITEM_KEYS):
        raise FeedError(
            "no feed: this is JSON with a list of `items`, but they have neither `id`, `url`, "
            "`title` nor content, as those of a JSON Feed have; look for the site's RSS, Atom or "
            "JSON Feed"
        )
    return document | {"items": items}, problem


def read_item(
    item: dict[str, Any], base: str, dates: FeedDates, of_feed: tuple[str, ...] = ()
) -> Entry:
    """Returns an item as an entry, without values of a wrong type.

    An item without authors has those `of_feed`.
    """
    published, doubt = dates.read(item.get("date_published"))
    updated, update_doubt = dates.read(item.get("date_modified"))
    text = html(item.get("content_html")) or html(item.get("content_text"))
    summary, attachments = html(item.get("summary")), item.get("attachments")
    if not text and not summary and isinstance(attachments, list):
        text = titles(attachments)
    return Entry(
        guid=line(item.get("id")) or None,
        url=link(item.get("url"), base) or link(item.get("external_url"), base),
        title=line(item.get("title")),
        summary=summary,
        content=text,
        authors=tuple(authors_of(item)) or of_feed,
        published_at=published,
        updated_at=updated,
        date_is_doubtful=doubt if published else update_doubt,
    )


def authors_of(item: dict[str, Any]) -> Iterator[str]:
    """Yields the names of the authors of an item or of a feed."""
    people = item.get("authors") or item.get("author")
    for person in people if isinstance(people, list) else [people]:
        if name := line(person.get("name") if isinstance(person, dict) else person):
            yield name


def hubs_of(document: dict[str, Any]) -> Iterator[str]:
    """Yields the WebSub hubs that a feed names; other kinds of hubs exist."""
    hubs = document.get("hubs")
    for hub in hubs if isinstance(hubs, list) else ():
        if isinstance(hub, dict) and line(hub.get("type")).lower() == "websub":
            yield line(hub.get("url"))


def _before_break(text: str) -> dict[str, Any]:
    """Returns what can be read of a document before it breaks off or nests too deeply."""
    start = _ITEMS.search(text)
    if start is None:
        return {"items": []}
    try:
        document = _DECODER.decode(text[: start.start()].rstrip().removesuffix(",") + "}")
    except (ValueError, RecursionError):
        document = {}
    items: list[Any] = []
    at = start.end()
    while separator := _ITEM_SEPARATOR.match(text, at):
        try:
            item, at = _DECODER.raw_decode(text, separator.end())
        except (ValueError, RecursionError):
            break
        items.append(item)
    return {**document, "items": items}


def _reason(error: Exception) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"line {error.lineno}, column {error.colno}: {error.msg}"
    return "it nests too deeply" if isinstance(error, RecursionError) else str(error)
