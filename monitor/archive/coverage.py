"""Counts a watchlist's matches by hour, and names the stories that many of them belong to."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import BigInteger, func, select, type_coerce

from monitor.archive.database import begin
from monitor.archive.schema import Moment, articles, matches

if TYPE_CHECKING:
    from sqlalchemy import Engine

HOUR_MS = 3_600_000


@dataclass(frozen=True, slots=True)
class StoryCoverage:
    """A story in a watchlist's coverage: its first article there, and how many there are."""

    id: str
    title: str
    url: str
    source: str
    articles: int
    sites: int


def hourly_counts(engine: Engine, watchlist: str, since: datetime, until: datetime) -> list[int]:
    """Returns how many articles a watchlist matched in each hour; the last hour ends `until`.

    Begins with the hour of the first match after `since`. Matches found by looking back later do
    not count.
    """
    last = Moment().process_bind_param(until, engine.dialect) or 0
    age = ((last - type_coerce(matches.c.matched_at, BigInteger)) // HOUR_MS).label("age")
    query = (
        select(age, func.count())
        .where(
            matches.c.watchlist == watchlist,
            matches.c.matched_at > since,
            matches.c.matched_at <= until,
            matches.c.later.is_(False),
        )
        .group_by("age")
    )
    with begin(engine) as connection:
        found = {int(row[0]): int(row[1]) for row in connection.execute(query)}
    return [found.get(age, 0) for age in range(max(found, default=-1), -1, -1)]


def stories_between(
    engine: Engine, watchlist: str, since: datetime, until: datetime, most: int
) -> list[StoryCoverage]:
    """Returns the stories with the most articles that a watchlist matched in a time."""
    query = (
        select(
            articles.c.story, articles.c.title, articles.c.url, articles.c.source, articles.c.site
        )
        .join(matches, matches.c.article == articles.c.id)
        .where(
            matches.c.watchlist == watchlist,
            matches.c.matched_at > since,
            matches.c.matched_at <= until,
            matches.c.later.is_(False),
        )
        .order_by(matches.c.matched_at, articles.c.id)
    )
    with begin(engine) as connection:
        rows = connection.execute(query).all()
    first = {row.story: row for row in reversed(rows)}
    counts = Counter(row.story for row in rows)
    sites = Counter(story for story, _ in {(row.story, row.site) for row in rows})
    return [
        StoryCoverage(
            story, first[story].title, first[story].url, first[story].source, count, sites[story]
        )
        for story, count in counts.most_common(most)
    ]
