"""JSON Feed 1.x (https://www.jsonfeed.org/version/1.1/), and what is nearly that. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from monitor.articles.dates import FeedDates
from monitor.errors import FeedError
from monitor.feeds.fields import counted, html, line, link
from monitor.model import Entry

_ITEMS = re.compile(r'"items"\s*:\s*\[')
_BETWEEN = re.compile(r"[\s,]*")
_TELLING = ("id", "url", "external_url", "title", "content_html", "content_text", "summary")
_VERSION = re.compile(r"1(?:\.\d)?|.*\bjsonfeed\.org\b.*")
_MOST_DIGITS = 20
# Numbers of thousands of digits stay text, which Python refuses to read; NaN is nothing.
_DECODER = json.JSONDecoder(
    strict=False,
    parse_int=lambda digits: int(digits) if len(digits) <= _MOST_DIGITS else digits,
    parse_constant=lambda _: None,
)


def read_document(text: str) -> tuple[dict[str, Any], str | None]:
    """A JSON Feed as an object whose `items` are objects, and what is wrong with it, or None.

    Of a document that breaks off, the items before the break. Raises FeedError when the text is
    not a JSON Feed.
    """
    problem = None
    try:
        document = _DECODER.decode(text)
    except (ValueError, RecursionError) as error:
        document = _before_break(text)
        if not document["items"]:
            raise FeedError(f"no feed: the JSON cannot be read ({_reason(error)})") from error
        is_cut = isinstance(error, json.JSONDecodeError) and (
            error.pos >= len(text) or error.msg.startswith("Unterminated")
        )
        how = "breaks off" if is_cut else f"cannot be read ({_reason(error)})"
        problem = f"the document {how} after {counted(len(document['items']))}"
    if not isinstance(document, dict) or not isinstance(document.get("items"), list):
        raise FeedError(
            "no feed: this is JSON, but it has no list of `items`, as a JSON Feed has; "
            "look for the site's RSS, Atom or JSON Feed"
        )
    items = [item for item in document["items"] if isinstance(item, dict)]
    said = _VERSION.fullmatch(line(document.get("version")))
    if not said and not any(key in item for item in items for key in _TELLING):
        raise FeedError(
            "no feed: this is JSON with a list of `items`, but they have neither `id`, `url`, "
            "`title` nor content, as those of a JSON Feed have"
        )
    return document | {"items": items}, problem


def read_item(item: dict[str, Any], base: str, dates: FeedDates) -> Entry:
    """An item as an entry; what is of a wrong type is left out."""
    published, doubt = dates.read(item.get("date_published"))
    updated, doubt_of_update = dates.read(item.get("date_modified"))
    return Entry(
        guid=line(item.get("id")) or None,
        url=link(item.get("url"), base) or link(item.get("external_url"), base),
        title=line(item.get("title")),
        summary=html(item.get("summary")),
        content=html(item.get("content_html")) or html(item.get("content_text")),
        authors=tuple(_authors(item)),
        published_at=published,
        updated_at=updated,
        date_is_doubtful=doubt if published else doubt_of_update,
    )


def _authors(item: dict[str, Any]) -> Iterator[str]:
    people = item.get("authors") or item.get("author")
    for person in people if isinstance(people, list) else [people]:
        if name := line(person.get("name") if isinstance(person, dict) else person):
            yield name


def _before_break(text: str) -> dict[str, Any]:
    """What can be read of a document until it breaks off, or nests too deep."""
    start = _ITEMS.search(text)
    if start is None:
        return {"items": []}
    try:
        document = _DECODER.decode(text[: start.start()].rstrip().removesuffix(",") + "}")
    except (ValueError, RecursionError):
        document = {}
    items: list[Any] = []
    at = start.end()
    while between := _BETWEEN.match(text, at):
        try:
            item, at = _DECODER.raw_decode(text, between.end())
        except (ValueError, RecursionError):
            break
        items.append(item)
    return {**document, "items": items}


def _reason(error: Exception) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"line {error.lineno}, column {error.colno}: {error.msg}"
    return "it nests too deep" if isinstance(error, RecursionError) else str(error)
