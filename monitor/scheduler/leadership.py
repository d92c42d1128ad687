"""Which of several schedulers leads: the one that holds a lock in Redis, and renews it in time."""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta

import structlog
from redis import Redis
from redis.exceptions import LockError, RedisError
from redis.lock import Lock

# A leader renews every second; another takes over this long after the last renewal.
LEASE = timedelta(seconds=10)

log = structlog.stdlib.get_logger(__name__)


class Leadership:
    """The lead, as far as this process has it.

    It has a thread of its own: whatever else waits for Redis or holds a thread, the lead is
    renewed. It is renewed by the event loop's ticks, so a loop that hangs gives up the lead.
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
        # How often this process came to lead. Others may have led in between.
        self.terms = 0

    @property
    def leading(self) -> bool:
        """Whether this process leads: it holds the lock, and no other can have taken it since."""
        return self._holds and time.monotonic() < self._until

    async def renew(self) -> None:
        """Take the lead where it is free, or keep it; raises RedisError."""
        await asyncio.get_running_loop().run_in_executor(self._thread, self._renew)

    def _renew(self) -> None:
        begun = time.monotonic()
        led = self.leading
        try:
            self._holds = bool(self._lock.reacquire() if self._holds else self._lock.acquire())
        except LockError:
            self._holds = False
        self._until = begun + LEASE.total_seconds()
        if self._holds and not led:
            self.terms += 1
        if self._holds != led:
            log.info("scheduler leads" if self._holds else "scheduler waits")

    async def resign(self) -> None:
        """Leave the lead to others at once, as far as Redis can be reached."""
        with suppress(LockError, RedisError):
            if self._holds:
                await asyncio.get_running_loop().run_in_executor(self._thread, self._lock.release)
        self._holds = False
        self._thread.shutdown(wait=False)
