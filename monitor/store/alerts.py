"""Alerts in Redis: the stream records them, and channels carry them live."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import structlog
from redis.exceptions import RedisError, ResponseError

from monitor.model import Alert, as_json, from_json
from monitor.store.client import block_ms
from monitor.store.counters import CounterStore
from monitor.store.packed import packed, unpacked
from monitor.store.replies import first_stream, stream_entries, text

if TYPE_CHECKING:
    from redis import Redis
    from redis.client import Pipeline

    from monitor.store.keys import Keys

PAGE_ENTRIES = 500
# The pause between two attempts to reach a Redis that does not answer.
RECONNECT_PAUSE_S = 0.5

log = structlog.stdlib.get_logger(__name__)


class AlertStore:
    """The store of alerts."""

    def __init__(self, redis: Redis, keys: Keys, keep: timedelta) -> None:
        self._redis = redis
        self._keys = keys
        self._keep = keep
        self._counters = CounterStore(redis, keys)

    def get(self, alert_id: str) -> Alert | None:
        """Returns an alert that is kept for deliveries by its id, or None."""
        stored = self._redis.get(self._keys.alert(alert_id))
        return from_json(Alert, unpacked(stored)) if stored else None

    def get_all(self, alert_ids: Sequence[str]) -> list[Alert]:
        """Returns those of these alerts that are kept for deliveries, in the given order."""
        stored = self._redis.mget(list(map(self._keys.alert, alert_ids)))
        return [from_json(Alert, unpacked(each)) for each in stored if each]

    def publish(self, alert: Alert, pipe: Pipeline) -> None:
        """Publishes an alert on the stream and both channels, in the transaction.

        If it has subscribers, it is kept for its deliveries.
        """
        document = json.dumps(alert.document, ensure_ascii=False)
        if alert.subscribers:
            self.keep(alert, pipe)
        pipe.xadd(self._keys.alerts, {"alert": document})
        pipe.publish(self._keys.alerts, document)
        pipe.publish(self._keys.alerts_of(alert.watchlist), document)
        self._counters.alert(alert.watchlist, pipe)

    def keep(self, alert: Alert, pipe: Pipeline) -> None:
        """Keeps an alert for its deliveries, in the transaction, without publishing it."""
        pipe.set(self._keys.alert(alert.id), packed(as_json(alert)), ex=self._keep)

    def latest(self, limit: int = 100) -> list[dict[str, Any]]:
        """Returns the documents of the last alerts (JSON, version 1), newest first."""
        last = stream_entries(self._redis.xrevrange(self._keys.alerts, count=limit))
        return [_document(fields) for _, fields in last]

    def count(self) -> int:
        """Returns how many alerts are on the stream."""
        return int(self._redis.xlen(self._keys.alerts))

    def last_id(self) -> str:
        """Returns the stream id of the newest alert, or one before all others if there is none."""
        last = stream_entries(self._redis.xrevrange(self._keys.alerts, count=1))
        return last[0][0] if last else "0"

    def follow(self, *, after: str, block: timedelta) -> Iterator[dict[str, Any] | None]:
        """Yields the alerts after a stream id, in order, as they are published; never ends.

        Yields None whenever `block` has passed without an alert, and while Redis does not answer.
        """
        start, answers = after, True
        wait_ms = block_ms(self._redis, block)
        while True:
            entries: list[tuple[str, dict[bytes, bytes]]] = []
            try:
                answer = self._redis.xread(
                    {self._keys.alerts: start}, count=PAGE_ENTRIES, block=wait_ms
                )
                entries, answers = first_stream(answer), True
            except RedisError as error:
                # Redis is back in a moment, or somebody stops us; one line covers all attempts.
                if answers:
                    log.warning("redis failed", error=type(error).__name__)
                answers = False
                time.sleep(RECONNECT_PAUSE_S)
            if not entries:
                yield None
            for stream_id, fields in entries:
                start = stream_id
                yield _document(fields)

    def after(self, stream_id: str, most: int) -> list[tuple[str, dict[str, Any]]]:
        """Returns up to `most` alerts after a stream id, in order, each with its own stream id.

        Raises ValueError for what is not a stream id.
        """
        try:
            answer = self._redis.xrange(self._keys.alerts, min=f"({stream_id}", count=most)
        except ResponseError as error:
            raise ValueError(f"{stream_id!r} is not the id of an event") from error
        return [(entry_id, _document(fields)) for entry_id, fields in stream_entries(answer)]

    def trim(self, now: datetime) -> int:
        """Drops alerts older than `keep` that every consumer group has acknowledged.

        Returns how many.
        """
        cut = (int((now - self._keep).timestamp() * 1000), 0)
        for group in self._groups():
            cut = min(cut, self._unread_from(group))
        return int(
            self._redis.xtrim(self._keys.alerts, minid=f"{cut[0]}-{cut[1]}", approximate=False)
        )

    def _groups(self) -> list[dict[str, Any]]:
        if not self._redis.exists(self._keys.alerts):
            return []
        return list(self._redis.xinfo_groups(self._keys.alerts))

    def _unread_from(self, group: dict[str, Any]) -> tuple[int, int]:
        """Returns the first stream id that a group has not acknowledged."""
        milliseconds, sequence = map(int, text(group["last-delivered-id"]).split("-"))
        unread = (milliseconds, sequence + 1)
        if group["pending"]:
            pending = self._redis.xpending(self._keys.alerts, group["name"])
            oldest = tuple(map(int, text(pending["min"]).split("-")))
            unread = min(unread, (oldest[0], oldest[1]))
        return unread


def _document(fields: dict[bytes, bytes]) -> dict[str, Any]:
    """Returns the alert in a stream entry, or the fields as text under `unreadable`."""
    try:
        document = json.loads(fields[b"alert"])
    except (KeyError, ValueError):
        document = None
    return document if isinstance(document, dict) else {"unreadable": repr(fields)}
