"""Writes down polls that found nothing new, in groups: one transaction each would cost more."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from concurrent.futures import Executor
from typing import TYPE_CHECKING

from redis.exceptions import RedisError

from monitor.executors import call_in

if TYPE_CHECKING:
    from monitor.store.feeds import FeedStore, StateRecord

# Polls that end within this time are written down together.
GROUP_S = 0.05


class GroupedCommits:
    """Stores the results of polls; a result counts as stored only when its group is."""

    def __init__(self, feeds: FeedStore, threads: Executor | None) -> None:
        self._feeds = feeds
        self._threads = threads
        self._waiting: list[tuple[StateRecord, asyncio.Future[None]]] = []
        self._writers: set[asyncio.Task[None]] = set()

    async def commit(self, record: StateRecord) -> None:
        """Stores a result with others that come at the same time; raises as `commit` does."""
        stored = asyncio.get_running_loop().create_future()
        self._waiting.append((record, stored))
        if len(self._waiting) == 1:
            writer = asyncio.create_task(self._write())
            self._writers.add(writer)
            writer.add_done_callback(self._writers.discard)
        await stored

    async def _write(self) -> None:
        await asyncio.sleep(GROUP_S)
        group, self._waiting = self._waiting, []
        fault = await self._try([record for record, _ in group])
        for record, stored in group:
            # What cannot be written at all must not keep the others from being written.
            is_alone = len(group) == 1 or fault is None or isinstance(fault, RedisError)
            error = fault if is_alone else await self._try([record])
            if stored.done():  # The poll was cancelled.
                continue
            if error is None:
                stored.set_result(None)
            else:
                stored.set_exception(error)

    async def _try(self, records: Sequence[StateRecord]) -> Exception | None:
        try:
            await call_in(self._threads, self._feeds.commit, records)
        except Exception as error:  # noqa: BLE001 - raised where the poll waits
            return error
        return None
