"""What is remembered of watchlists' spikes in Redis, so that nothing is told twice."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from monitor.alerts.spikes import SpikeState
from monitor.model import from_json
from monitor.store.exchange import exchange

if TYPE_CHECKING:
    from redis import Redis
    from redis.client import Pipeline

    from monitor.store.keys import Keys


class SpikeStore:
    """The store of spikes' states, one for each watchlist that has `spike`."""

    def __init__(self, redis: Redis, keys: Keys) -> None:
        self._redis = redis
        self._keys = keys

    def state(self, watchlist: str) -> SpikeState | None:
        """Returns the state of a watchlist; None if it was never looked at."""
        stored = self._redis.get(self._keys.spike(watchlist))
        return from_json(SpikeState, stored) if stored else None

    def change(
        self,
        watchlist: str,
        before: SpikeState | None,
        after: SpikeState,
        alongside: Callable[[Pipeline], None],
    ) -> bool:
        """Replaces a state as `exchange` does; `alongside` adds to the same transaction."""
        return exchange(self._redis, self._keys.spike(watchlist), before, after, alongside)
