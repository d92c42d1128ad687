"""Looks up past alerts and their deliveries."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select

from monitor.archive.database import begin
from monitor.archive.schema import alerts, articles, deliveries
from monitor.model import DeliveryNote

if TYPE_CHECKING:
    from sqlalchemy import Engine

# Rows that are read at once.
PAGE = 500


def count_articles(engine: Engine) -> int:
    """Returns how many articles the archive holds."""
    with begin(engine) as connection:
        return connection.scalar(select(func.count()).select_from(articles)) or 0


def latest_alerts(
    engine: Engine,
    *,
    since: datetime | None = None,
    watchlists: Collection[str] = (),
    limit: int | None = None,
) -> Iterator[dict[str, Any]]:
    """Yields the documents of alerts (JSON, version 1), newest first."""
    query = select(alerts.c.document).order_by(alerts.c.detected_at.desc(), alerts.c.id)
    if since is not None:
        query = query.where(alerts.c.detected_at >= since)
    if watchlists:
        query = query.where(alerts.c.watchlist.in_(watchlists))
    if limit is not None:
        query = query.limit(limit)
    with begin(engine) as connection:
        yield from connection.scalars(query.execution_options(yield_per=PAGE))


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
