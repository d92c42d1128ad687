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
from monitor.store.hosts import (
    HOST_LINE,
    HOST_STATE,
    POLL,
    POLL_WAS_LAST,
    POLL_WAS_LAST_S,
    POLLS_WAIT,
    POLLS_WAIT_S,
)

if TYPE_CHECKING:
    from redis import Redis

    from monitor.store.keys import Keys

# A scheduler claims a feed for this time, and renews the claim while it polls the feed.
LEASE = timedelta(seconds=30)

NOT_DUE, HOST_BUSY, HOST_CLOSED = 0, 1, 2
# One atomic step for all candidates. Answers for each, until enough are claimed: the feed's state
# if it is claimed, else why not. A feed whose host is left alone comes due at the end of that.
_CLAIM = f"""{HOST_STATE}
local now, lease_end = tonumber(ARGV[1]), ARGV[2]
local per_host, in_all, wanted = tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])

-- Claims a feed if its host has a place for it; answers as above.
local function claim(feed, host, state_key, line)
  local state = state_of(host, now)
  if state.closed > 0 then
    redis.call('ZADD', KEYS[1], moment(now + state.closed), feed)
    return {HOST_CLOSED}
  end
  if state.polls >= per_host then return {HOST_BUSY} end
  local is_last = state.busy == in_all - 1
  local pages_wait = is_last and state.start <= now and redis.call('EXISTS', line) == 1
  if state.busy >= in_all or (pages_wait and state.poll_was_last) then
    if not state.polls_wait then
      redis.call('ZADD', host, moment(now + {POLLS_WAIT_S}), '{POLLS_WAIT}')
      keep(host, state, now, now + {POLLS_WAIT_S})
    end
    return {HOST_BUSY}
  end
  -- A place whose lease has ended is taken again with its feed, or expires with the key.
  redis.call('ZADD', KEYS[1], lease_end, feed)
  redis.call('ZADD', host, lease_end, '{POLL}' .. feed)
  if pages_wait then
    redis.call('ZADD', host, moment(now + {POLL_WAS_LAST_S}), '{POLL_WAS_LAST}')
  end
  if state.polls_wait then redis.call('ZREM', host, '{POLLS_WAIT}') end
  keep(host, state, now, math.max(tonumber(lease_end), pages_wait and now + {POLL_WAS_LAST_S} or 0))
  wanted = wanted - 1
  return redis.call('GET', state_key) or ''
end

local answers = {{}}
for number = 6, #ARGV do
  if wanted == 0 then break end
  local feed, first = ARGV[number], 3 * (number - 5) - 1
  local due = redis.call('ZSCORE', KEYS[1], feed)
  local answer = {NOT_DUE}
  if due and tonumber(due) <= now then
    answer = claim(feed, KEYS[first], KEYS[first + 1], KEYS[first + 2])
  end
  answers[#answers + 1] = answer
end
return answers
"""
# Keeps the places of requests to one host that were not left.
_KEEP = """
for number = 2, #ARGV do
  if redis.call('ZSCORE', KEYS[1], ARGV[number]) then
    redis.call('ZADD', KEYS[1], ARGV[1], ARGV[number])
  end
end
local last = redis.call('ZRANGE', KEYS[1], -1, -1, 'WITHSCORES')[2]
if last then redis.call('EXPIREAT', KEYS[1], math.ceil(last) + 1) end
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

    NOT_DUE = NOT_DUE
    HOST_BUSY = HOST_BUSY
    HOST_CLOSED = HOST_CLOSED


@dataclass(frozen=True, slots=True)
class Place:
    """A feed, and the host at which its poll takes a place, or what shares a budget with it."""

    feed_id: str
    host: str


class ClaimStore:
    """Claims feeds that are due, and places at their hosts, for a lease."""

    def __init__(self, redis: Redis, keys: Keys) -> None:
        self._redis = redis
        self._keys = keys
        self._claim = redis.register_script(_CLAIM)
        self._move = redis.register_script(_MOVE)
        self._keep = redis.register_script(_KEEP)
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
        in_all: int | None = None,
    ) -> list[FeedState | Refusal]:
        """Claims up to `wanted` of these feeds, each of them unless its host is busy, `until` then.

        A host is busy with `per_host` polls, or with `in_all` requests for feeds and pages.

        Returns the state of each feed that is claimed, and why each other is refused; the answers
        end where enough are claimed.
        """
        if not candidates:
            return []
        keys = [self._keys.due]
        for place in candidates:
            keys += (
                self._keys.host(place.host),
                self._keys.feed(place.feed_id),
                self._keys.line(HOST_LINE + place.host),
            )
        feed_ids = (place.feed_id for place in candidates)
        limits = (per_host, in_all or per_host, wanted)
        arguments: list[str | int] = [_stamp(now), _stamp(until), *limits, *feed_ids]
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
        hosts: dict[str, list[str]] = {}
        for place in places:
            hosts.setdefault(place.host, []).append(POLL + place.feed_id)
        for host, members in hosts.items():
            self._keep(keys=[self._keys.host(host)], args=[_stamp(until), *members])

    def leave(self, places: Iterable[Place]) -> None:
        """Frees places at hosts; the next page in a host's line may be asked for."""
        now = datetime.now(UTC).timestamp()
        with self._redis.pipeline(transaction=False) as pipe:
            for place in places:
                pipe.zrem(self._keys.host(place.host), POLL + place.feed_id)
                pipe.zadd(self._keys.turns, {HOST_LINE + place.host: now}, xx=True, lt=True)
            pipe.execute()


def _stamp(moment: datetime) -> str:
    """Returns a moment as epoch seconds, exact to the microsecond."""
    return f"{moment.timestamp():.6f}"
