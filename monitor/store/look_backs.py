"""Which watchlists have looked back, in Redis: the summary is told in the same transaction."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from monitor.model import as_json, from_json

if TYPE_CHECKING:
    from redis import Redis
    from redis.client import Pipeline

    from monitor.store.keys import Keys


@dataclass(frozen=True, slots=True)
class LookBackState:
    """When a watchlist was first seen as it is now, and whether it has looked back since."""

    first_seen_at: datetime
    is_done: bool = False


class LookBackStore:
    """The states of watchlists that look back, by the ids of their summaries.

    A state stays when its watchlist is removed or changed, so that a configuration that comes back,
    or differs between two machines for a while, tells no summary twice.
    """

    def __init__(self, redis: Redis, keys: Keys) -> None:
        self._redis = redis
        self._keys = keys

    def states(self, ids: Sequence[str]) -> dict[str, LookBackState]:
        """Returns the states by id; those that were never seen are absent."""
        stored = self._redis.hmget(self._keys.looked_back, list(ids)) if ids else []
        return {
            summary_id: from_json(LookBackState, each)
            for summary_id, each in zip(ids, stored, strict=True)
            if each
        }

    def see(self, summary_id: str, state: LookBackState) -> None:
        """Remembers a state, unless another process has seen the watchlist before."""
        self._redis.hsetnx(self._keys.looked_back, summary_id, as_json(state))

    def finish(self, summary_id: str, alongside: Callable[[Pipeline], None]) -> bool:
        """Marks a look back as done, unless it is already: then returns False.

        `alongside` adds to the same transaction.
        """
        key = self._keys.looked_back
        is_ours = False

        def write(pipe: Pipeline) -> None:
            nonlocal is_ours
            stored = pipe.hget(key, summary_id)
            state = from_json(LookBackState, stored) if stored else None
            pipe.multi()
            is_ours = state is not None and not state.is_done
            if state is not None and is_ours:
                pipe.hset(key, summary_id, as_json(replace(state, is_done=True)))
                alongside(pipe)

        self._redis.transaction(write, key)
        return is_ours
