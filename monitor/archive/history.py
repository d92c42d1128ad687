"""Looks up past alerts and their deliveries."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from heapq import merge
from itertools import islice
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from sqlalchemy import Column, func, select, union

from monitor.alerts.look_back import later_document
from monitor.archive.database import begin
from monitor.archive.schema import alerts, articles, deliveries, matches
from monitor.model import Article, DeliveryNote

if TYPE_CHECKING:
    from sqlalchemy import Engine

# Rows that are read at once.
PAGE = 500
# What is shown of an article.
_SHOWN: list[Column[Any]] = [
    articles.c[name]
    for name in ("id", "url", "title", "source", "feed_url", "authors", "published_at", "language",
                 "text_from", "story", "quality", "paywalled")
]  # fmt: skip


def count_articles(engine: Engine) -> int:
    """Returns how many articles the archive holds."""
    with begin(engine) as connection:
        return connection.scalar(select(func.count()).select_from(articles)) or 0


def has_articles(engine: Engine) -> bool:
    """Returns whether the archive holds any article."""
    with begin(engine) as connection:
        return connection.scalar(select(articles.c.number).limit(1)) is not None


def latest_alerts(
    engine: Engine,
    *,
    since: datetime | None = None,
    watchlists: Collection[str] = (),
    limit: int | None = None,
) -> Iterator[dict[str, Any]]:
    """Yields the documents of alerts (JSON, version 1), and of matches found later, newest first.

    The latter have the form of `look_back.later_document`.
    """
    sent = select(alerts.c.detected_at, alerts.c.document).order_by(
        alerts.c.detected_at.desc(), alerts.c.id
    )
    later = (
        select(matches.c.matched_at, matches.c.watchlist, *_SHOWN)
        .join(articles, articles.c.id == matches.c.article)
        .where(matches.c.later)
        .order_by(matches.c.matched_at.desc(), matches.c.article)
    )
    if since is not None:
        sent = sent.where(alerts.c.detected_at >= since)
        later = later.where(matches.c.matched_at >= since)
    if watchlists:
        sent = sent.where(alerts.c.watchlist.in_(watchlists))
        later = later.where(matches.c.watchlist.in_(watchlists))
    with begin(engine) as connection:
        paged = connection.execution_options(yield_per=PAGE)
        with paged.execute(sent.limit(limit)) as first, paged.execute(later.limit(limit)) as second:
            found = merge(
                ((row.detected_at, row.document) for row in first),
                ((row.matched_at, _later(row)) for row in second),
                key=itemgetter(0),
                reverse=True,
            )
            for _, document in islice(found, limit):
                yield document


def _later(row: Any) -> dict[str, Any]:
    fields = {column.name: getattr(row, column.name) for column in _SHOWN}
    fields["authors"] = tuple(row.authors)
    return later_document(row.watchlist, Article(**fields, text=""), row.matched_at)


def known_watchlists(engine: Engine) -> list[str]:
    """Returns the names of the watchlists that have alerts or matches, also of removed ones."""
    names = union(select(alerts.c.watchlist), select(matches.c.watchlist))
    with begin(engine) as connection:
        return list(connection.scalars(names))


@dataclass(frozen=True, slots=True)
class AlertTally:
    """A watchlist's alerts since a moment, and when its last alert was detected."""

    alerts: int
    last_at: datetime


def tally_alerts(engine: Engine, since: datetime) -> dict[str, AlertTally]:
    """Counts the alerts since a moment of each watchlist that the archive has any alerts of."""
    recent = func.count().filter(alerts.c.detected_at >= since)
    query = select(alerts.c.watchlist, recent, func.max(alerts.c.detected_at)).group_by(
        alerts.c.watchlist
    )
    with begin(engine) as connection:
        return {
            watchlist: AlertTally(count, last_at)
            for watchlist, count, last_at in connection.execute(query)
        }


def find_alerts(engine: Engine, beginning: str, most: int) -> list[dict[str, Any]]:
    """Returns up to `most` documents of alerts whose ids begin like this."""
    query = select(alerts.c.document).where(
        # Ids are hexadecimal. A range is looked up in the index; LIKE alone reads the whole table.
        alerts.c.id.between(beginning, f"{beginning}g"),
        alerts.c.id.startswith(beginning, autoescape=True),
    )
    with begin(engine) as connection:
        return list(connection.scalars(query.limit(most)))


def ledger(engine: Engine, alert_id: str) -> list[DeliveryNote]:
    """Returns the record of an alert's deliveries, oldest first."""
    columns = deliveries.c
    query = (
        select(columns.at, columns.subscriber, columns.channel, columns.event, columns.detail)
        .where(columns.alert == alert_id)
        .order_by(columns.at)
    )
    with begin(engine) as connection:
        return [DeliveryNote(*row) for row in connection.execute(query)]
