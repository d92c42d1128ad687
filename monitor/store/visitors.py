"""Keeps in Redis what all web processes share about visitors: the session key, failed logins."""

from __future__ import annotations

import secrets
from datetime import timedelta
from typing import TYPE_CHECKING

from monitor.store.replies import text

if TYPE_CHECKING:
    from redis import Redis

    from monitor.store.keys import Keys

# After so many failures from one address within the time, it must wait.
MOST_FAILURES = 10
FAILURES_WITHIN = timedelta(minutes=5)


class VisitorStore:
    """The store of the session key and of failed logins."""

    def __init__(self, redis: Redis, keys: Keys) -> None:
        self._redis = redis
        self._keys = keys

    def session_key(self) -> str:
        """Returns the key that signs sessions; the first call makes it."""
        self._redis.set(self._keys.session_key, secrets.token_hex(32), nx=True)
        return text(self._redis.get(self._keys.session_key) or "")

    def may_log_in(self, address: str) -> bool:
        """Returns whether an address has not failed too often lately."""
        failures = self._redis.get(self._keys.failed_logins(address))
        return int(failures or 0) < MOST_FAILURES

    def login_failed(self, address: str) -> None:
        """Counts a failed login; the count expires as a whole, from the first failure on."""
        key = self._keys.failed_logins(address)
        with self._redis.pipeline() as pipe:
            pipe.set(key, 0, ex=FAILURES_WITHIN, nx=True)
            pipe.incr(key)
            pipe.execute()
