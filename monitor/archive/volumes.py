"""Counts alerts and matches over time, by watchlist, source, language and story.

A watchlist's alerts are what its subscribers heard; its matches are its coverage: all articles that
it matches, whether or not their story had an alert already, and those found by looking back.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal

from sqlalchemy import BigInteger, and_, func, select, type_coerce

from monitor.archive.database import begin
from monitor.archive.schema import Moment, alerts, articles, marks, matches

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Engine

# What an article has one of.
Origin = Literal["source", "language"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MS = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class Buckets:
    """Equal lengths of time, one after another, in which something is counted."""

    start: datetime
    unit: timedelta
    count: int

    @property
    def until(self) -> datetime:
        """Returns when the last one ends."""
        return self.start + self.unit * self.count

    @property
    def starts(self) -> list[datetime]:
        """Returns when each begins."""
        return [self.start + self.unit * number for number in range(self.count)]

    def counted(self, moments_ms: Iterable[int]) -> tuple[int, ...]:
        """Counts moments, given in milliseconds since the epoch, in each."""
        start_ms, unit_ms = (self.start - _EPOCH) // _MS, self.unit // _MS
        found = Counter((at - start_ms) // unit_ms for at in moments_ms)
        return tuple(found.get(number, 0) for number in range(self.count))

    def column(self, moment: ColumnElement[datetime]) -> ColumnElement[int]:
        """Returns the number of the bucket that holds a moment, for SQL."""
        at = type_coerce(moment, BigInteger)
        return (at - (self.start - _EPOCH) // _MS) // (self.unit // _MS)

    def holds(self, moment: ColumnElement[datetime]) -> ColumnElement[bool]:
        """Returns the condition that a moment is in one of them, for SQL."""
        return and_(moment >= self.start, moment < self.until)


@dataclass(frozen=True, slots=True)
class AlertVolume:
    """A watchlist's alerts: in each bucket, in the same time before, and the last one of all.

    `before` is None if the archive does not reach so far back. `relevant` and `irrelevant` count
    what readers marked, at any time.
    """

    counts: tuple[int, ...]
    before: int | None = None
    last_at: datetime | None = None
    relevant: int = 0
    irrelevant: int = 0

    @property
    def total(self) -> int:
        """Returns how many alerts there were."""
        return sum(self.counts)


def alert_volumes(engine: Engine, buckets: Buckets) -> dict[str, AlertVolume]:
    """Returns the volume of each watchlist that the archive has ever had an alert of."""
    name, moment = alerts.c.watchlist, alerts.c.detected_at
    length = buckets.until - buckets.start
    bucket = buckets.column(moment).label("bucket")
    before = and_(moment >= buckets.start - length, moment < buckets.start)
    # By an expression: by the column, SQLite reads all alerts in its order, and few have marks.
    marked_name = name.concat("").label("marked_name")
    judged = (
        select(marked_name, marks.c.relevant, func.count())
        .join_from(marks, alerts, alerts.c.id == marks.c.alert)
        .where(marks.c.relevant.is_not(None))
        .group_by(marked_name, marks.c.relevant)
    )
    with begin(engine) as connection:
        last: dict[str, datetime] = dict(
            connection.execute(select(name, func.max(moment)).group_by(name)).all()
        )
        counted = connection.execute(
            select(name, bucket, func.count()).where(buckets.holds(moment)).group_by(name, bucket)
        ).all()
        earlier: dict[str, int] = dict(
            connection.execute(select(name, func.count()).where(before).group_by(name)).all()
        )
        marked = {(row[0], row[1]): row[2] for row in connection.execute(judged)}
        first = connection.scalar(select(func.min(articles.c.found_at)))
    reaches_back = first is not None and first <= buckets.start - length + timedelta(days=1)
    counts = _by_name(counted, buckets.count)
    nothing = (0,) * buckets.count
    return {
        name: AlertVolume(
            counts.get(name, nothing),
            earlier.get(name, 0) if reaches_back else None,
            last_at,
            marked.get((name, True), 0),
            marked.get((name, False), 0),
        )
        for name, last_at in last.items()
    }


def alert_sources(
    engine: Engine, buckets: Buckets, watchlists: Collection[str], most: int = 3
) -> dict[str, list[tuple[str, int]]]:
    """Returns the sources with the most alerts of each watchlist, and how many of each."""
    counted = func.count().label("counted")
    query = (
        select(alerts.c.watchlist, alerts.c.source, counted)
        .where(alerts.c.watchlist.in_(watchlists), buckets.holds(alerts.c.detected_at))
        .group_by(alerts.c.watchlist, alerts.c.source)
        .order_by(counted.desc(), alerts.c.source)
    )
    sources: dict[str, list[tuple[str, int]]] = defaultdict(list)
    with begin(engine) as connection:
        for watchlist, source, count in connection.execute(query):
            if len(sources[watchlist]) < most:
                sources[watchlist].append((source, count))
    return dict(sources)


def match_volumes(engine: Engine, buckets: Buckets) -> dict[str, tuple[int, ...]]:
    """Returns how many articles each watchlist matched in each bucket."""
    bucket = buckets.column(matches.c.matched_at).label("bucket")
    query = (
        select(matches.c.watchlist, bucket, func.count())
        .where(buckets.holds(matches.c.matched_at))
        .group_by(matches.c.watchlist, bucket)
    )
    with begin(engine) as connection:
        return _by_name(connection.execute(query).all(), buckets.count)


def origin_volumes(
    engine: Engine, buckets: Buckets, origin: Origin, watchlists: Collection[str]
) -> dict[str, tuple[int, ...]]:
    """Returns how many articles of each source, or in each language, matched in each bucket.

    An article that several of these watchlists matched counts once, when the first one did. Without
    watchlists, all of them count. A language that is not known is "".
    """
    matched = _matched(buckets.start, buckets.until, watchlists)
    bucket = buckets.column(matched.c.matched_at).label("bucket")
    name = func.coalesce(articles.c[origin], "").label("origin")
    query = (
        select(name, bucket, func.count())
        .join(matched, matched.c.article == articles.c.id)
        .group_by(name, bucket)
    )
    with begin(engine) as connection:
        return _by_name(connection.execute(query).all(), buckets.count)


@dataclass(frozen=True, slots=True)
class MatchOrigins:
    """How many of the articles that watchlists matched came from each source and language."""

    sources: tuple[tuple[str, int], ...]
    languages: tuple[tuple[str, int], ...]


def match_origins(
    engine: Engine, buckets: Buckets, watchlists: Collection[str], most: int = 10
) -> MatchOrigins:
    """Counts the articles that any of these watchlists matched, by source and by language."""
    matched = _matched(buckets.start, buckets.until, watchlists)
    query = (
        select(articles.c.source, articles.c.language, func.count())
        .join(matched, matched.c.article == articles.c.id)
        .group_by(articles.c.source, articles.c.language)
    )
    sources: Counter[str] = Counter()
    languages: Counter[str] = Counter()
    with begin(engine) as connection:
        for source, language, count in connection.execute(query):
            sources[source] += count
            languages[language or ""] += count
    return MatchOrigins(tuple(sources.most_common(most)), tuple(languages.most_common(most)))


@dataclass(frozen=True, slots=True)
class StoryVolume:
    """A story: its first article in a time, with how many articles and sites published it."""

    id: str
    title: str
    source: str
    articles: int
    sites: int
    first_at: datetime


def largest_stories(
    engine: Engine, since: datetime, until: datetime, watchlists: Collection[str], most: int = 20
) -> list[StoryVolume]:
    """Returns the stories with the most articles that any of these watchlists matched."""
    matched = _matched(since, until, watchlists)
    counted = func.count().label("counted")
    largest = (
        select(
            articles.c.story,
            counted,
            func.count(articles.c.site.distinct()),
            func.min(articles.c.number),
        )
        .join(matched, matched.c.article == articles.c.id)
        .group_by(articles.c.story)
        .order_by(counted.desc(), func.max(matched.c.matched_at).desc(), articles.c.story)
        .limit(most)
    )
    columns = articles.c
    with begin(engine) as connection:
        rows = connection.execute(largest).all()
        first = {
            row.number: row
            for row in connection.execute(
                select(columns.number, columns.title, columns.source, columns.found_at).where(
                    columns.number.in_([row[3] for row in rows])
                )
            )
        }
    return [
        StoryVolume(
            story, first[number].title, first[number].source, count, sites, first[number].found_at
        )
        for story, count, sites, number in rows
        if number in first
    ]


def _matched(since: datetime, until: datetime, watchlists: Collection[str]) -> Any:
    """Returns the articles that any of these watchlists matched, each once; of all without any."""
    moment = matches.c.matched_at
    query = select(matches.c.article, func.min(moment, type_=Moment).label("matched_at")).where(
        moment >= since, moment < until
    )
    if watchlists:
        query = query.where(matches.c.watchlist.in_(watchlists))
    return query.group_by(matches.c.article).subquery()


def _by_name(rows: Iterable[Any], length: int) -> dict[str, tuple[int, ...]]:
    """Returns the counts of each name, from rows of a name, a bucket's number, and a count."""
    counts: dict[str, list[int]] = {}
    for name, bucket, count in rows:
        counts.setdefault(name, [0] * length)[int(bucket)] += count
    return {name: tuple(each) for name, each in counts.items()}
