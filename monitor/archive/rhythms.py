"""Reads from the archive when watchlists alerted, and how well feeds' articles were read."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import BigInteger, Float, func, select, type_coerce

from monitor.alerts.concerns import Readings
from monitor.archive.browse import DAY_MS
from monitor.archive.database import begin
from monitor.archive.schema import alerts, articles

if TYPE_CHECKING:
    from sqlalchemy import Engine


def alert_days(engine: Engine, since: datetime) -> dict[str, set[int]]:
    """Returns the days since a moment on which each watchlist alerted, in UTC since the epoch."""
    day = (type_coerce(alerts.c.detected_at, BigInteger) // DAY_MS).label("day")
    query = select(alerts.c.watchlist, day).where(alerts.c.detected_at >= since).distinct()
    days: dict[str, set[int]] = {}
    with begin(engine) as connection:
        for watchlist, number in connection.execute(query):
            days.setdefault(watchlist, set()).add(int(number))
    return days


def readings(engine: Engine, since: datetime, until: datetime) -> dict[str, Readings]:
    """Returns how the articles of a time were read, by the feeds' addresses as they are shown."""
    whole = func.count().filter(articles.c.quality == "full", articles.c.text_from == "page")
    # Compressed, which is enough to compare.
    size = type_coerce(func.avg(func.length(articles.c.text)), Float)
    query = (
        select(articles.c.feed_url, func.count(), whole, size)
        .where(articles.c.found_at >= since, articles.c.found_at < until)
        .group_by(articles.c.feed_url)
    )
    with begin(engine) as connection:
        return {
            url: Readings(count, full, float(mean or 0))
            for url, count, full, mean in connection.execute(query)
        }
