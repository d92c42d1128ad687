"""Feeds in Redis: when each is due, its state, and which of its entries were seen."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from pydantic import ValidationError

from monitor.feeds.entries import Seen
from monitor.model import Feed, FeedState, as_json, from_json
from monitor.store.replies import text

if TYPE_CHECKING:
    from redis import Redis
    from redis.client import Pipeline

    from monitor.store.keys import Keys

# How long an entry that has left its feed is remembered: feeds bring old entries back.
REMEMBER = timedelta(days=90)
# A feed may rename its entries at every poll: beyond this many identities, those that left the feed
# first are forgotten first.
MAX_IDENTITIES = 200_000
# Redis takes a million arguments in a command, but serves nobody else while it works on them.
BATCH = 5_000
# New feeds are due within this time, so that they are not all polled in the same second.
SPREAD_S = 2.0


@dataclass(frozen=True, slots=True)
class PollRecord:
    """The result of a poll that brought a new document, to be written down.

    `due` is the moment of the next poll, and `remember` holds what to store of each identity.
    """

    state: FeedState
    due: datetime
    remember: Mapping[str, Seen]


class _SeenRecord(NamedTuple):
    """The stored form of an identity; `day` is the last day on which it was surely listed."""

    seen: Seen
    day: str

    @classmethod
    def parse(cls, stored: str) -> _SeenRecord:
        version, day, *edits = stored.split(" ")
        return cls(Seen(version, int(edits[0]) if edits else 0), day)

    def __str__(self) -> str:
        edits = f" {self.seen.edits}" if self.seen.edits else ""
        return f"{self.seen.version} {self.day}{edits}"


class FeedStore:
    """The store of feeds."""

    def __init__(self, redis: Redis, keys: Keys) -> None:
        self._redis = redis
        self._keys = keys

    def schedule(self, feeds: Iterable[Feed], now: datetime) -> None:
        """Schedules exactly these feeds: new ones within `SPREAD_S`, others as before."""
        configured = {feed.id for feed in feeds}
        scheduled = {text(feed_id) for feed_id in self._redis.zrange(self._keys.due, 0, -1)}
        with self._redis.pipeline() as pipe:
            for feed_id in scheduled - configured:
                pipe.zrem(self._keys.due, feed_id)
            for feed_id in configured - scheduled:
                spread = random.random() * SPREAD_S  # noqa: S311 - no secret
                pipe.zadd(self._keys.due, {feed_id: now.timestamp() + spread}, nx=True)
            pipe.execute()

    def due(self, now: datetime) -> list[str]:
        """Returns the ids of feeds that are due, the longest overdue first."""
        return [
            text(feed_id)
            for feed_id in self._redis.zrangebyscore(self._keys.due, "-inf", now.timestamp())
        ]

    def due_at(self, feed_id: str) -> datetime | None:
        """Returns when a feed is polled next, or None if it is not scheduled."""
        score = self._redis.zscore(self._keys.due, feed_id)
        return None if score is None else datetime.fromtimestamp(score, UTC)

    def state(self, feed_id: str) -> FeedState:
        """Returns a feed's state, or an empty one if the stored form is no longer valid."""
        stored = self._redis.get(self._keys.feed(feed_id))
        try:
            return from_json(FeedState, stored) if stored else FeedState()
        except ValidationError:
            return FeedState()

    def seen(self, feed_id: str) -> dict[str, Seen]:
        """Returns what is remembered of a feed's entries, by identity."""
        return {name: record.seen for name, record in self._records(feed_id).items()}

    def _records(self, feed_id: str) -> dict[str, _SeenRecord]:
        stored = self._redis.hgetall(self._keys.seen(feed_id))
        return {text(name): _SeenRecord.parse(text(value)) for name, value in stored.items()}

    def commit(self, feed: Feed, state: FeedState, due: datetime) -> None:
        """Writes down a poll that brought no new document."""
        with self._redis.pipeline() as pipe:
            self._commit(feed, state, due, pipe)
            pipe.execute()

    def _commit(self, feed: Feed, state: FeedState, due: datetime, pipe: Pipeline) -> None:
        pipe.set(self._keys.feed(feed.id), as_json(state))
        # A feed that has left the configuration in the meantime stays out.
        pipe.zadd(self._keys.due, {feed.id: due.timestamp()}, xx=True)

    def commit_document(
        self,
        feed: Feed,
        decide: Callable[[Mapping[str, Seen], Pipeline], PollRecord],
        *,
        now: datetime,
    ) -> None:
        """Writes down a poll that brought a new document, in one transaction.

        `decide` gets what was seen before and the open transaction, to which it adds the jobs for
        new entries. It is called again if another scheduler wrote in between, so it must have no
        other effects.

        Identities that are listed now are stored with today's date, which becomes the state's
        `listed_on`. Identities that the new document has dropped are stored with yesterday's date:
        they were listed until now, however long ago the previous document was read. So an identity
        whose day is not before `listed_on` may still be in the feed, and is not forgotten.
        """
        seen_key = self._keys.seen(feed.id)
        today = now.date().isoformat()
        yesterday = (now.date() - timedelta(days=1)).isoformat()

        def write(pipe: Pipeline) -> None:
            records = self._records(feed.id)
            previous_day = self.state(feed.id).listed_on
            # If the day was not written down yet, any identity may be listed.
            listed_on = previous_day.isoformat() if previous_day else ""
            pipe.multi()
            poll = decide({name: record.seen for name, record in records.items()}, pipe)
            after = {name: _SeenRecord(seen, today) for name, seen in poll.remember.items()}
            for name, record in records.items():
                if name not in after and record.day >= listed_on:
                    after[name] = record._replace(day=yesterday)
            changed = {
                name: str(record) for name, record in after.items() if records.get(name) != record
            }
            for names in _batches(list(changed)):
                pipe.hset(seen_key, mapping={name: changed[name] for name in names})
            self._commit(feed, replace(poll.state, listed_on=now.date()), poll.due, pipe)

        self._redis.transaction(write, seen_key, self._keys.feed(feed.id))

    def forget_old(self, feed: Feed, today: date) -> int:
        """Forgets entries that left the feed long ago; returns the number of identities.

        Entries that may still be in the feed are kept, however long it has not changed.
        """
        key = self._keys.seen(feed.id)
        # The stored day is the one before the entry left.
        oldest = (today - REMEMBER - timedelta(days=1)).isoformat()
        forgotten = 0

        def write(pipe: Pipeline) -> None:
            nonlocal forgotten
            listed_on = self.state(feed.id).listed_on
            still_listed = listed_on.isoformat() if listed_on else ""
            days = {name: record.day for name, record in self._records(feed.id).items()}
            gone = sorted((day, name) for name, day in days.items() if day < still_listed)
            surplus = len(days) - MAX_IDENTITIES
            old = [
                name for number, (day, name) in enumerate(gone) if day < oldest or number < surplus
            ]
            pipe.multi()
            for names in _batches(old):
                pipe.hdel(key, *names)
            forgotten = len(old)

        self._redis.transaction(write, key, self._keys.feed(feed.id))
        return forgotten

    def forget_removed(self, feeds: Iterable[Feed], now: datetime) -> int:
        """Forgets feeds that left the configuration long ago; returns how many.

        The entries of a feed that is put back before then are still known.
        """
        configured = {feed.id for feed in feeds}
        stored = set(self._ids(self._keys.feed)) | set(self._ids(self._keys.seen))
        forgotten = 0
        for feed_id in stored - configured:
            polled_at = self.state(feed_id).polled_at
            if polled_at is None or polled_at < now - REMEMBER:
                self._redis.delete(self._keys.feed(feed_id), self._keys.seen(feed_id))
                forgotten += 1
        return forgotten

    def _ids(self, key: Callable[[str], str]) -> Iterator[str]:
        """Yields the ids of feeds that have a key of this kind."""
        start = key("")
        pattern = re.sub(r"([*?\[\]\\])", r"\\\1", start) + "*"
        for feed_key in self._redis.scan_iter(match=pattern, count=1000):
            yield text(feed_key).removeprefix(start)


def _batches(names: Sequence[str]) -> Iterator[Sequence[str]]:
    """Splits names into parts that fit into one command."""
    for start in range(0, len(names), BATCH):
        yield names[start : start + BATCH]
