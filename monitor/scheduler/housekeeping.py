"""Removes state that is no longer needed, so that Redis does not grow."""

from __future__ import annotations

from datetime import date, datetime

import structlog

from monitor.config import Config
from monitor.jobs.queues import Queues
from monitor.store import Store

log = structlog.stdlib.get_logger(__name__)


class Housekeeping:
    """Keeps house; the scheduler that leads calls `keep` every few minutes."""

    def __init__(self, store: Store, queues: Queues) -> None:
        self._store = store
        self._queues = queues
        # Seen entries are dated by day, so once a day suffices.
        self._forgot_on: date | None = None

    def keep(self, config: Config, now: datetime) -> None:
        """Removes what has expired at `now`."""
        alerts = self._store.alerts.trim(now)
        self._store.stories.trim(now)
        # By then the alerts of failed deliveries have expired, so these cannot be retried.
        failed = self._queues.forget_failed(now - config.settings.articles.keep)
        self._store.counters.forget_watchlists({each.name for each in config.watchlists})
        entries = feeds = 0
        if self._forgot_on != now.date():
            for feed in config.feeds:
                entries += self._store.feeds.forget_old(feed, now.date())
            feeds = self._store.feeds.forget_removed(config.feeds, now)
            self._forgot_on = now.date()
        log.info(
            "house kept",
            alerts=alerts,
            entries=entries,
            feeds=feeds,
            failed=failed,
        )
