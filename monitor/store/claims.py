"""Lets any number of schedulers share the polling: each claims feeds for the time of a lease.

A claim moves the feed's due time to the end of the lease. So a feed whose scheduler is killed comes
due again by itself, and one that is claimed is not due for anybody else. A claim also takes one of
the few places at the feed's host, until it is left or the lease ends.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import TYPE_CHECKING

from monitor.model import FeedState
from monitor.store.feeds import as_state

if TYPE_CHECKING:
    from redis import Redis

    from monitor.store.keys import Keys

# A scheduler claims a feed for this time, and renews the claim while it polls the feed.
LEASE = timedelta(seconds=30)

# One atomic step for all candidates. Answers for each, until enough are claimed: the feed's state
# if it is claimed, 1 if its host has no place, 0 if it is not due (any more).
_CLAIM = """
local now, lease_end = tonumber(ARGV[1]), ARGV[2]
local per_host, wanted = tonumber(ARGV[3]), tonumber(ARGV[4])
local answers = {}
for number = 5, #ARGV do
  if wanted == 0 then break end
  local feed, busy, state = ARGV[number], KEYS[2 * number - 8], KEYS[2 * number - 7]
  local due = redis.call('ZSCORE', KEYS[1], feed)
  local answer = 0
  if due and tonumber(due) <= now then
    -- A place whose lease has ended is taken again with its feed, or expires with the key.
    if redis.call('ZCOUNT', busy, '(' .. ARGV[1], '+inf') < per_host then
      redis.call('ZADD', KEYS[1], lease_end, feed)
      redis.call('ZADD', busy, lease_end, feed)
      redis.call('EXPIREAT', busy, math.ceil(tonumber(lease_end)) + 1)
      answer = redis.call('GET', state) or ''
      wanted = wanted - 1
    else
      answer = 1
    end
  end
  answers[#answers + 1] = answer
end
return answers
"""
# Makes a feed due now unless it comes due, or its lease ends, before long.
_HASTEN = """
local due = redis.call('ZSCORE', KEYS[1], ARGV[1])
if not due or tonumber(due) <= tonumber(ARGV[3]) then return 0 end
redis.call('ZADD', KEYS[1], ARGV[2], ARGV[1])
return 1
"""
# Moves the due times of the feeds that are still ours, that is, due when our lease ends. Answers
# for each whether it was.
_MOVE = """
local answers = {}
for number = 1, #ARGV, 3 do
  local due = redis.call('ZSCORE', KEYS[1], ARGV[number])
  local is_ours = due and tonumber(due) == tonumber(ARGV[number + 1])
  if is_ours then redis.call('ZADD', KEYS[1], ARGV[number + 2], ARGV[number]) end
  answers[#answers + 1] = is_ours and 1 or 0
end
return answers
"""


class Refusal(Enum):
    """The reason why a feed could not be claimed."""

    NOT_DUE = 0
    HOST_BUSY = 1


@dataclass(frozen=True, slots=True)
class Place:
    """A feed, and the host at which its poll takes a place."""

    feed_id: str
    host: str


class ClaimStore:
    """Claims feeds that are due, and places at their hosts, for a lease."""

    def __init__(self, redis: Redis, keys: Keys) -> None:
        self._redis = redis
        self._keys = keys
        self._claim = redis.register_script(_CLAIM)
        self._move = redis.register_script(_MOVE)
        self._hasten = redis.register_script(_HASTEN)

    def now(self) -> datetime:
        """Returns the time by Redis's clock; it decides when a lease ends."""
        seconds, microseconds = self._redis.time()
        return datetime.fromtimestamp(seconds + microseconds / 1_000_000, UTC)

    def claim(
        self,
        candidates: Sequence[Place],
        wanted: int,
        *,
        per_host: int,
        now: datetime,
        until: datetime,
    ) -> list[FeedState | Refusal]:
        """Claims up to `wanted` of these feeds, each of them unless its host is busy, `until` then.

        Returns the state of each feed that is claimed, and why each other is refused; the answers
        end where enough are claimed.
        """
        if not candidates:
            return []
        keys = [self._keys.due]
        for place in candidates:
            keys += (self._keys.polls(place.host), self._keys.feed(place.feed_id))
        feed_ids = (place.feed_id for place in candidates)
        arguments: list[str | int] = [_stamp(now), _stamp(until), per_host, wanted, *feed_ids]
        answers = self._claim(keys=keys, args=arguments)
        return [
            Refusal(answer) if isinstance(answer, int) else as_state(answer) for answer in answers
        ]

    def move(self, leases: Mapping[str, tuple[datetime, datetime]]) -> set[str]:
        """Moves the ends of leases (feed id → old and new end); returns the feeds still claimed.

        A feed that others have claimed, or that left the configuration, is left as it is.
        """
        arguments: list[str] = []
        for feed_id, (old, new) in leases.items():
            arguments += (feed_id, _stamp(old), _stamp(new))
        answers = self._move(keys=[self._keys.due], args=arguments)
        return {feed_id for feed_id, is_ours in zip(leases, answers, strict=True) if is_ours}

    def hasten(self, feed_id: str, now: datetime) -> bool:
        """Makes a feed due now, so that a scheduler polls it; returns whether it was due later.

        A feed that is being polled, or comes due within `LEASE` anyway, is left as it is, and so is
        one that is not scheduled.
        """
        soon = _stamp(now + LEASE)
        return bool(self._hasten(keys=[self._keys.due], args=[feed_id, _stamp(now), soon]))

    def keep_places(self, places: Iterable[Place], until: datetime) -> None:
        """Keeps places at hosts until then, except those that were left."""
        with self._redis.pipeline(transaction=False) as pipe:
            for place in places:
                busy = self._keys.polls(place.host)
                pipe.zadd(busy, {place.feed_id: _stamp(until)}, xx=True)
                pipe.expireat(busy, int(until.timestamp()) + 2)
            pipe.execute()

    def leave(self, places: Iterable[Place]) -> None:
        """Frees places at hosts."""
        with self._redis.pipeline(transaction=False) as pipe:
            for place in places:
                pipe.zrem(self._keys.polls(place.host), place.feed_id)
            pipe.execute()


def _stamp(moment: datetime) -> str:
    """Returns a moment as epoch seconds, exact to the microsecond."""
    return f"{moment.timestamp():.6f}"
