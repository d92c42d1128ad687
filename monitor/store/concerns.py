"""What operators were told of in Redis, so that nothing is told twice."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from monitor.alerts.concerns import ConcernsState
from monitor.model import from_json
from monitor.store.exchange import exchange

if TYPE_CHECKING:
    from redis import Redis
    from redis.client import Pipeline

    from monitor.store.keys import Keys


class ConcernStore:
    """The store of concerns."""

    def __init__(self, redis: Redis, keys: Keys) -> None:
        self._redis = redis
        self._keys = keys

    def state(self) -> ConcernsState | None:
        """Returns what is known; None if nobody has looked yet."""
        stored = self._redis.get(self._keys.concerns)
        return from_json(ConcernsState, stored) if stored else None

    def change(
        self,
        before: ConcernsState | None,
        after: ConcernsState,
        alongside: Callable[[Pipeline], None],
    ) -> bool:
        """Replaces the state as `exchange` does; `alongside` adds to the same transaction."""
        return exchange(self._redis, self._keys.concerns, before, after, alongside)
