"""Feeds in Redis: when each is due, what its polls taught us, which of its entries were seen."""

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

# How long an entry that has left its feed stays known: feeds bring old entries back.
REMEMBER = timedelta(days=90)
# A feed that names its entries anew at every poll is not remembered for that long: beyond so many
# identities, those that left it first are forgotten first.
MOST_REMEMBERED = 200_000
# Redis takes a million arguments in a command, and holds up everybody while it works on them.
AT_A_TIME = 5_000
# A new configuration's feeds are not all polled in the same second.
SPREAD_S = 2.0


@dataclass(frozen=True, slots=True)
class Reading:
    """What a poll made of a new document: the feed's state, its next poll, what to remember."""

    state: FeedState
    due: datetime
    remember: Mapping[str, Seen]


class _Record(NamedTuple):
    """What is stored of an identity; `day` is the last on which it is known to have been listed."""

    seen: Seen
    day: str

    @classmethod
    def parse(cls, stored: str) -> _Record:
        version, day, *edits = stored.split(" ")
        return cls(Seen(version, int(edits[0]) if edits else 0), day)

    def __str__(self) -> str:
        edits = f" {self.seen.edits}" if self.seen.edits else ""
        return f"{self.seen.version} {self.day}{edits}"


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
        """What a feed's polls have taught us; nothing where that cannot be read any more."""
        stored = self._redis.get(self._keys.feed(feed_id))
        try:
            return from_json(FeedState, stored) if stored else FeedState()
        except ValidationError:
            return FeedState()

    def seen(self, feed_id: str) -> dict[str, Seen]:
        """What is remembered of a feed's entries, by identity."""
        return {name: record.seen for name, record in self._records(feed_id).items()}

    def _records(self, feed_id: str) -> dict[str, _Record]:
        stored = self._redis.hgetall(self._keys.seen(feed_id))
        return {text(name): _Record.parse(text(value)) for name, value in stored.items()}

    def commit(self, feed: Feed, state: FeedState, due: datetime) -> None:
        """Write down a poll that brought no new document."""
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
        decide: Callable[[Mapping[str, Seen], Pipeline], Reading],
        *,
        now: datetime,
    ) -> None:
        """Write down a poll that brought a new document, in one transaction.

        `decide` gets what has been seen and the open transaction, to which it adds the jobs for
        new entries. It is called again where another scheduler wrote in between, so it must do
        nothing else.

        What is listed now is stored with today's date, which the state has as `listed_on`, and
        what the new document has dropped with yesterday's: it was there until now, however long
        ago the former document was read. So an identity whose day is not before `listed_on` may
        still be in the feed, and is not forgotten.
        """
        seen_key = self._keys.seen(feed.id)
        today = now.date().isoformat()
        yesterday = (now.date() - timedelta(days=1)).isoformat()

        def write(pipe: Pipeline) -> None:
            records = self._records(feed.id)
            former = self.state(feed.id).listed_on
            # Where the day was not written down yet, anything may be listed.
            listed_on = former.isoformat() if former else ""
            pipe.multi()
            reading = decide({name: record.seen for name, record in records.items()}, pipe)
            after = {name: _Record(seen, today) for name, seen in reading.remember.items()}
            for name, record in records.items():
                if name not in after and record.day >= listed_on:
                    after[name] = record._replace(day=yesterday)
            changed = {
                name: str(record) for name, record in after.items() if records.get(name) != record
            }
            for names in _parts(list(changed)):
                pipe.hset(seen_key, mapping={name: changed[name] for name in names})
            self._commit(feed, replace(reading.state, listed_on=now.date()), reading.due, pipe)

        self._redis.transaction(write, seen_key, self._keys.feed(feed.id))

    def forget_old(self, feed: Feed, today: date) -> int:
        """Forget entries that left the feed long ago; returns the number of identities.

        What may still be in the feed stays known, however long the feed has not changed.
        """
        key = self._keys.seen(feed.id)
        # The day that is stored is the one before the entry left.
        oldest = (today - REMEMBER - timedelta(days=1)).isoformat()
        forgotten = 0

        def write(pipe: Pipeline) -> None:
            nonlocal forgotten
            listed_on = self.state(feed.id).listed_on
            left = listed_on.isoformat() if listed_on else ""
            days = {name: record.day for name, record in self._records(feed.id).items()}
            gone = sorted((day, name) for name, day in days.items() if day < left)
            surplus = len(days) - MOST_REMEMBERED
            old = [
                name for number, (day, name) in enumerate(gone) if day < oldest or number < surplus
            ]
            pipe.multi()
            for names in _parts(old):
                pipe.hdel(key, *names)
            forgotten = len(old)

        self._redis.transaction(write, key, self._keys.feed(feed.id))
        return forgotten

    def forget_removed(self, feeds: Iterable[Feed], now: datetime) -> int:
        """Forget feeds that left the configuration long ago; returns how many.

        One that is put back earlier finds its entries known.
        """
        wanted = {feed.id for feed in feeds}
        known = set(self._ids(self._keys.feed)) | set(self._ids(self._keys.seen))
        forgotten = 0
        for feed_id in known - wanted:
            polled_at = self.state(feed_id).polled_at
            if polled_at is None or polled_at < now - REMEMBER:
                self._redis.delete(self._keys.feed(feed_id), self._keys.seen(feed_id))
                forgotten += 1
        return forgotten

    def _ids(self, key: Callable[[str], str]) -> Iterator[str]:
        """The ids of feeds that have a key of this kind."""
        start = key("")
        pattern = re.sub(r"([*?\[\]\\])", r"\\\1", start) + "*"
        for name in self._redis.scan_iter(match=pattern, count=1000):
            yield text(name).removeprefix(start)


def _parts(names: Sequence[str]) -> Iterator[Sequence[str]]:
    """Cut names into as many as Redis gets at a time."""
    for start in range(0, len(names), AT_A_TIME):
        yield names[start : start + AT_A_TIME]
