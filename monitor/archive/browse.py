"""Lists alerts page by page, newest first, as the pages and the API show them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal

from sqlalchemy import BigInteger, and_, func, or_, select, true, tuple_, type_coerce

from monitor.archive.database import begin
from monitor.archive.marks import UNMARKED, Mark, marks_of
from monitor.archive.narrow import UNKNOWN_WORDS, Some, narrow
from monitor.archive.read import read_articles
from monitor.archive.scan import SEARCHED
from monitor.archive.schema import alerts, articles, marks
from monitor.archive.search import has
from monitor.model import Article, Watchlist
from monitor.watchlists.evaluate import holds
from monitor.watchlists.matcher import Matcher

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Engine, Select

Marked = Literal["unread", "starred", "irrelevant"]
# Where a page ends: when its last alert was detected, in milliseconds, and that alert's id.
Cursor = tuple[int, str]

DAY_MS = 24 * 60 * 60 * 1000
# With a query, so many alerts are read at once.
_BATCH = 200
# With a query that selects little, a page ends after so many alerts were looked at.
MOST_EXAMINED = 20_000


@dataclass(frozen=True, slots=True)
class AlertFilter:
    """Selects alerts; every part that is not empty must hold. `query` is a watchlist's query."""

    since: datetime | None = None
    until: datetime | None = None
    watchlists: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    priorities: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    marked: Marked | None = None
    query: str = ""


@dataclass(frozen=True, slots=True)
class ListedAlert:
    """An alert's document (JSON, version 1), and what readers noted about it."""

    document: dict[str, Any]
    mark: Mark
    detected_at: datetime


@dataclass(frozen=True, slots=True)
class AlertPage:
    """A page of alerts; `older` is where the next one begins, None at the end."""

    alerts: tuple[ListedAlert, ...]
    older: Cursor | None


def alerts_page(
    engine: Engine,
    selection: AlertFilter,
    *,
    after: Cursor | None = None,
    limit: int = 50,
    definitions: Mapping[str, str] | None = None,
) -> AlertPage:
    """Returns the newest alerts of a selection, or those older than a cursor.

    Raises QueryError for a broken query, and ArchiveUnavailable if the database fails.
    """
    rows: Sequence[Any]
    if selection.query:
        rows, older = _matching(engine, selection, after, limit, definitions or {})
    else:
        rows, older = cut(_rows(engine, _listing(selection, after).limit(limit + 1)), limit)
    known = marks_of(engine, [row.id for row in rows])
    return AlertPage(
        tuple(
            ListedAlert(row.document, known.get(row.id, UNMARKED), row.detected_at) for row in rows
        ),
        older,
    )


def _listing(selection: AlertFilter, after: Cursor | None) -> Select[Any]:
    moment = type_coerce(alerts.c.detected_at, BigInteger)
    query = (
        select(
            alerts.c.id,
            moment.label("moment_ms"),
            alerts.c.detected_at,
            alerts.c.document,
            alerts.c.article,
        )
        .where(*_conditions(selection))
        .order_by(moment.desc(), alerts.c.id.desc())
    )
    if after is not None:
        query = query.where(tuple_(moment, alerts.c.id) < tuple_(*after))
    return query


def _conditions(selection: AlertFilter) -> Iterator[ColumnElement[bool]]:
    yield true()
    if selection.since is not None:
        yield alerts.c.detected_at >= selection.since
    if selection.until is not None:
        yield alerts.c.detected_at < selection.until
    if selection.watchlists:
        yield alerts.c.watchlist.in_(selection.watchlists)
    if selection.priorities:
        yield alerts.c.priority.in_(selection.priorities)
    if selection.sources:
        yield alerts.c.source.in_(selection.sources)
    if selection.languages:
        yield in_languages(alerts.c.language, selection.languages)
    if selection.marked is not None:
        yield _marked(selection.marked)


def in_languages(
    column: ColumnElement[str | None], languages: Iterable[str]
) -> ColumnElement[bool]:
    """Returns the condition that a language is one of these, whatever the region."""
    return or_(
        *(
            or_(column == language, column.startswith(f"{language}-", autoescape=True))
            for language in languages
        )
    )


def _marked(marked: Marked) -> ColumnElement[bool]:
    of_alert = marks.c.alert == alerts.c.id
    if marked == "unread":
        return ~select(marks.c.alert).where(of_alert, marks.c.read).exists()
    wanted = marks.c.starred if marked == "starred" else marks.c.relevant.is_(False)
    return select(marks.c.alert).where(of_alert, wanted).exists()


def _rows(engine: Engine, query: Select[Any]) -> list[Any]:
    with begin(engine) as connection:
        return list(connection.execute(query))


def cut(rows: Sequence[Any], limit: int) -> tuple[Sequence[Any], Cursor | None]:
    """Returns a page's rows, and where the next page begins, from one row more if there is one.

    Rows have an `id`, and their moment in milliseconds as `moment_ms`.
    """
    return rows[:limit], _cursor(rows[limit - 1]) if len(rows) > limit else None


def _cursor(row: Any) -> Cursor:
    return int(row.moment_ms), str(row.id)


