"""From an article and a match to an alert: version 1 of the JSON that subscribers rely on."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from monitor.alerts.snippets import snippets
from monitor.model import Alert, Article, Match, Snippet, Watchlist, content_id

VERSION = 1


def alert_id(watchlist: Watchlist, article: Article) -> str:
    """Name an alert by what it is about: the same alert has the same id on every machine.

    A watchlist that wants to hear of an article once knows it by its address; one with
    `once_per: none` hears of each version of its text.
    """
    version = (article.title, article.text) if watchlist.once_per == "none" else ()
    return content_id(watchlist.name, article.id, *version)


def build(watchlist: Watchlist, article: Article, match: Match, *, now: datetime) -> Alert:
    """The alert that says that a watchlist matched an article, with the evidence."""
    identity = alert_id(watchlist, article)
    document: dict[str, Any] = {
        "v": VERSION,
        "id": identity,
        "watchlist": watchlist.name,
        "priority": watchlist.priority,
        "detected_at": _utc(now),
        "article": _article(article),
        "matches": [
            {"term": term.term, "field": term.field, "count": len(term.spans)}
            for term in match.terms
        ],
        "snippets": [
            {"text": snippet.text, "highlights": [list(pair) for pair in snippet.highlights]}
            for snippet in _evidence(article, match)
        ],
        "story": {"id": article.id, "articles": 1},
    }
    return Alert(identity, watchlist.name, watchlist.subscribers, document)


def _article(article: Article) -> dict[str, Any]:
    described: dict[str, Any] = {
        "id": article.id,
        "url": article.url,
        "title": article.title,
        "source": article.source,
        "feed_url": article.feed_url,
        "authors": list(article.authors),
        "published_at": _utc(article.published_at) if article.published_at else None,
        "language": article.language,
    }
    if article.text_from == "feed":
        # The page could not be had: whoever reads the alert shall know that there may be more.
        described["text_from"] = "feed"
    return described


def _evidence(article: Article, match: Match) -> tuple[Snippet, ...]:
    """Passages of the body that matched, else the title, in which all that matched then stands."""
    fields: dict[str, list[tuple[int, int]]] = {"title": [], "body": []}
    for term in match.terms:
        fields.setdefault(term.field, []).extend(term.spans)
    if fields["body"]:
        return snippets(article.text, sorted(fields["body"]))
    return snippets(article.title, sorted(fields["title"]))


def _utc(moment: datetime) -> str:
    """RFC 3339 in UTC to the second, with a Z."""
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
