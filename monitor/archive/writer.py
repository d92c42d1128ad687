"""Writes what happened into the archive, and forgets what is old."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Engine, delete, func, select

from monitor.archive.database import begin, give_way
from monitor.archive.rows import rows_of, store, unindex
from monitor.archive.schema import alerts, articles, deliveries, marks, matches
from monitor.coverage import Record
from monitor.errors import ArchiveRefusal

# How many rows are deleted in one transaction: others write in between.
FORGET_AT_ONCE = 200

# Deletes at most so many of the rows that are older than a moment; returns how many it deleted.
Forget = Callable[[Connection, datetime, int], int]


@dataclass(frozen=True, slots=True)
class Refused:
    """A record that cannot be written, and why."""

    record: Record
    reason: str


class Writer:
    """Writes to an archive; each thread or process may have one of its own."""

    def __init__(self, engine: Engine) -> None:
        """Writes to an archive that `database.open_archive` opened."""
        self._engine = engine

    def write(self, records: Sequence[Record]) -> list[Refused]:
        """Writes records in one transaction, and returns those that cannot be written.

        To write a record again changes nothing. If a record is refused, the others are written in
        smaller transactions. Raises ArchiveUnavailable if the database is at fault: what was
        written before is then safe to write again.
        """
        if not records:
            return []
        try:
            rows = rows_of(records)
            with begin(self._engine) as connection:
                store(connection, rows)
        except (
            ArchiveRefusal,
            AttributeError,
            KeyError,
            TypeError,
            ValueError,
            OverflowError,
        ) as e:
            if len(records) == 1:
                return [Refused(records[0], f"{type(e).__name__}: {e}")]
            half = len(records) // 2
            return self.write(records[:half]) + self.write(records[half:])
        return []

    def forget(self, before: datetime, limit: int) -> int:
        """Deletes the oldest articles found before a moment, at most `limit`, with their matches.

        Then deletes alerts and deliveries that are older than that moment and all articles left, at
        most `limit` of each. Returns how many articles, alerts and deliveries were deleted; 0 if
        there was nothing to delete.
        """
        deleted = self._in_batches(_forget_articles, before, limit)
        with begin(self._engine) as connection:
            oldest = connection.execute(select(func.min(articles.c.found_at))).scalar()
        until = before if oldest is None else min(before, oldest)
        deleted += self._in_batches(_forget_alerts, until, limit)
        return deleted + self._in_batches(_forget_deliveries, until, limit)

    def _in_batches(self, forget: Forget, before: datetime, limit: int) -> int:
        deleted = 0
        while deleted < limit:
            at_once = min(FORGET_AT_ONCE, limit - deleted)
            with begin(self._engine) as connection:
                count = forget(connection, before, at_once)
            deleted += count
            if count < at_once:
                break
            give_way(self._engine)
        return deleted


def _forget_articles(connection: Connection, before: datetime, limit: int) -> int:
    oldest = connection.execute(
        select(articles.c.number, articles.c.id, articles.c.joined)
        .where(articles.c.found_at < before)
        .order_by(articles.c.found_at)
        .limit(limit)
    ).all()
    if connection.dialect.name == "sqlite":
        unindex(connection, [(row.number, row.joined) for row in oldest])
    connection.execute(delete(matches).where(matches.c.article.in_([row.id for row in oldest])))
    connection.execute(
        delete(articles).where(articles.c.number.in_([row.number for row in oldest]))
    )
    return len(oldest)


def _forget_alerts(connection: Connection, before: datetime, limit: int) -> int:
    old = select(alerts.c.id).where(alerts.c.detected_at < before)
    oldest = old.order_by(alerts.c.detected_at).limit(limit)
    connection.execute(delete(marks).where(marks.c.alert.in_(oldest)))
    return connection.execute(delete(alerts).where(alerts.c.id.in_(oldest))).rowcount


def _forget_deliveries(connection: Connection, before: datetime, limit: int) -> int:
    old = select(deliveries.c.id).where(deliveries.c.at < before)
    oldest = old.order_by(deliveries.c.at).limit(limit)
    return connection.execute(delete(deliveries).where(deliveries.c.id.in_(oldest))).rowcount
