"""Limits how many requests go to one destination at once, and how far apart they start.

A destination is a subscriber or a Slack channel. The limits hold across all workers. Pages wait for
their hosts in lines instead (`monitor.jobs.lines`).
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from redis import Redis

    from monitor.store.keys import Keys

# One atomic step: a request is given the next free moment, keeps it however often it asks, and
# starts then unless too many requests are under way.
_ENTER = """
local now, delay = tonumber(ARGV[1]), tonumber(ARGV[2])
local limit, lease, holder = tonumber(ARGV[3]), tonumber(ARGV[4]), ARGV[5]
local slot = tonumber(redis.call('GET', KEYS[2]) or '')
if not slot then
  slot = math.max(now, tonumber(redis.call('GET', KEYS[1]) or '0'))
  local life = math.ceil(slot - now + delay + lease)
  redis.call('SET', KEYS[1], string.format('%.6f', slot + delay), 'EX', life)
  redis.call('SET', KEYS[2], string.format('%.6f', slot), 'EX', life + 600)
end
if slot > now then return string.format('%.3f', math.max(slot - now, 0.001)) end
redis.call('ZREMRANGEBYSCORE', KEYS[3], '-inf', now)
if redis.call('ZCARD', KEYS[3]) >= limit then return '0.250' end
redis.call('ZADD', KEYS[3], now + lease, holder)
redis.call('EXPIRE', KEYS[3], math.ceil(lease) + 1)
redis.call('DEL', KEYS[2])
return '0'
"""


class Turnstile:
    """Lets requests through to their destinations one after another, or some at once."""

    def __init__(self, redis: Redis, keys: Keys) -> None:
        self._redis = redis
        self._keys = keys
        self._enter = redis.register_script(_ENTER)

    def enter(
        self,
        destination: str,
        holder: str,
        *,
        at_once: int,
        delay: timedelta,
        lease: timedelta,
        now: datetime,
    ) -> float:
        """Asks to send `holder`'s request; returns how many seconds to wait before asking again.

        Returns 0 if the request may start: it is then under way until `leave` or for `lease`. At
        most `at_once` requests are under way, and they start at least `delay` apart.
        """
        wait_s = self._enter(
            keys=[
                self._keys.turnstile_next(destination),
                self._keys.turnstile_slot(destination, holder),
                self._keys.turnstile_busy(destination),
            ],
            args=[now.timestamp(), delay.total_seconds(), at_once, lease.total_seconds(), holder],
        )
        return float(wait_s)

    def leave(self, destination: str, holder: str) -> None:
        """Ends `holder`'s request."""
        self._redis.zrem(self._keys.turnstile_busy(destination), holder)
