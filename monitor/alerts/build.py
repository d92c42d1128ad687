"""Builds alerts from articles and matches: version 1 of the JSON that subscribers rely on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from monitor.alerts.document import story_size
from monitor.alerts.snippets import snippets
from monitor.alerts.spikes import SpikeEvent
from monitor.hiding import without_userinfo
from monitor.model import Alert, Article, Match, Watchlist, content_id

VERSION = 1
# The subscriber for alerts about Presswatch itself, and the watchlist that these alerts name.
OPERATORS = "operators"


def topic(watchlist: Watchlist, article: Article) -> str:
    """Returns the id of what a watchlist alerts on once: a story, an article, or a version."""
    match watchlist.once_per:
        case "story":
            return article.story
        case "article":
            return article.id
        case "none":
            return content_id(article.id, article.title, article.text)


def alert_id(watchlist: Watchlist, topic: str, new_terms: tuple[str, ...] = ()) -> str:
    """Derives an alert's id from its subject: the same alert has the same id on every machine.

    A further alert on a topic is also identified by the terms that are new in it.
    """
    return content_id(watchlist.name, topic, *new_terms)


def build(
    watchlist: Watchlist,
    article: Article,
    match: Match,
    *,
    identity: str,
    articles: int,
    sites: int = 1,
    is_update: bool,
    now: datetime,
) -> Alert:
    """Builds the alert that a watchlist matched an article, with the evidence.

    `articles` counts those of the story so far, and `sites` where they were published;
    `is_update` says that an earlier version of the article was known.
    """
    document: dict[str, Any] = {
        "v": VERSION,
        "id": identity,
        "watchlist": watchlist.name,
        "priority": watchlist.priority,
        "detected_at": rfc3339(now),
        "article": article_fields(article),
        "matches": termed(match),
        "snippets": evidence_of(article, match),
        "story": {"id": article.story, "articles": articles, "sites": sites},
    }
    if is_update:
        document["update"] = True
    return Alert(
        identity, watchlist.name, watchlist.subscribers, document | title_fields(watchlist)
    )


def title_fields(watchlist: Watchlist) -> dict[str, str]:
    """Returns the field of an alert that has its watchlist's title, if there is one."""
    return {"watchlist_title": watchlist.title} if watchlist.title else {}


def added_to(document: dict[str, Any], article: Article) -> dict[str, Any]:
    """Returns the document of a story's first alert with a later article in place of the first."""
    return {**document, "article": article_fields(article), "matches": [], "snippets": []}


def notice(title: str, text: str, *, now: datetime) -> Alert:
    """Builds an alert about Presswatch itself, in the form of all others."""
    identity = content_id(OPERATORS, title, rfc3339(now))
    document = {
        "v": VERSION,
        "id": identity,
        "watchlist": OPERATORS,
        "priority": "high",
        "detected_at": rfc3339(now),
        "article": {
            "id": identity,
            "url": "",
            "title": title,
            "source": "Presswatch",
            "feed_url": "",
            "authors": [],
            "published_at": None,
            "language": "en",
        },
        "matches": [],
        "snippets": [{"text": text, "highlights": []}],
        "story": {"id": identity, "articles": 1},
    }
    return Alert(identity, OPERATORS, (), document)


def coverage_alert(
    watchlist: Watchlist,
    event: SpikeEvent,
    subject: str,
    stories: Sequence[Mapping[str, Any]],
    *,
    now: datetime,
) -> Alert:
    """Builds the alert that a watchlist's coverage has a spike, or that a spike is over.

    `subject` identifies the spike; both alerts have it as their story. `stories` are those with the
    most articles, each with `id`, `title`, `url`, `source`, `articles` and `sites`.
    """
    identity = content_id(watchlist.name, event.kind, subject)
    is_over = event.kind == "spike over"
    usual = f"{event.articles} articles in {event.hours} hours; {event.expected:.1f} are usual"
    times = event.articles / event.expected
    title = (
        f"coverage of {watchlist.heading} is no longer unusual"
        if is_over
        else f"coverage of {watchlist.heading} is {times:.0f} times its usual"
    )
    named = [{**story, "url": without_userinfo(story["url"])} for story in stories]
    document = {
        **notice(title, "", now=now).document,
        "id": identity,
        "watchlist": watchlist.name,
        **title_fields(watchlist),
        "priority": "low" if is_over else watchlist.priority,
        "snippets": [list_line(usual), *map(_story_line, named)],
        "story": {"id": subject, "articles": 1},
        "spike": {
            "state": "over" if is_over else "begun",
            "since": rfc3339(event.since),
            "hours": event.hours,
            "articles": event.articles,
            "usual": round(event.expected, 2),
            "stories": named,
        },
    }
    document["article"] |= {"id": identity}
    return Alert(identity, watchlist.name, watchlist.subscribers, document)


def list_line(text: str, url: str | None = None) -> dict[str, Any]:
    """Returns a snippet that is a line of an alert's list, and an article of it if it has a URL."""
    return {"text": text, "highlights": []} | ({} if url is None else {"url": url})


def _story_line(story: Mapping[str, Any]) -> dict[str, Any]:
    return list_line(
        f"{story_size(story) or '1 article'}: {story['title']} ({story['source']})", story["url"]
    )


def article_fields(article: Article) -> dict[str, Any]:
    """Returns an article as alerts have it, without its text."""
    described: dict[str, Any] = {
        "id": article.id,
        "url": without_userinfo(article.url),
        "title": article.title,
        "source": article.source,
        "feed_url": without_userinfo(article.feed_url),
        "authors": list(article.authors),
        "published_at": rfc3339(article.published_at) if article.published_at else None,
        "language": article.language,
        "quality": article.quality,
    }
    if article.paywalled:
        described["paywalled"] = True
    if article.text_from == "feed":
        # The page could not be fetched: readers should know that there may be more.
        described["text_from"] = "feed"
    return described


def reservation(article: dict[str, Any]) -> str:
    """Returns what readers should know about an article's text; empty if all of it was read."""
    if article.get("text_from") == "feed":
        return "from the feed; the page could not be fetched"
    if article.get("quality") == "teaser":
        return "from a teaser; the full text was not available"
    return "behind a paywall" if article.get("paywalled") else ""


def termed(match: Match) -> list[dict[str, Any]]:
    """Returns the terms that matched, with how often each did in which field."""
    return [
        {"term": term.term, "field": term.field, "count": len(term.spans)} for term in match.terms
    ]


def evidence_of(article: Article, match: Match) -> list[dict[str, Any]]:
    """Returns passages of the body if a term matched there, else of the title."""
    fields: dict[str, list[tuple[int, int]]] = {"title": [], "body": []}
    for term in match.terms:
        fields.setdefault(term.field, []).extend(term.spans)
    text, spans = article.title, fields["title"]
    if fields["body"]:
        text, spans = article.text, fields["body"]
    return [
        {"text": snippet.text, "highlights": [list(pair) for pair in snippet.highlights]}
        for snippet in snippets(text, sorted(spans))
    ]


def rfc3339(moment: datetime) -> str:
    """Formats a moment as RFC 3339 to the second, in UTC unless UTC has no such year."""
    try:
        moment = moment.astimezone(UTC)
    except OverflowError:
        return moment.isoformat(timespec="seconds")
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z")
