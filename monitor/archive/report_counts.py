"""Counts coverage in one pass over the matches of a period and of the one before it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    CTE,
    BigInteger,
    ColumnElement,
    CompoundSelect,
    Dialect,
    Select,
    case,
    cast,
    distinct,
    func,
    literal,
    literal_column,
    null,
    select,
    type_coerce,
    union_all,
)

from monitor.archive.schema import AnyText, Moment, articles, matches
from monitor.reports.periods import Period

if TYPE_CHECKING:
    from sqlalchemy import Connection

_MILLISECOND = timedelta(milliseconds=1)
# So many sources are named, and so many stories of each watchlist.
MOST_SOURCES = 20
MOST_STORIES = 5
# There are not as many languages, unless a feed makes them up.
MOST_LANGUAGES = 500


@dataclass(slots=True)
class Volume:
    """A watchlist's matches in one of the two periods; `steps` counts them by step."""

    articles: int = 0
    alerts: int = 0
    later: int = 0
    steps: dict[int, int] = field(default_factory=dict)


@dataclass(slots=True)
class PeriodCounts:
    """The articles, sources and stories of one of the two periods, each counted once."""

    articles: int = 0
    sources: int = 0
    stories: int = 0
    steps: dict[int, int] = field(default_factory=dict)


@dataclass(slots=True)
class Counts:
    """What was counted; keys that are tuples end with whether it is in the period itself.

    `sources` and `languages` have the articles in the period and in the one before; the sources
    with most articles come first. `stories` has the ids of the stories that most outlets carry, by
    watchlist, with their articles and outlets.
    """

    volumes: dict[tuple[str, bool], Volume] = field(default_factory=lambda: defaultdict(Volume))
    totals: dict[bool, PeriodCounts] = field(default_factory=lambda: defaultdict(PeriodCounts))
    sources: dict[str, tuple[int, int]] = field(default_factory=dict)
    languages: dict[str | None, tuple[int, int]] = field(default_factory=dict)
    stories: dict[tuple[str, str], tuple[int, int]] = field(default_factory=dict)


def count_coverage(connection: Connection, period: Period, watchlists: Sequence[str]) -> Counts:
    """Returns what these watchlists matched in a period and in the one before."""
    counts = Counts()
    for row in connection.execute(_statement(period, watchlists, connection.dialect)):
        is_now = bool(row.is_now)
        match row.kind:
            case "volume":
                volume = counts.volumes[row.name, is_now]
                volume.articles += row.a
                volume.alerts += row.b
                volume.later += row.c
                volume.steps[row.step] = row.a
            case "step":
                counts.totals[is_now].articles += row.a
                counts.totals[is_now].steps[row.step] = row.a
            case "total":
                counts.totals[is_now].sources = row.a
                counts.totals[is_now].stories = row.b
            case "source":
                counts.sources[row.name] = row.a, row.b
            case "language":
                counts.languages[row.name] = row.a, row.b
            case "story":
                counts.stories[row.name, row.story] = row.a, row.b
    return counts


def _statement(period: Period, watchlists: Sequence[str], dialect: Dialect) -> CompoundSelect[Any]:
    matched = _matched(period, watchlists, dialect)
    # Each article once in each period, however many watchlists matched it.
    once = (
        select(
            matched.c.article,
            matched.c.is_now,
            func.min(matched.c.step).label("step"),
            func.min(matched.c.source).label("source"),
            func.min(matched.c.language).label("language"),
            func.min(matched.c.story).label("story"),
        )
        .group_by(matched.c.article, matched.c.is_now)
        .cte("once")
    )
    return union_all(
        _row(
            "volume",
            name=matched.c.watchlist,
            is_now=matched.c.is_now,
            step=matched.c.step,
            a=func.count(),
            b=func.count(matched.c.alert),
            c=func.sum(matched.c.later),
        ).group_by(matched.c.watchlist, matched.c.is_now, matched.c.step),
        _row("step", is_now=once.c.is_now, step=once.c.step, a=func.count()).group_by(
            once.c.is_now, once.c.step
        ),
        _row(
            "total",
            is_now=once.c.is_now,
            a=func.count(distinct(once.c.source)),
            b=func.count(distinct(once.c.story)),
        ).group_by(once.c.is_now),
        _most("source", once, once.c.source, MOST_SOURCES),
        _most("language", once, once.c.language, MOST_LANGUAGES),
        _stories(matched),
    )


def _matched(period: Period, watchlists: Sequence[str], dialect: Dialect) -> CTE:
    """Selects the matches of both periods, with what is counted of their articles."""
    at = type_coerce(matches.c.matched_at, BigInteger)
    since, before = (_as_stored(each.since, dialect) for each in (period, period.before))
    began = case((at >= since, since), else_=before)
    # All are integers, so that both databases round down.
    step = (at - began) // literal(period.step // _MILLISECOND, BigInteger)
    last = literal(period.steps - 1, BigInteger)
    return (
        select(
            matches.c.watchlist,
            matches.c.article,
            matches.c.alert,
            case((matches.c.later, 1), else_=0).label("later"),
            case((at >= since, 1), else_=0).label("is_now"),
            case((step > last, last), else_=step).label("step"),
            articles.c.source,
            articles.c.site,
            articles.c.language,
            articles.c.story,
        )
        .join(articles, articles.c.id == matches.c.article)
        .where(
            matches.c.watchlist.in_(watchlists),
            matches.c.matched_at >= period.before.since,
            matches.c.matched_at < period.until,
        )
        .cte("matched")
    )


def _as_stored(moment: datetime, dialect: Dialect) -> ColumnElement[int]:
    return literal(Moment().process_bind_param(moment, dialect), BigInteger)


def _most(kind: str, once: CTE, name: ColumnElement[Any], most: int) -> Select[Any]:
    """Selects the names with the most articles in the period."""
    now, before = func.sum(once.c.is_now), func.sum(1 - once.c.is_now)
    ranked = (
        select(name.label("name"), now.label("now"), before.label("before"))
        .group_by(name)
        .having(now > 0)
        .order_by(now.desc(), name)
        .limit(most)
        .subquery(f"most_{kind}")
    )
    return _row(kind, name=ranked.c.name, a=ranked.c.now, b=ranked.c.before)


def _stories(matched: CTE) -> Select[Any]:
    """Selects for each watchlist the stories of the period that most outlets carry."""
    outlets = func.count(distinct(matched.c.site))
    grouped = (
        select(
            matched.c.watchlist,
            matched.c.story,
            func.count().label("articles"),
            outlets.label("outlets"),
            func.row_number()
            .over(
                partition_by=matched.c.watchlist,
                order_by=(
                    outlets.desc(),
                    func.count().desc(),
                    func.min(matched.c.step),
                    matched.c.story,
                ),
            )
            .label("rank"),
        )
        .where(matched.c.is_now == 1)
        .group_by(matched.c.watchlist, matched.c.story)
        .subquery("ranked_stories")
    )
    return _row(
        "story",
        name=grouped.c.watchlist,
        story=grouped.c.story,
        a=grouped.c.articles,
        b=grouped.c.outlets,
    ).where(grouped.c.rank <= MOST_STORIES)


def _row(kind: str, **columns: Any) -> Select[Any]:
    """Selects rows of one kind, in the form that all kinds share."""
    texts = {"name", "story"}
    row: list[ColumnElement[Any]] = [literal_column(f"'{kind}'").label("kind")]
    for name in ("name", "story", "is_now", "step", "a", "b", "c"):
        column = columns.get(name, null())
        row.append(cast(column, AnyText if name in texts else BigInteger).label(name))
    return select(*row)
