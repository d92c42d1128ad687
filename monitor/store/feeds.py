"""Stores feeds in Redis: when each is due, its state, and which of its entries were seen."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from monitor.feeds.entries import Seen
from monitor.model import Feed, FeedState, as_json, from_json
from monitor.store.counters import CounterStore, Gap
from monitor.store.replies import text
from monitor.store.seen import SeenRecord, StoredSeen

if TYPE_CHECKING:
    from redis import Redis
    from redis.client import Pipeline

    from monitor.store.keys import Keys

# How long an entry that has left its feed is remembered: feeds bring old entries back.
REMEMBER = timedelta(days=90)
# A feed may rename its entries at every poll: if it has more identities than this, those
# that left the feed first are forgotten.
MAX_IDENTITIES = 200_000
# Redis accepts a million arguments in one command, but serves no other client until it is done.
BATCH = 5_000


@dataclass(frozen=True, slots=True)
class PollRecord:
    """The result of a poll that brought a new document, for `commit_document` to store.

    `due` is the time of the next poll, and `remember` maps each identity to its record. `new` and
    `edited` count the entries that were queued, and `gap` says whether entries may be missing
    before them: "filled" if older pages had these.
    """

    state: FeedState
    due: datetime
    remember: Mapping[str, Seen]
    new: int = 0
    edited: int = 0
    gap: Gap | None = None


@dataclass(frozen=True, slots=True)
class StateRecord:
    """The result of a poll that brought no new document, for `commit` to store.

    `failure` is the kind of the error if the poll failed.
    """

    feed: Feed
    state: FeedState
    due: datetime
    failure: str | None = None


class FeedStore:
    """Stores the schedule, the states and the seen entries of feeds."""

    def __init__(self, redis: Redis, keys: Keys) -> None:
        self._redis = redis
        self._keys = keys
        self._counters = CounterStore(redis, keys)
        # Those that were read last, with their stored forms: a page reads all of them each time,
        # and few have changed meanwhile.
        self._read: dict[str, tuple[bytes | None, FeedState]] = {}

    def schedule(self, feeds: Iterable[Feed], now: datetime) -> None:
        """Schedules exactly these feeds: new ones at once, others as before."""
        configured = {feed.id for feed in feeds}
        scheduled = {text(feed_id) for feed_id in self._redis.zrange(self._keys.due, 0, -1)}
        with self._redis.pipeline() as pipe:
            for feed_id in scheduled - configured:
                pipe.zrem(self._keys.due, feed_id)
            for feed_id in configured - scheduled:
                pipe.zadd(self._keys.due, {feed_id: now.timestamp()}, nx=True)
            pipe.execute()

    def due(self, now: datetime) -> list[str]:
        """Returns the ids of feeds that are due, the longest overdue first."""
        return [
            text(feed_id)
            for feed_id in self._redis.zrangebyscore(self._keys.due, "-inf", now.timestamp())
        ]

    def next_due(self, now: datetime) -> datetime | None:
        """Returns when the next feed comes due after `now`, or None if none does."""
        bounds = (f"({now.timestamp()!r}", "+inf")
        following = self._redis.zrangebyscore(self._keys.due, *bounds, 0, 1, withscores=True)
        return datetime.fromtimestamp(float(following[0][1]), UTC) if following else None

    def due_at(self, feed_id: str) -> datetime | None:
        """Returns when a feed is due, or None if it is not scheduled."""
        score = self._redis.zscore(self._keys.due, feed_id)
        return None if score is None else datetime.fromtimestamp(score, UTC)

    def all_due(self) -> dict[str, datetime]:
        """Returns when each feed that is scheduled is due, by its id."""
        scheduled: Any = self._redis.zrange(self._keys.due, 0, -1, withscores=True)
        return {text(feed_id): datetime.fromtimestamp(score, UTC) for feed_id, score in scheduled}

    def states(self, feed_ids: Sequence[str]) -> list[FeedState]:
        """Returns the states of feeds, in the given order; see `state`."""
        if not feed_ids:
            return []
        found: Any = self._redis.mget([self._keys.feed(each) for each in feed_ids])
        known = self._read
        read = {
            feed_id: each
            if (each := known.get(feed_id)) and each[0] == stored
            else (stored, as_state(stored))
            for feed_id, stored in zip(feed_ids, found, strict=True)
        }
        # Replaced as a whole, since threads share it; a single feed does not replace all.
        if len(read) > 1:
            self._read = read
        return [read[feed_id][1] for feed_id in feed_ids]

    def state(self, feed_id: str) -> FeedState:
        """Returns a feed's state, or an empty one if the stored form is no longer valid."""
        return self._state(feed_id, self._redis)

    def _state(self, feed_id: str, redis: Redis) -> FeedState:
        # A pipeline that watches keys answers at once, on its own connection.
        stored: Any = redis.get(self._keys.feed(feed_id))
        return as_state(stored)

    def seen(self, feed_id: str) -> dict[str, Seen]:
        """Returns the records of a feed's entries, by identity."""
        return self._seen(feed_id, self._redis).seen

    def _seen(self, feed_id: str, redis: Redis) -> StoredSeen:
        stored: Any = redis.hgetall(self._keys.seen(feed_id))
        return StoredSeen(stored)

    def commit(self, polls: Sequence[StateRecord]) -> None:
        """Stores the results of polls that brought no new document, in one transaction."""
        with self._redis.pipeline() as pipe:
            self._commit(polls, pipe)
            failures = [poll.failure for poll in polls if poll.failure]
            self._counters.unchanged_polls(len(polls) - len(failures), pipe)
            for failure in failures:
                self._counters.failed_poll(failure, pipe)
            pipe.execute()

    def _commit(self, polls: Sequence[StateRecord], pipe: Pipeline) -> None:
        # Most fields of most feeds have their defaults.
        states = {
            self._keys.feed(poll.feed.id): as_json(poll.state, without_defaults=True)
            for poll in polls
        }
        pipe.mset(states)
        # `xx`, because a feed may have left the configuration during its poll.
        due = {poll.feed.id: poll.due.timestamp() for poll in polls}
        pipe.zadd(self._keys.due, due, xx=True)

    def commit_document(
        self,
        feed: Feed,
        decide: Callable[[Mapping[str, Seen], Pipeline], PollRecord],
        *,
        now: datetime,
    ) -> None:
        """Stores the result of a poll that brought a new document, in one transaction.

        `decide` takes the records of earlier polls and the open transaction, to which it adds the
        jobs for new entries. It is called again if another scheduler wrote meanwhile, so it must
        have no other effects.

        Identities in the new document are stored with today's date, which becomes the state's
        `listed_on`. Identities that were in the previous document but are not in this one are
        stored with yesterday's date, even if the previous document is older: the feed listed them
        until now. An identity whose day is before `listed_on` has therefore left the feed, and only
        such identities may be forgotten.
        """
        seen_key = self._keys.seen(feed.id)
        today = now.date()
        yesterday = today - timedelta(days=1)

        def write(pipe: Pipeline) -> None:
            stored = self._seen(feed.id, pipe)
            # Without a stored day, any identity may have been listed until now.
            listed_on = self._state(feed.id, pipe).listed_on or date.min
            pipe.multi()
            poll = decide(stored.seen, pipe)
            records = {
                name: record._replace(day=yesterday) if record.day >= listed_on else record
                for name, record in stored.records.items()
            }
            records |= {name: SeenRecord(seen, today) for name, seen in poll.remember.items()}
            self._write_seen(feed.id, stored, records, pipe)
            state = replace(poll.state, listed_on=today)
            self._commit([StateRecord(feed, state, poll.due)], pipe)
            self._counters.changed_poll(poll.new, poll.edited, pipe)
            if poll.gap:
                self._counters.gap(poll.gap, pipe)

        self._redis.transaction(write, seen_key, self._keys.feed(feed.id))

    def commit_pushed(
        self,
        feed: Feed,
        decide: Callable[
            [Mapping[str, Seen], FeedState, Pipeline], tuple[FeedState, Mapping[str, Seen]]
        ],
        *,
        now: datetime,
    ) -> None:
        """Stores what a hub pushed between two polls, in one transaction.

        `decide` is as for `commit_document`, but takes the feed's state as well; it returns the
        new state, and the records to add. A hub need not push all that the feed lists, so entries
        that are not in its document have not left the feed.
        """

        def write(pipe: Pipeline) -> None:
            stored, state = self._seen(feed.id, pipe), self._state(feed.id, pipe)
            pipe.multi()
            state, remember = decide(stored.seen, state, pipe)
            today = now.date()
            added = {name: SeenRecord(record, today) for name, record in remember.items()}
            self._write_seen(feed.id, stored, stored.records | added, pipe)
            pipe.set(self._keys.feed(feed.id), as_json(state, without_defaults=True))

        self._redis.transaction(write, self._keys.seen(feed.id), self._keys.feed(feed.id))

    def _write_seen(
        self, feed_id: str, stored: StoredSeen, records: Mapping[str, SeenRecord], pipe: Pipeline
    ) -> None:
        changed, deleted = stored.changes(records)
        for fields in _batches(list(deleted)):
            pipe.hdel(self._keys.seen(feed_id), *fields)
        for fields in _batches(list(changed)):
            mapping: Any = {field: changed[field] for field in fields}
            pipe.hset(self._keys.seen(feed_id), mapping=mapping)

    def forget_old(self, feed: Feed, today: date) -> int:
        """Forgets entries that left the feed long ago; returns how many identities they had.

        Entries that may still be in the feed are kept, even if it has not changed for years.
        """
        key = self._keys.seen(feed.id)
        # The stored day is the day before the entry left the feed.
        oldest = today - REMEMBER - timedelta(days=1)
        forgotten = 0

        def write(pipe: Pipeline) -> None:
            nonlocal forgotten
            listed_on = self._state(feed.id, pipe).listed_on or date.min
            stored = self._seen(feed.id, pipe)
            records = stored.records
            gone = sorted(
                (record.day, name) for name, record in records.items() if record.day < listed_on
            )
            surplus = len(records) - MAX_IDENTITIES
            old = {
                name for number, (day, name) in enumerate(gone) if day < oldest or number < surplus
            }
            pipe.multi()
            if old:
                kept = {name: record for name, record in records.items() if name not in old}
                self._write_seen(feed.id, stored, kept, pipe)
            forgotten = len(old)

        self._redis.transaction(write, key, self._keys.feed(feed.id))
        return forgotten

    def forget_removed(self, feeds: Iterable[Feed], now: datetime) -> int:
        """Forgets feeds that left the configuration long ago; returns how many.

        If a feed is added again before then, its entries are still known.
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
        prefix = key("")
        pattern = re.sub(r"([*?\[\]\\])", r"\\\1", prefix) + "*"
        for feed_key in self._redis.scan_iter(match=pattern, count=1000):
            yield text(feed_key).removeprefix(prefix)


def as_state(stored: str | bytes | None) -> FeedState:
    """Decodes a feed's stored state; without one, or if it is not valid, returns an empty state."""
    try:
        return from_json(FeedState, stored) if stored else FeedState()
    except ValidationError:
        return FeedState()


def _batches(names: Sequence[bytes]) -> Iterator[Sequence[bytes]]:
    """Splits names of fields into batches that are small enough for one command."""
    for start in range(0, len(names), BATCH):
        yield names[start : start + BATCH]
