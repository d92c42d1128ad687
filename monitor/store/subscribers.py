"""Subscribers in Redis: held alerts, failures and pauses, message limits, threads."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Self

from monitor.model import (
    Limit,
    SubscriberState,
    as_json,
    content_id,
    from_json,
)
from monitor.store.replies import text

if TYPE_CHECKING:
    from redis import Redis
    from redis.client import Pipeline

    from monitor.store.keys import Keys

# Marks a member of the held alerts as a message that was tried.
_TRIED = "tried:"

# One atomic step: a delivery that has a place keeps it; another takes a free place, or learns how
# many seconds remain until one is free.
_RESERVE = """
local now, per, most, holder = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), ARGV[4]
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - per)
if redis.call('ZSCORE', KEYS[1], holder) then return '0' end
if redis.call('ZCARD', KEYS[1]) >= most then
  local first = redis.call('ZRANGE', KEYS[1], -most, -most, 'WITHSCORES')
  return string.format('%.3f', math.max(first[2] + per - now, 0.001))
end
redis.call('ZADD', KEYS[1], now, holder)
redis.call('EXPIRE', KEYS[1], math.ceil(per) + 1)
return '0'
"""


@dataclass(frozen=True, slots=True)
class Held:
    """A held alert, or the alerts of a message that was `tried` and must stay unchanged."""

    alerts: tuple[str, ...]
    tried: bool = False

    @classmethod
    def from_member(cls, member: str) -> Self:
        """Parses a member of the sorted set."""
        head, mark, ids = member.rpartition(_TRIED)
        return cls(tuple(ids.split(",")), tried=True) if mark and not head else cls((member,))

    @property
    def member(self) -> str:
        """Returns the member of the sorted set."""
        return f"{_TRIED}{','.join(self.alerts)}" if self.tried else self.alerts[0]


@dataclass(frozen=True, slots=True)
class ChatThread:
    """The first message about a story in a chat: its place, and the alert that it shows."""

    channel: str
    message: str
    alert: Mapping[str, Any]


def _nothing(_: SubscriberState, __: SubscriberState, ___: Pipeline) -> None:
    """Adds nothing to a transaction."""


class SubscriberStore:
    """The store of subscribers."""

    def __init__(self, redis: Redis, keys: Keys, keep: timedelta) -> None:
        self._redis = redis
        self._keys = keys
        self._keep = keep
        self._reserve = redis.register_script(_RESERVE)

    # Held alerts.

    def hold(self, subscriber: str, releases: Mapping[Held, datetime], pipe: Pipeline) -> None:
        """Holds alerts for a subscriber until their release times, in the transaction."""
        scores = {held.member: moment.timestamp() for held, moment in releases.items()}
        pipe.zadd(self._keys.held(subscriber), scores)
        pipe.sadd(self._keys.holding, subscriber)

    def holding(self) -> list[str]:
        """Returns the names of subscribers for whom alerts are, or lately were, held."""
        return sorted(text(name) for name in self._redis.smembers(self._keys.holding))

    def held(self, subscriber: str) -> int:
        """Returns how many alerts are held for a subscriber."""
        members = self._redis.zrange(self._keys.held(subscriber), 0, -1)
        return sum(len(Held.from_member(text(member)).alerts) for member in members)

    def take(
        self,
        subscriber: str,
        until: datetime | None,
        limit: int,
        hand_over: Callable[[list[Held], Pipeline], None],
    ) -> list[Held]:
        """Takes at most `limit` held alerts or messages that are due, and hands them over.

        Those that are due first are taken first; without `until`, all are due. `hand_over` adds to
        the same transaction.
        """
        key = self._keys.held(subscriber)
        taken: list[Held] = []

        def move(pipe: Pipeline) -> None:
            latest = until.timestamp() if until else "+inf"
            members = pipe.zrangebyscore(key, "-inf", latest, start=0, num=limit)
            taken[:] = (Held.from_member(text(member)) for member in members)
            remaining = int(pipe.zcard(key)) - len(taken)
            pipe.multi()
            if not remaining:
                pipe.srem(self._keys.holding, subscriber)
            if taken:
                pipe.zrem(key, *members)
                hand_over(taken, pipe)

        self._redis.transaction(move, key)
        return taken

    def hasten(self, subscriber: str, latest: datetime) -> None:
        """Brings forward to `latest` the held alerts that would be released later."""
        key, score = self._keys.held(subscriber), latest.timestamp()
        late = self._redis.zrangebyscore(key, f"({score}", "+inf")
        if late:
            # `xx` does not bring back what another process has taken in the meantime.
            self._redis.zadd(key, dict.fromkeys(map(text, late), score), xx=True, lt=True)

    def gathering_since(self, subscriber: str, every: timedelta, now: datetime) -> datetime:
        """Returns when the digest by interval began that an alert of now belongs to."""
        key = self._keys.gathering(subscriber)
        self._redis.set(key, now.timestamp(), nx=True, px=every)
        stored = self._redis.get(key)
        return datetime.fromtimestamp(float(stored), UTC) if stored else now

    def reserve(self, subscriber: str, delivery: str, limit: Limit, now: datetime) -> timedelta:
        """Takes a place under the limit for a delivery; returns how long to wait if none is free.

        A delivery that has a place keeps it, however often it asks.
        """
        wait = self._reserve(
            keys=[self._keys.sent(subscriber)],
            args=[now.timestamp(), limit.per.total_seconds(), limit.most, delivery],
        )
        return timedelta(seconds=float(wait))

    def give_back(self, subscriber: str, delivery: str, pipe: Pipeline) -> None:
        """Frees the place of a delivery that sends nothing for now, in the transaction."""
        pipe.zrem(self._keys.sent(subscriber), delivery)

    # Failures and pauses.

    def state(self, subscriber: str) -> SubscriberState:
        """Returns the failures since the last success, and the pause that they led to."""
        stored = self._redis.get(self._keys.subscriber(subscriber))
        return from_json(SubscriberState, stored) if stored else SubscriberState()

    def change(
        self,
        subscriber: str,
        decide: Callable[[SubscriberState], SubscriberState],
        alongside: Callable[[SubscriberState, SubscriberState, Pipeline], None] = _nothing,
    ) -> SubscriberState:
        """Replaces the state by what `decide` returns for it; returns the new state.

        `alongside` gets the old and the new state, and adds to the same transaction.
        """
        key = self._keys.subscriber(subscriber)
        decided = SubscriberState()

        def write(pipe: Pipeline) -> None:
            nonlocal decided
            stored = pipe.get(key)
            previous = from_json(SubscriberState, stored) if stored else SubscriberState()
            decided = decide(previous)
            pipe.multi()
            pipe.set(key, as_json(decided), ex=self._keep)
            alongside(previous, decided, pipe)

        self._redis.transaction(write, key)
        return decided

    def recovered(self, subscriber: str, pipe: Pipeline) -> None:
        """Forgets the failures of a subscriber that has accepted a message, in the transaction."""
        pipe.delete(self._keys.subscriber(subscriber))

    # Deliveries.

    def thread(self, subscriber: str, story_id: str) -> ChatThread | None:
        """Returns the first message that a subscriber was sent about a story, or None."""
        stored = self._redis.get(self._keys.thread(content_id(subscriber, story_id)))
        return ChatThread(**json.loads(stored)) if stored else None

    def start_thread(self, subscriber: str, story_id: str, thread: ChatThread) -> None:
        """Stores the first message that a subscriber was sent about a story."""
        value = {"channel": thread.channel, "message": thread.message, "alert": thread.alert}
        key = self._keys.thread(content_id(subscriber, story_id))
        self._redis.set(key, json.dumps(value), ex=self._keep)
