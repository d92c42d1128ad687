"""What is muted, in Redis: all processes share it."""

from __future__ import annotations

import time
from datetime import datetime
from typing import TYPE_CHECKING

from monitor.alerts.mutes import Mute
from monitor.model import as_json, from_json

if TYPE_CHECKING:
    from redis import Redis

    from monitor.store.keys import Keys

# A mute takes effect in every worker within this time. Asking Redis for each article costs more.
FRESH_S = 2.0


class MuteStore:
    """The store of mutes. There are few: people make each of them by hand."""

    def __init__(self, redis: Redis, keys: Keys) -> None:
        self._redis = redis
        self._keys = keys
        self._latest: list[Mute] = []
        self._read_at: float | None = None

    def all(self, now: datetime) -> list[Mute]:
        """Returns the mutes that have not ended, the newest first."""
        mutes = (from_json(Mute, stored) for stored in self._redis.hvals(self._keys.mutes))
        holding = [mute for mute in mutes if mute.holds(now)]
        return sorted(holding, key=lambda mute: (mute.since, mute.id), reverse=True)

    def latest(self, now: datetime) -> list[Mute]:
        """Returns the mutes as they were at most `FRESH_S` ago."""
        if self._read_at is None or time.monotonic() - self._read_at >= FRESH_S:
            self._latest, self._read_at = self.all(now), time.monotonic()
        return self._latest

    def add(self, mute: Mute) -> None:
        """Adds a mute, or replaces the one with the same id. Forgets those that have ended."""
        ended = [
            mute_id
            for mute_id, stored in self._redis.hgetall(self._keys.mutes).items()
            if not from_json(Mute, stored).holds(mute.since)
        ]
        with self._redis.pipeline() as pipe:
            if ended:
                pipe.hdel(self._keys.mutes, *ended)
            pipe.hset(self._keys.mutes, mute.id, as_json(mute))
            pipe.execute()

    def remove(self, mute_id: str) -> bool:
        """Removes a mute; returns whether it was there."""
        return bool(self._redis.hdel(self._keys.mutes, mute_id))
