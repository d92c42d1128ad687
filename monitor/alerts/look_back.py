"""Builds the summary of what a watchlist found later, by looking back in the archive. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from monitor.alerts.build import article_fields, list_line, notice, rfc3339, title_fields
from monitor.hiding import without_userinfo
from monitor.model import Alert, Article, Watchlist


@dataclass(frozen=True, slots=True)
class LookBackFound:
    """What a watchlist found in the archive when it looked back.

    `articles` counts those found later, and `known` those that it had matched in time. `newest` are
    some of the former, the newest first, each with the moment at which it was found.
    """

    since: datetime
    until: datetime
    articles: int
    known: int
    newest: tuple[tuple[datetime, Article], ...] = ()


def look_back_alert(
    watchlist: Watchlist, found: LookBackFound, identity: str, *, now: datetime
) -> Alert:
    """Builds the summary of what a watchlist found later in the archive.

    It is never of high priority: what it tells is past.
    """
    period, since = in_words(watchlist.backfill or found.until - found.since), rfc3339(found.since)
    kind = "further article" if found.known else "article"
    if found.articles == 0:
        title = f"no {kind} of the last {period} matches {watchlist.heading}"
        lines = [list_line("The archive was searched. New articles that match will alert.")]
    else:
        several = found.articles != 1
        title = (
            f"{found.articles} {kind}{'s' * several} of the last {period} "
            f"match{'es' * (not several)} {watchlist.heading}"
        )
        command = f"presswatch alerts list --watchlist {watchlist.name} --since {since}"
        lines = [
            list_line(
                "Found by looking back in the archive; no alerts were sent for them. "
                f"All of them: {command}"
            )
        ]
        lines += [
            list_line(
                f"{article.title} ({article.source}), {found_at:%-d %B %Y}",
                without_userinfo(article.url),
            )
            for found_at, article in found.newest
        ]
    document = {
        **notice(title, "", now=now).document,
        "id": identity,
        "watchlist": watchlist.name,
        **title_fields(watchlist),
        "priority": "normal" if found.articles and watchlist.priority != "low" else "low",
        "snippets": lines,
        "story": {"id": identity, "articles": 1},
        "look_back": {
            "since": since,
            "until": rfc3339(found.until),
            "articles": found.articles,
            "known": found.known,
            "newest": [
                {**article_fields(article), "found_at": rfc3339(found_at)}
                for found_at, article in found.newest
            ],
        },
    }
    document["article"] |= {"id": identity}
    return Alert(identity, watchlist.name, watchlist.subscribers, document)


def in_words(time: timedelta) -> str:
    """Returns a time in the largest unit of which it is a multiple: `7 days`, or `36 hours`."""
    units = {"day": timedelta(days=1), "hour": timedelta(hours=1), "minute": timedelta(minutes=1)}
    name, unit = next(
        ((name, unit) for name, unit in units.items() if not time % unit),
        ("second", timedelta(seconds=1)),
    )
    count = -(-time // unit)
    return name if count == 1 else f"{count} {name}s"


def later_document(watchlist: str, article: Article, found_at: datetime) -> dict[str, Any]:
    """Returns a match that was found later, in the form of an alert without an id."""
    return {
        "watchlist": watchlist,
        "detected_at": rfc3339(found_at),
        "article": article_fields(article),
        "story": {"id": article.story},
        "later": True,
    }
