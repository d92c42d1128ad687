"""Alerts read back from Redis, completed so that they can be shown. Pure.

An alert in Redis may have been written by another version, or by another program. Nothing that
shows alerts may fail because of that, or because of a date outside the calendar.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, tzinfo
from types import MappingProxyType
from typing import Any

PRIORITIES = frozenset({"low", "normal", "high"})
NO_HEADINGS: Mapping[str, str] = MappingProxyType({})


def whole(document: object) -> dict[str, Any]:
    """Returns an alert's document with every field, each of the right type.

    Valid fields stay the same. Anything that is not an alert becomes one whose title is its text.
    """
    fields = _mapping(document)
    article = _mapping(fields.get("article"))
    story = _mapping(fields.get("story"))
    priority = fields.get("priority")
    raw = "" if "article" in fields else _text(document)
    return {
        **fields,
        "id": _text(fields.get("id")),
        "watchlist": _text(fields.get("watchlist")),
        "priority": priority if isinstance(priority, str) and priority in PRIORITIES else "normal",
        "detected_at": _text(fields.get("detected_at")),
        "article": {
            **article,
            "id": _text(article.get("id")),
            "url": _text(article.get("url")),
            "title": _text(article.get("title")) or raw,
            "source": _text(article.get("source")),
            "feed_url": _text(article.get("feed_url")),
            "authors": [_text(author) for author in _list(article.get("authors"))],
            "published_at": _text(article.get("published_at")) or None,
            "language": _text(article.get("language")) or None,
        },
        "matches": [
            {
                **match,
                "term": _text(match.get("term")),
                "field": _text(match.get("field")),
                "count": _count(match.get("count"), 0),
            }
            for match in map(_mapping, _list(fields.get("matches")))
        ],
        "snippets": [_snippet(snippet) for snippet in map(_mapping, _list(fields.get("snippets")))],
        "story": _story(story),
    }


def watchlist_heading(alert: Mapping[str, Any], headings: Mapping[str, str] = NO_HEADINGS) -> str:
    """Returns what people read as an alert's watchlist.

    That is its title when it alerted, or else what `headings` has for its name, or else the name.
    """
    title = alert.get("watchlist_title")
    if isinstance(title, str) and title.strip():
        return title
    name: str = alert["watchlist"]
    return headings.get(name, name)


def story_size(story: Mapping[str, Any]) -> str:
    """Returns how often a story was told: `9 articles on 6 sites`; empty if one article tells it.

    Without the sites if an earlier version wrote the alert, which did not count them.
    """
    articles, sites = story["articles"], story.get("sites", 0)
    if articles <= 1:
        return ""
    where = f" on {sites} site{'s' * (sites != 1)}" if sites else ""
    return f"{articles} articles{where}"


def clock(moment: str, form: str, zone: tzinfo | None = UTC) -> str:
    """Formats a moment (RFC 3339) in a zone, None for the local one; as it is if that fails."""
    try:
        return format(datetime.fromisoformat(moment).astimezone(zone), form)
    except (ValueError, OverflowError, OSError):
        return moment


def _story(story: dict[str, Any]) -> dict[str, Any]:
    shown = {**story, "id": _text(story.get("id")), "articles": _count(story.get("articles"), 1)}
    # Alerts of earlier versions have no sites.
    if _count(story.get("sites"), 0) < 1:
        shown.pop("sites", None)
    return shown


def _snippet(snippet: dict[str, Any]) -> dict[str, Any]:
    text = _text(snippet.get("text"))
    highlights: list[list[int]] = []
    for span in _list(snippet.get("highlights")):
        pair = _list(span)
        if len(pair) != 2 or not all(type(place) is int for place in pair):  # noqa: PLR2004
            continue
        if (highlights[-1][1] if highlights else 0) <= pair[0] < pair[1] <= len(text):
            highlights.append(pair)
    # A snippet that is a line of a list leads to an address.
    address = {"url": _text(snippet["url"])} if "url" in snippet else {}
    return {**snippet, "text": text, "highlights": highlights, **address}


def _text(value: object) -> str:
    return value if isinstance(value, str) else "" if value is None else str(value)


def _count(value: object, otherwise: int) -> int:
    return value if type(value) is int else otherwise


def _mapping(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: object) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else []
