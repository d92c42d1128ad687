"""Counts what happened lately, for operators: by watchlist, feed and subscriber."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import quantiles
from typing import TYPE_CHECKING

from sqlalchemy import BigInteger, func, select, tuple_, type_coerce

from monitor.archive.browse import DAY_MS, Cursor, cut
from monitor.archive.database import begin
from monitor.archive.schema import Moment, alerts, articles, deliveries
from monitor.model import DeliveryEvent, DeliveryNote

if TYPE_CHECKING:
    from sqlalchemy import Engine

# The lag is that of so many alerts, the last ones.
MOST_LAGS = 500


@dataclass(frozen=True, slots=True)
class WatchlistActivity:
    """How many alerts a watchlist had since a moment, and when the last one ever was."""

    alerts: int
    last: datetime


def watchlist_activity(engine: Engine, since: datetime) -> dict[str, WatchlistActivity]:
    """Returns the activity of all watchlists that ever alerted, by name."""
    lately = func.count().filter(alerts.c.detected_at >= since)
    last = type_coerce(func.max(type_coerce(alerts.c.detected_at, BigInteger)), Moment)
    query = select(alerts.c.watchlist, lately, last).group_by(alerts.c.watchlist)
    with begin(engine) as connection:
        return {row[0]: WatchlistActivity(row[1], row[2]) for row in connection.execute(query)}


def articles_by_day(engine: Engine, since: datetime) -> dict[str, dict[int, int]]:
    """Returns how many articles each feed brought on each day, as days since the epoch in UTC.

    Feeds are named by their addresses as they are shown.
    """
    day = (type_coerce(articles.c.found_at, BigInteger) // DAY_MS).label("day")
    query = (
        select(articles.c.feed_url, day, func.count())
        .where(articles.c.found_at >= since)
        .group_by(articles.c.feed_url, day)
    )
    found: dict[str, dict[int, int]] = {}
    with begin(engine) as connection:
        for feed_url, number, count in connection.execute(query):
            found.setdefault(feed_url, {})[int(number)] = count
    return found


@dataclass(frozen=True, slots=True)
class Rates:
    """How many articles and alerts came since a moment."""

    articles: int
    alerts: int


def rates(engine: Engine, since: datetime) -> Rates:
    """Counts the articles and alerts since a moment."""
    with begin(engine) as connection:
        counts = [
            connection.scalar(select(func.count()).select_from(table).where(column >= since))
            for table, column in ((articles, articles.c.found_at), (alerts, alerts.c.detected_at))
        ]
    return Rates(*(count or 0 for count in counts))


@dataclass(frozen=True, slots=True)
class AlertLag:
    """How long after the articles' publication the last alerts came."""

    alerts: int
    median: timedelta
    most: timedelta


def alert_lag(engine: Engine, since: datetime) -> AlertLag | None:
    """Returns the lag of the last alerts since a moment; None without alerts on dated articles.

    `most` is a lag that nine alerts in ten do not exceed. What feeds held already when the first
    article was found came late only because nobody had watched: it does not count.
    """
    first = select(func.min(articles.c.found_at)).scalar_subquery()
    query = (
        select(alerts.c.detected_at, articles.c.published_at)
        .join(articles, articles.c.id == alerts.c.article)
        .where(alerts.c.detected_at >= since, articles.c.published_at >= first)
        .order_by(alerts.c.detected_at.desc())
        .limit(MOST_LAGS)
    )
    with begin(engine) as connection:
        lags_s = [max(0.0, (row[0] - row[1]).total_seconds()) for row in connection.execute(query)]
    if not lags_s:
        return None
    tenths = quantiles(lags_s, n=10, method="inclusive") if len(lags_s) > 1 else lags_s * 9
    return AlertLag(len(lags_s), timedelta(seconds=tenths[4]), timedelta(seconds=tenths[8]))


@dataclass(frozen=True, slots=True)
class LedgerLine:
    """A line of the ledger of all deliveries, and the title of the alert's article."""

    alert: str
    title: str
    note: DeliveryNote


@dataclass(frozen=True, slots=True)
class LedgerPage:
    """A page of the ledger; `older` is where the next one begins, None at the end."""

    lines: tuple[LedgerLine, ...]
    older: Cursor | None


@dataclass(frozen=True, slots=True)
class LedgerFilter:
    """Selects lines of the ledger; every part that is not empty must hold."""

    subscribers: tuple[str, ...] = ()
    events: tuple[DeliveryEvent, ...] = ()
    since: datetime | None = None
    until: datetime | None = None


EVERYTHING = LedgerFilter()


def last_deliveries(
    engine: Engine,
    most: int,
    selection: LedgerFilter = EVERYTHING,
    *,
    after: Cursor | None = None,
) -> LedgerPage:
    """Returns the last lines of the ledger, newest first.

    `after` is the end of the page before.
    """
    columns = deliveries.c
    moment = type_coerce(columns.at, BigInteger)
    query = (
        select(
            columns.id,
            moment.label("moment_ms"),
            columns.alert,
            func.coalesce(articles.c.title, ""),
            columns.at,
            columns.subscriber,
            columns.channel,
            columns.event,
            columns.detail,
        )
        .outerjoin(alerts, alerts.c.id == columns.alert)
        .outerjoin(articles, articles.c.id == alerts.c.article)
        .order_by(moment.desc(), columns.id.desc())
        .limit(most + 1)
    )
    if selection.subscribers:
        query = query.where(columns.subscriber.in_(selection.subscribers))
    if selection.events:
        query = query.where(columns.event.in_(selection.events))
    if selection.since is not None:
        query = query.where(columns.at >= selection.since)
    if selection.until is not None:
        query = query.where(columns.at < selection.until)
    if after is not None:
        query = query.where(tuple_(moment, columns.id) < tuple_(*after))
    with begin(engine) as connection:
        rows, older = cut(connection.execute(query).all(), most)
    return LedgerPage(
        tuple(LedgerLine(row[2], row[3], DeliveryNote(*row[4:])) for row in rows), older
    )


def delivery_counts(engine: Engine, since: datetime) -> dict[tuple[str, str], int]:
    """Counts the lines of the ledger since a moment, by subscriber and event."""
    columns = deliveries.c
    query = (
        select(columns.subscriber, columns.event, func.count())
        .where(columns.at >= since)
        .group_by(columns.subscriber, columns.event)
    )
    with begin(engine) as connection:
        return {(row[0], row[1]): row[2] for row in connection.execute(query)}
