"""What is remembered of reports by mail in Redis, so that none is sent twice."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from monitor.model import from_json
from monitor.reports.schedule import ReportState
from monitor.store.exchange import exchange

if TYPE_CHECKING:
    from redis import Redis
    from redis.client import Pipeline

    from monitor.store.keys import Keys


class ReportStore:
    """The store of reports' states, one for each subscriber that has `report`."""

    def __init__(self, redis: Redis, keys: Keys) -> None:
        self._redis = redis
        self._keys = keys

    def state(self, subscriber: str) -> ReportState | None:
        """Returns the state of a subscriber's report; None if it was never looked at."""
        stored = self._redis.get(self._keys.report(subscriber))
        return from_json(ReportState, stored) if stored else None

    def change(
        self,
        subscriber: str,
        before: ReportState | None,
        after: ReportState,
        alongside: Callable[[Pipeline], None],
    ) -> bool:
        """Replaces a state as `exchange` does; `alongside` adds to the same transaction."""
        return exchange(self._redis, self._keys.report(subscriber), before, after, alongside)
