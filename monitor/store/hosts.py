"""Politeness towards hosts, kept across all workers: how many requests at once, and how close."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from redis import Redis

    from monitor.store.keys import Keys

# One atomic step: who comes first gets a moment, keeps it however often it asks, and starts then
# unless too many requests are under way.
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


class HostStore:
    """The hosts' part of the store."""

    def __init__(self, redis: Redis, keys: Keys) -> None:
        self._redis = redis
        self._keys = keys
        self._enter = redis.register_script(_ENTER)

    def enter(
        self,
        host: str,
        holder: str,
        *,
        at_once: int,
        delay: timedelta,
        lease: timedelta,
        now: datetime,
    ) -> float:
        """Ask to send `holder`'s request to a host: seconds to wait before asking again, or 0.

        After 0 the request counts as under way until `leave`, or until `lease` has passed.
        """
        waiting = self._enter(
            keys=[
                self._keys.host_next(host),
                self._keys.host_slot(host, holder),
                self._keys.host_busy(host),
            ],
            args=[now.timestamp(), delay.total_seconds(), at_once, lease.total_seconds(), holder],
        )
        return float(waiting)

    def leave(self, host: str, holder: str) -> None:
        """Say that `holder`'s request is over."""
        self._redis.zrem(self._keys.host_busy(host), holder)

    def hold(self, host: str, pause: timedelta) -> None:
        """Leave a host alone for so long, as it has asked us to."""
        longer = int(pause.total_seconds() * 1000)
        if longer > self._redis.pttl(self._keys.host_held(host)):
            self._redis.set(self._keys.host_held(host), "1", px=longer)

    def held(self, host: str) -> float:
        """For how many seconds a host is still to be left alone, or 0."""
        return max(0, self._redis.pttl(self._keys.host_held(host))) / 1000
