"""What the archive has still to write: a stream, from which any number of archives read in a group.

A record stays on the stream until it is written. One that an archive took and did not write, since
it was killed, goes to another archive after `PRESUMED_DEAD`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from redis.exceptions import ResponseError

from monitor.coverage import Record
from monitor.model import as_json
from monitor.store.client import block_ms
from monitor.store.replies import first_stream, text

if TYPE_CHECKING:
    from redis import Redis
    from redis.client import Pipeline

    from monitor.store.keys import Keys

GROUP = "archive"
# Writing a batch takes a second or two; if it is written twice, that makes no difference.
PRESUMED_DEAD = timedelta(seconds=10)
# Consumers that have been idle for this long, with nothing left to write, are forgotten.
FORGOTTEN = timedelta(hours=1)
# So many of the records that could not be written are kept, the newest.
MOST_REFUSED = 1000
# If a record has waited for longer than this, the archive is behind.
LATE = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Backlog:
    """How many records are to be written, the moment of the oldest, and how many were refused."""

    records: int
    oldest: datetime | None
    refused: int

    def is_late(self, now: datetime) -> bool:
        """Returns whether a record has waited for longer than `LATE`."""
        return self.oldest is not None and self.oldest < now - LATE


class Unarchived:
    """The stream of records for the archive."""

    def __init__(self, redis: Redis, keys: Keys) -> None:
        self._redis = redis
        self._keys = keys
        self._consumer = uuid4().hex

    def add(self, record: Record, pipe: Pipeline) -> None:
        """Adds a record, in the transaction."""
        pipe.xadd(self._keys.unarchived, {"record": as_json(record)})

    def take(self, most: int, block: timedelta) -> list[tuple[str, bytes]]:
        """Returns up to `most` records with their ids, oldest first; waits for the first one.

        They are this process's to write, and to `settle`.
        """
        try:
            if left := self._of_the_dead(most):
                return left
            answer: Any = self._redis.xreadgroup(
                GROUP,
                self._consumer,
                {self._keys.unarchived: ">"},
                count=most,
                block=block_ms(self._redis, block),
            )
        except ResponseError as error:
            if "NOGROUP" not in str(error):
                raise
            # At the first start, or if Redis has lost its data.
            self._redis.xgroup_create(self._keys.unarchived, GROUP, id="0", mkstream=True)
            return []
        return _records(first_stream(answer))

    def _of_the_dead(self, most: int) -> list[tuple[str, bytes]]:
        idle_ms = int(PRESUMED_DEAD.total_seconds() * 1000)
        answer: Any = self._redis.xautoclaim(
            self._keys.unarchived, GROUP, self._consumer, min_idle_time=idle_ms, count=most
        )
        return _records(
            [(text(stream_id), fields) for stream_id, fields in answer[1] if stream_id and fields]
        )

    def settle(self, ids: Sequence[str]) -> None:
        """Removes records that are written."""
        with self._redis.pipeline() as pipe:
            pipe.xack(self._keys.unarchived, GROUP, *ids)
            pipe.xdel(self._keys.unarchived, *ids)
            pipe.execute()

    def refuse(self, record: bytes, reason: str) -> None:
        """Keeps a record that cannot be written, with the reason, for an operator to see."""
        fields: Any = {"record": record, "error": reason}
        self._redis.xadd(self._keys.unarchivable, fields, maxlen=MOST_REFUSED)

    def backlog(self) -> Backlog:
        """Returns how far the archive is behind."""
        with self._redis.pipeline(transaction=False) as pipe:
            pipe.xlen(self._keys.unarchived)
            pipe.xrange(self._keys.unarchived, count=1)
            pipe.xlen(self._keys.unarchivable)
            count, first, refused = pipe.execute()
        oldest = None
        for stream_id, _ in first:
            milliseconds = int(text(stream_id).partition("-")[0])
            oldest = datetime.fromtimestamp(milliseconds / 1000, UTC)
        return Backlog(count, oldest, refused)

    def waiting(self) -> list[bytes]:
        """Returns all records that are still to be written, oldest first."""
        answer: Any = self._redis.xrange(self._keys.unarchived)
        return [record for _, record in _records(answer)]

    def forget_consumers(self) -> None:
        """Forgets archives that have ended; to be called now and then."""
        try:
            consumers: Any = self._redis.xinfo_consumers(self._keys.unarchived, GROUP)
        except ResponseError:
            return
        for consumer in consumers:
            idle = timedelta(milliseconds=consumer["idle"])
            if idle > FORGOTTEN and not consumer["pending"]:
                self._redis.xgroup_delconsumer(self._keys.unarchived, GROUP, consumer["name"])


def _records(entries: Iterable[tuple[Any, Any]]) -> list[tuple[str, bytes]]:
    """Returns the id and the JSON of each record. A foreign entry has empty JSON."""
    return [(text(stream_id), fields.get(b"record", b"")) for stream_id, fields in entries]
