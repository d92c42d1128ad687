"""Stores the subscriptions to feeds at their hubs, and what hubs have pushed until it is read."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal

from pydantic import ValidationError

from monitor.feeds.pushes import NO_PUSH, Push
from monitor.model import as_json, from_json
from monitor.store.counters import CounterStore
from monitor.store.replies import text

if TYPE_CHECKING:
    from redis import Redis
    from redis.client import Pipeline

    from monitor.store.keys import Keys

# At most so many documents wait, of which so many of one feed. Any other push waits without its
# document, so that the feed is polled instead; so does one that is larger.
MOST_DOCUMENTS = 32
MOST_OF_A_FEED = 4
MAX_DOCUMENT_BYTES = 1_000_000
# The field of a push without a document ends with this, not with a number.
NEWS = "news"
# So many feeds that name other hubs are looked at together.
MOST_NOTED = 500

# What became of a push: it brought new entries, it brought nothing new, it led to a poll, or its
# signature was missing or wrong.
PushResult = Literal["entries", "known", "poll", "forged"]

# Replaces a value unless it has changed meanwhile.
_SWAP = """
if (redis.call('HGET', KEYS[1], ARGV[1]) or '') ~= ARGV[2] then return 0 end
if ARGV[3] == '' then
  redis.call('HDEL', KEYS[1], ARGV[1])
else
  redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
end
return 1
"""


@dataclass(frozen=True, slots=True)
class Pushed:
    """What a hub has pushed; without a document, it only says that the feed has changed.

    `url` is the feed's address, as the hub knows it, and `field` is where this is stored.
    """

    feed_id: str
    received_at: datetime
    url: str
    content_type: str = ""
    document: bytes = b""
    field: str = ""


class PushStore:
    """The store of subscriptions at hubs, and of pushes that are still to be read."""

    def __init__(self, redis: Redis, keys: Keys) -> None:
        self._redis = redis
        self._keys = keys
        self._counters = CounterStore(redis, keys)
        self._swap = redis.register_script(_SWAP)
        # Those that were read last, with their stored forms: few have changed meanwhile.
        self._read: dict[str, tuple[bytes, Push]] = {}

    def all(self) -> dict[str, Push]:
        """Returns all pushes by the id of their feeds."""
        stored: Any = self._redis.hgetall(self._keys.pushes)
        known, read = self._read, dict[str, tuple[bytes, Push]]()
        for field, value in stored.items():
            feed_id = text(field)
            before = known.get(feed_id)
            is_known = before is not None and before[0] == value
            read[feed_id] = before if before and is_known else (value, _as_push(value))
        self._read = read
        return {feed_id: push for feed_id, (_, push) in read.items()}

    def of(self, feed_id: str) -> Push:
        """Returns the push of a feed, or an empty one."""
        return _as_push(self._stored(feed_id))

    def change(self, feed_id: str, change: Callable[[Push], Push]) -> Push:
        """Changes the push of a feed, and returns it; `change` is called again after a conflict."""
        while True:
            stored = self._stored(feed_id)
            push = _as_push(stored)
            changed = change(push)
            if changed == push:
                return push
            value = "" if changed == NO_PUSH else as_json(changed, without_defaults=True)
            if self._swap(keys=[self._keys.pushes], args=[feed_id, stored, value]):
                return changed

    def _stored(self, feed_id: str) -> bytes:
        stored: Any = self._redis.hget(self._keys.pushes, feed_id)
        return stored or b""

    def note_hubs(self, feed_id: str) -> None:
        """Notes that a feed names other hubs than before."""
        self._redis.sadd(self._keys.renamed_hubs, feed_id)

    def take_noted(self) -> list[str]:
        """Returns the feeds that `note_hubs` noted since the last call."""
        noted: Any = self._redis.spop(self._keys.renamed_hubs, MOST_NOTED)
        return list(map(text, noted))

    def add(self, pushed: Pushed) -> None:
        """Stores what was pushed, without its document if there is no room."""
        documents = [field for field in self._fields() if not field.endswith(f":{NEWS}")]
        of_feed = sum(field.startswith(f"{pushed.feed_id}:") for field in documents)
        if (
            len(pushed.document) > MAX_DOCUMENT_BYTES
            or len(documents) >= MOST_DOCUMENTS
            or of_feed >= MOST_OF_A_FEED
        ):
            pushed = replace(pushed, document=b"")
        # One push that says no more than that there is news is as good as many.
        number = f"{pushed.received_at.timestamp():.6f}" if pushed.document else NEWS
        about = {
            "at": pushed.received_at.isoformat(),
            "url": pushed.url,
            "type": pushed.content_type,
        }
        value = json.dumps(about).encode() + b"\n" + pushed.document
        self._redis.hset(self._keys.pushed, f"{pushed.feed_id}:{number}", value)

    def waiting(self) -> dict[str, list[str]]:
        """Returns the fields of what each feed was pushed, the oldest first."""
        waiting: dict[str, list[str]] = {}
        for field in self._fields():
            waiting.setdefault(field.partition(":")[0], []).append(field)
        return waiting

    def _fields(self) -> list[str]:
        fields = map(text, self._redis.hkeys(self._keys.pushed))
        return sorted(fields, key=lambda field: field.partition(":")[2])

    def read(self, field: str) -> Pushed | None:
        """Returns what was pushed; None if somebody else has removed it."""
        stored: Any = self._redis.hget(self._keys.pushed, field)
        return _as_pushed(field, stored) if stored else None

    def done(self, pushed: Pushed, result: PushResult, pipe: Pipeline | None = None) -> None:
        """Removes what was read and counts it, in the transaction if there is one."""
        (self._redis if pipe is None else pipe).hdel(self._keys.pushed, pushed.field)
        self.count(result, pipe)

    def count(self, result: PushResult, pipe: Pipeline | None = None) -> None:
        """Counts a push."""
        self._counters.push(result, pipe)


def _as_push(stored: bytes) -> Push:
    try:
        return from_json(Push, stored) if stored else NO_PUSH
    except ValidationError:
        return NO_PUSH


def _as_pushed(field: str, stored: bytes) -> Pushed:
    head, _, document = stored.partition(b"\n")
    about = json.loads(head)
    return Pushed(
        field.partition(":")[0],
        datetime.fromisoformat(about["at"]).astimezone(UTC),
        about["url"],
        about["type"],
        document,
        field,
    )
