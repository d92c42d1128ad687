"""Feeds in Redis: when each is due, what its polls taught us, which of its entries were seen."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from monitor.model import Feed, FeedState, as_json, from_json
from monitor.store.replies import text

if TYPE_CHECKING:
    from redis import Redis
    from redis.client import Pipeline

    from monitor.store.keys import Keys

# How long an entry that has left its feed stays known: feeds bring old entries back.
REMEMBER = timedelta(days=90)
# A new configuration's feeds are not all polled in the same second.
SPREAD_S = 2.0


class FeedStore:
    """The feeds' part of the store."""

    def __init__(self, redis: Redis, keys: Keys) -> None:
        self._redis = redis
        self._keys = keys

    def schedule(self, feeds: Iterable[Feed], now: datetime) -> None:
        """Make the set of due times hold exactly these feeds; new ones are due at once."""
        wanted = {feed.id for feed in feeds}
        known = {text(name) for name in self._redis.zrange(self._keys.due, 0, -1)}
        with self._redis.pipeline() as pipe:
            for gone in known - wanted:
                pipe.zrem(self._keys.due, gone)
            for new in wanted - known:
                spread = random.random() * SPREAD_S  # noqa: S311 - no secret
                pipe.zadd(self._keys.due, {new: now.timestamp() + spread}, nx=True)
            pipe.execute()

    def led(self) -> bool:
        """Whether a scheduler leads."""
        return bool(self._redis.exists(self._keys.leader))

    def due(self, now: datetime) -> list[str]:
        """The ids of feeds whose time has come, the longest waiting first."""
        return [
            text(name)
            for name in self._redis.zrangebyscore(self._keys.due, "-inf", now.timestamp())
        ]

    def due_at(self, feed_id: str) -> datetime | None:
        """When a feed is polled next."""
        score = self._redis.zscore(self._keys.due, feed_id)
        return None if score is None else datetime.fromtimestamp(score, UTC)

    def state(self, feed_id: str) -> FeedState:
        """What is known of a feed; an empty state before its first poll."""
        stored = self._redis.get(self._keys.feed(feed_id))
        return from_json(FeedState, stored) if stored else FeedState()

    def seen(self, feed_id: str) -> dict[str, str]:
        """The entries known of a feed: identity → version."""
        stored = self._redis.hgetall(self._keys.seen(feed_id))
        return {text(name): text(value).partition(" ")[0] for name, value in stored.items()}

    def commit(
        self,
        feed: Feed,
        state: FeedState,
        due: datetime,
        *,
        now: datetime,
        decide: Callable[[Mapping[str, str], Pipeline], Mapping[str, str]] | None = None,
    ) -> None:
        """Write a poll's outcome in one transaction.

        `decide` gets what has been seen and the open transaction, to which it adds the jobs for
        new entries, and returns the identities and versions to remember. It is called again where
        another scheduler wrote in between, so it must do nothing else.
        """
        seen_key = self._keys.seen(feed.id)

        def write(pipe: Pipeline) -> None:
            seen = self.seen(feed.id) if decide else {}
            pipe.multi()
            if decide:
                today = now.date().isoformat()
                remembered: dict[Any, Any] = {
                    identity: f"{version} {today}"
                    for identity, version in decide(seen, pipe).items()
                }
                if remembered:
                    pipe.hset(seen_key, mapping=remembered)
            pipe.set(self._keys.feed(feed.id), as_json(state))
            # A feed that has left the configuration in the meantime stays out.
            pipe.zadd(self._keys.due, {feed.id: due.timestamp()}, xx=True)

        self._redis.transaction(write, seen_key, self._keys.feed(feed.id))

    def forget_old(self, feed: Feed, today: date) -> int:
        """Drop entries that have not been in the feed for long; returns how many."""
        key = self._keys.seen(feed.id)
        oldest = (today - REMEMBER).isoformat()
        old = [
            name
            for name, value in self._redis.hscan_iter(key)
            if text(value).partition(" ")[2] < oldest
        ]
        if old:
            self._redis.hdel(key, *old)
        return len(old)
