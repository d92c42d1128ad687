"""Elects the leading scheduler: the one that holds a lock in Redis and renews it in time."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta

import structlog
from redis import Redis
from redis.exceptions import LockError, RedisError
from redis.lock import Lock

from monitor.executors import call_in

# A leader renews every second; another takes over this long after the last renewal.
LEASE = timedelta(seconds=10)

log = structlog.stdlib.get_logger(__name__)


class Leadership:
    """The claim of this process to lead.

    A thread of its own renews it, so that other threads that wait for Redis do not delay it. The
    event loop's ticks trigger each renewal, so a loop that hangs loses the lead.
    """

    def __init__(self, redis: Redis, key: str) -> None:
        self._lock = Lock(
            redis,
            key,
            timeout=LEASE.total_seconds(),
            blocking=False,
            thread_local=False,
        )
        self._thread = ThreadPoolExecutor(1, "leadership")
        self._holds = False
        self._until = 0.0
        # How often this process began to lead; others may have led in between.
        self.terms = 0

    @property
    def leading(self) -> bool:
        """Returns whether this process leads: it took the lock, and its lease has not run out."""
        return self._holds and time.monotonic() < self._until

    async def renew(self) -> None:
        """Takes the lead if it is free, or keeps it; raises RedisError."""
        await call_in(self._thread, self._renew)

    def _renew(self) -> None:
        started = time.monotonic()
        was_leading = self.leading
        try:
            self._holds = bool(self._lock.reacquire() if self._holds else self._lock.acquire())
        except LockError:
            self._holds = False
        self._until = started + LEASE.total_seconds()
        if self._holds and not was_leading:
            self.terms += 1
        if self._holds != was_leading:
            log.info("scheduler leads" if self._holds else "scheduler waits")

    async def resign(self) -> None:
        """Releases the lead at once, if Redis can be reached."""
        with suppress(LockError, RedisError):
            if self._holds:
                await call_in(self._thread, self._lock.release)
        self._holds = False
        self._thread.shutdown(wait=False)
