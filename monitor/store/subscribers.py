"""Subscribers in Redis: what they are owed but not yet sent, how they fare, what they were sent."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Self

from monitor.model import (
    DeliveryNote,
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

# An alert that is tried again and again has a ledger that ends somewhere.
MOST_NOTES = 200
# Begins the member of the held alerts that is a message.
_TRIED = "tried:"

# One atomic step: who has a place keeps it, who has none gets one or hears when one is free.
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
    """What is held: an alert, or the alerts of a message that was `tried` and stays as it is."""

    alerts: tuple[str, ...]
    tried: bool = False

    @classmethod
    def from_member(cls, member: str) -> Self:
        """Read a member of the sorted set back."""
        head, mark, ids = member.rpartition(_TRIED)
        return cls(tuple(ids.split(",")), tried=True) if mark and not head else cls((member,))

    @property
    def member(self) -> str:
        """The member of the sorted set that stands for it."""
        return f"{_TRIED}{','.join(self.alerts)}" if self.tried else self.alerts[0]


@dataclass(frozen=True, slots=True)
class Thread:
    """The first message about a story in a chat: where it stands, and the alert it shows."""

    channel: str
    message: str
    alert: Mapping[str, Any]


def _nothing(_: SubscriberState, __: SubscriberState, ___: Pipeline) -> None:
    """Change a state and no more."""


class SubscriberStore:
    """The subscribers' part of the store."""

    def __init__(self, redis: Redis, keys: Keys, keep: timedelta) -> None:
        self._redis = redis
        self._keys = keys
        self._keep = keep
        self._reserve = redis.register_script(_RESERVE)

    # What is held.

    def hold(self, subscriber: str, releases: Mapping[Held, datetime], pipe: Pipeline) -> None:
        """Add to a transaction: keep alerts for a subscriber until their times."""
        scores = {held.member: moment.timestamp() for held, moment in releases.items()}
        pipe.zadd(self._keys.held(subscriber), scores)
        pipe.sadd(self._keys.holding, subscriber)

    def holding(self) -> list[str]:
        """The names of subscribers for whom alerts are, or lately were, held."""
        return sorted(text(name) for name in self._redis.smembers(self._keys.holding))

    def held(self, subscriber: str) -> int:
        """How many alerts are held for a subscriber."""
        members = self._redis.zrange(self._keys.held(subscriber), 0, -1)
        return sum(len(Held.from_member(text(member)).alerts) for member in members)

    def take(
        self,
        subscriber: str,
        until: datetime | None,
        most: int,
        hand_over: Callable[[list[Held], Pipeline], None],
    ) -> list[Held]:
        """Take what is held and whose time has come, first ones first, and hand it over.

        `hand_over` adds to the same transaction. Without `until`, all are taken, however early.
        """
        key = self._keys.held(subscriber)
        taken: list[Held] = []

        def move(pipe: Pipeline) -> None:
            latest = until.timestamp() if until else "+inf"
            found = pipe.zrangebyscore(key, "-inf", latest, start=0, num=most)
            taken[:] = (Held.from_member(text(member)) for member in found)
            left = int(pipe.zcard(key)) - len(taken)
            pipe.multi()
            if not left:
                pipe.srem(self._keys.holding, subscriber)
            if taken:
                pipe.zrem(key, *found)
                hand_over(taken, pipe)

        self._redis.transaction(move, key)
        return taken

    def hasten(self, subscriber: str, latest: datetime) -> None:
        """Let no held alert wait longer than until a moment."""
        key, score = self._keys.held(subscriber), latest.timestamp()
        late = self._redis.zrangebyscore(key, f"({score}", "+inf")
        if late:
            # What somebody else has taken in between stays taken.
            self._redis.zadd(key, dict.fromkeys(map(text, late), score), xx=True, lt=True)

    def gathering_since(self, subscriber: str, every: timedelta, now: datetime) -> datetime:
        """When the first alert came that goes out together with one that comes now."""
        key = self._keys.gathering(subscriber)
        self._redis.set(key, now.timestamp(), nx=True, px=every)
        stored = self._redis.get(key)
        return datetime.fromtimestamp(float(stored), UTC) if stored else now

    def reserve(self, subscriber: str, delivery: str, limit: Limit, now: datetime) -> timedelta:
        """Ask to send one more message: how long until there is room, or nothing.

        A delivery that has a place keeps it however often it asks.
        """
        wait = self._reserve(
            keys=[self._keys.sent(subscriber)],
            args=[now.timestamp(), limit.per.total_seconds(), limit.most, delivery],
        )
        return timedelta(seconds=float(wait))

    def give_back(self, subscriber: str, delivery: str, pipe: Pipeline) -> None:
        """Add to a transaction: this delivery sends nothing for now, its place is free."""
        pipe.zrem(self._keys.sent(subscriber), delivery)

    # How they fare.

    def state(self, subscriber: str) -> SubscriberState:
        """What the deliveries since the last success have taught us."""
        stored = self._redis.get(self._keys.subscriber(subscriber))
        return from_json(SubscriberState, stored) if stored else SubscriberState()

    def change(
        self,
        subscriber: str,
        decide: Callable[[SubscriberState], SubscriberState],
        alongside: Callable[[SubscriberState, SubscriberState, Pipeline], None] = _nothing,
    ) -> SubscriberState:
        """Replace the state by what `decide` makes of it; returns the new one.

        `alongside` gets the old and the new one, and adds to the same transaction.
        """
        key = self._keys.subscriber(subscriber)
        decided = SubscriberState()

        def write(pipe: Pipeline) -> None:
            nonlocal decided
            stored = pipe.get(key)
            before = from_json(SubscriberState, stored) if stored else SubscriberState()
            decided = decide(before)
            pipe.multi()
            pipe.set(key, as_json(decided), ex=self._keep)
            alongside(before, decided, pipe)

        self._redis.transaction(write, key)
        return decided

    def recovered(self, subscriber: str, pipe: Pipeline) -> None:
        """Add to a transaction: the subscriber has taken something."""
        pipe.delete(self._keys.subscriber(subscriber))

    # What they were sent.

    def note(self, alert_ids: Iterable[str], note: DeliveryNote, pipe: Pipeline) -> None:
        """Add to a transaction: a line in these alerts' ledgers."""
        line = as_json(note)
        for alert_id in alert_ids:
            key = self._keys.ledger(alert_id)
            pipe.rpush(key, line)
            pipe.ltrim(key, -MOST_NOTES, -1)
            pipe.expire(key, self._keep)

    def ledger(self, alert_id: str) -> list[DeliveryNote]:
        """What happened to an alert on its way to subscribers, oldest first."""
        lines = self._redis.lrange(self._keys.ledger(alert_id), 0, -1)
        return [from_json(DeliveryNote, line) for line in lines]

    def thread(self, subscriber: str, story_id: str) -> Thread | None:
        """The first message about a story that a subscriber was sent."""
        stored = self._redis.get(self._keys.thread(content_id(subscriber, story_id)))
        return Thread(**json.loads(stored)) if stored else None

    def start_thread(self, subscriber: str, story_id: str, thread: Thread) -> None:
        """Note the first message about a story."""
        value = {"channel": thread.channel, "message": thread.message, "alert": thread.alert}
        key = self._keys.thread(content_id(subscriber, story_id))
        self._redis.set(key, json.dumps(value), ex=self._keep)