def _matching(
    engine: Engine,
    selection: AlertFilter,
    after: Cursor | None,
    limit: int,
    definitions: Mapping[str, str],
) -> tuple[list[Any], Cursor | None]:
    """Returns rows whose articles a query matches, and where the next page begins."""
    matcher = Matcher([Watchlist(SEARCHED, selection.query)], definitions)
    root = matcher.root(0)
    narrowing = narrow(root)
    found: list[Any] = []
    examined = 0
    while True:
        query = (
            _listing(selection, after)
            .add_columns(articles.c.number)
            .join(articles, articles.c.id == alerts.c.article)
        )
        if narrowing.filter is not None:
            query = query.where(has(engine, Some((narrowing.filter, UNKNOWN_WORDS))))
        rows = _rows(engine, query.limit(_BATCH))
        numbers = {row.number for row in rows}
        matching = {
            row.number
            for row, article in read_articles(engine, list(numbers))
            if holds(root, matcher.scan(article))
        }
        for row in rows:
            after = _cursor(row)
            if row.number in matching:
                found.append(row)
                if len(found) == limit:
                    return found, after
        examined += len(rows)
        if len(rows) < _BATCH:
            return found, None
        if examined >= MOST_EXAMINED:
            return found, after


@dataclass(frozen=True, slots=True)
class AlertCounts:
    """Counts of alerts; `by_day` maps days since the epoch, in UTC, to alerts."""

    total: int = 0
    before: int | None = None
    unread: int = 0
    starred: int = 0
    by_watchlist: dict[str, int] = field(default_factory=dict)
    by_source: dict[str, int] = field(default_factory=dict)
    by_language: dict[str, int] = field(default_factory=dict)
    by_day: dict[int, int] = field(default_factory=dict)


def count_alerts(engine: Engine, since: datetime, until: datetime, most: int = 12) -> AlertCounts:
    """Counts the alerts of a time, beside those of the same time before.

    `before` is None if the archive does not reach so far back. `most` sources are counted, those
    with the most alerts.
    """
    moment = type_coerce(alerts.c.detected_at, BigInteger)
    in_time = and_(alerts.c.detected_at >= since, alerts.c.detected_at < until)
    day = (moment // DAY_MS).label("day")
    counted = func.count()
    by_source_and_language = (
        select(alerts.c.source, alerts.c.language, counted)
        .where(in_time)
        .group_by(alerts.c.source, alerts.c.language)
    )
    was_read = select(counted).select_from(alerts).join(marks, marks.c.alert == alerts.c.id)
    with begin(engine) as connection:
        by_watchlist = connection.execute(
            select(alerts.c.watchlist, counted).where(in_time).group_by(alerts.c.watchlist)
        ).all()
        by_day = connection.execute(select(day, counted).where(in_time).group_by(day)).all()
        origins = connection.execute(by_source_and_language).all()
        total = sum(row[1] for row in by_watchlist)
        read = connection.scalar(was_read.where(in_time, marks.c.read)) or 0
        starred = connection.scalar(was_read.where(in_time, marks.c.starred)) or 0
        first = connection.scalar(select(func.min(articles.c.found_at)))
        length = until - since
        before = None
        if first is not None and first <= since - length + timedelta(days=1):
            before = connection.scalar(
                select(counted)
                .select_from(alerts)
                .where(alerts.c.detected_at >= since - length, alerts.c.detected_at < since)
            )
    by_source = _sums((row[0], row[2]) for row in origins)
    return AlertCounts(
        total=total,
        before=before,
        unread=total - read,
        starred=starred,
        by_watchlist=_sums((row[0], row[1]) for row in by_watchlist),
        by_source=dict(list(by_source.items())[:most]),
        by_language=_sums((row[1] or "", row[2]) for row in origins),
        by_day={int(row[0]): row[1] for row in by_day},
    )


def _sums(pairs: Iterator[tuple[Any, int]]) -> dict[Any, int]:
    """Returns the sum for each name, the largest first."""
    sums: dict[Any, int] = {}
    for name, count in pairs:
        sums[name] = sums.get(name, 0) + count
    return dict(sorted(sums.items(), key=lambda pair: (-pair[1], pair[0])))


def archived_article(engine: Engine, article_id: str) -> Article | None:
    """Returns an article with its text, or None if the archive does not have it."""
    with begin(engine) as connection:
        number = connection.scalar(select(articles.c.number).where(articles.c.id == article_id))
    if number is None:
        return None
    return next((stored.article for _, stored in read_articles(engine, [number])), None)


def last_article_at(engine: Engine) -> datetime | None:
    """Returns when the newest article was found, or None if the archive is empty."""
    with begin(engine) as connection:
        found: datetime | None = connection.scalar(select(func.max(articles.c.found_at)))
        return found


@dataclass(frozen=True, slots=True)
class Telling:
    """An article of a story: who published it, where and when."""

    id: str
    title: str
    url: str
    source: str
    site: str
    published_at: datetime | None
    found_at: datetime


def story_articles(engine: Engine, story: str, most: int = 200) -> list[Telling]:
    """Returns the articles of a story in the order in which they were published, at most `most`."""
    published = func.coalesce(articles.c.published_at, articles.c.found_at)
    query = (
        select(*(articles.c[name] for name in Telling.__dataclass_fields__))
        .where(articles.c.story == story)
        .order_by(published, articles.c.found_at, articles.c.id)
        .limit(most)
    )
    with begin(engine) as connection:
        return [Telling(*row) for row in connection.execute(query)]
