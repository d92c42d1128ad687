"""Makes the reports that are due by mail, of what the archive holds, and enqueues their deliveries.

This runs where the archive is: a file of SQLite is on one machine, while the workers that send mail
may be on others. So the figures travel with the delivery, and a worker makes a mail of them.

Several archive processes may look at once. The state of a report changes in the transaction that
enqueues it, and only for the process that knew the state before: exactly one sends it.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import structlog
from redis.exceptions import RedisError

from monitor.archive.report import read_figures
from monitor.archive_watch import ArchiveWatch
from monitor.errors import ArchiveUnavailable
from monitor.model import Delivery, ReportSchedule
from monitor.reports.letter import report_alert
from monitor.reports.schedule import ReportState, decide, period_of

if TYPE_CHECKING:
    from redis.client import Pipeline

    from monitor.archive.database import Archive
    from monitor.model import Subscriber
    from monitor.runtime.composition import Runtime

EVERY = timedelta(seconds=10)
# What was matched just before a report is due reaches the archive within this time.
SETTLING = timedelta(seconds=10)
# After a fault of ours, so that it does not come again at every look.
RETRY = timedelta(minutes=10)

log = structlog.stdlib.get_logger(__name__)


class ReportsWatch(ArchiveWatch):
    """Looks at every subscriber that has `report`, every `EVERY`."""

    every = EVERY

    def __init__(self, runtime: Runtime) -> None:
        super().__init__(runtime)
        self._failed_at: dict[str, datetime] = {}

    def look(self, engine: Archive, now: datetime) -> None:
        """Makes all reports that are due; one that fails does not hold up the others."""
        for subscriber in self._runtime.config.subscribers:
            failed_at = self._failed_at.get(subscriber.name)
            if subscriber.report is None or (failed_at and now - failed_at < RETRY):
                continue
            try:
                self._look_at(engine, subscriber, subscriber.report, now)
                self._failed_at.pop(subscriber.name, None)
            except (ArchiveUnavailable, RedisError):
                # Every report would fail; the archive tries again.
                raise
            except Exception:
                log.exception("report failed", subscriber=subscriber.name)
                self._failed_at[subscriber.name] = now

    def _look_at(
        self, engine: Archive, subscriber: Subscriber, schedule: ReportSchedule, now: datetime
    ) -> None:
        before = self._runtime.store.reports.state(subscriber.name)
        after, due = decide(before, schedule, now - SETTLING)
        if due is not None:
            self._send(engine, subscriber, schedule, due, (before, after))
        elif after != before:
            self._runtime.store.reports.change(subscriber.name, before, after, lambda _: None)

    def _send(
        self,
        engine: Archive,
        subscriber: Subscriber,
        schedule: ReportSchedule,
        due: datetime,
        states: tuple[ReportState | None, ReportState],
    ) -> None:
        """Makes a report and enqueues its delivery; waits while the archive is behind."""
        oldest = self._runtime.store.unarchived.backlog().oldest
        if oldest is not None and oldest < due:
            return
        watchlists = self._watchlists(subscriber)
        figures = read_figures(engine, period_of(schedule, due), watchlists)
        figures = figures.titled(self._runtime.config.headings)
        alert = report_alert(subscriber.name, schedule, figures, due)
        # It waits for no digest, and joins no other message, as one that was tried already.
        delivery = Delivery(subscriber.name, (alert.id,), released=True, tried=True)

        def alongside(pipe: Pipeline) -> None:
            self._runtime.store.alerts.keep(alert, pipe)
            self._runtime.queues.enqueue_delivery(delivery, pipe)

        if self._runtime.store.reports.change(subscriber.name, *states, alongside):
            log.info(
                "report made",
                subscriber=subscriber.name,
                alert=alert.id,
                due=due.isoformat(),
                articles=figures.articles.now,
            )

    def _watchlists(self, subscriber: Subscriber) -> list[str]:
        """Returns the watchlists whose alerts a subscriber gets; all if it gets none."""
        watchlists = self._runtime.config.watchlists
        own = [each.name for each in watchlists if subscriber.name in each.subscribers]
        return own or [each.name for each in watchlists]
