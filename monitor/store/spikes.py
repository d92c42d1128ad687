"""What is remembered of watchlists' spikes in Redis, so that nothing is told twice."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from monitor.alerts.spikes import SpikeState
from monitor.model import as_json, from_json

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
        """Replaces a state, unless another process did: then returns False, and changes nothing.

        `alongside` adds to the same transaction.
        """
        key = self._keys.spike(watchlist)
        is_ours = False

        def write(pipe: Pipeline) -> None:
            nonlocal is_ours
            stored = pipe.get(key)
            is_ours = (from_json(SpikeState, stored) if stored else None) == before
            pipe.multi()
            if is_ours:
                pipe.set(key, as_json(after))
                alongside(pipe)

        self._redis.transaction(write, key)
        return is_ours
