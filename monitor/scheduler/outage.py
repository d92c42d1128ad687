"""Logs that Redis fails as an error once, not at every attempt."""

from __future__ import annotations

import structlog
from redis.exceptions import RedisError

log = structlog.stdlib.get_logger(__name__)


class RedisOutage:
    """Knows whether Redis fails at present."""

    def __init__(self) -> None:
        self._failing = False

    def failed(self, error: RedisError, *, repeated: bool = False, **context: str) -> None:
        """Logs a failure, at debug level if it is `repeated` or others were logged already."""
        level = log.debug if repeated or self._failing else log.error
        level("redis failed", error=str(error), **context)
        self._failing = True

    def ended(self) -> None:
        """Notes that Redis answers."""
        if self._failing:
            log.info("redis answers again")
            self._failing = False
