"""The cleaner processes of a pool, as its reader sees them: who is free, late, or dead."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import structlog

from monitor.jobs.limits import CLEANING
from monitor.jobs.queues import LANES
from workers.articles.cleaner import Answer, encode

if TYPE_CHECKING:
    from monitor.http.client import Response
    from workers.articles.cleaner import Request

# A cleaner interrupts itself after CLEANING; one that has hung in a library in C is killed.
PATIENCE = CLEANING + timedelta(seconds=5)
# Larger pages may take seconds to clean, and half of the cleaners are kept free of them.
LARGE_BYTES = 400_000

log = structlog.stdlib.get_logger(__name__)


def is_large(response: Response) -> bool:
    """Returns whether a page may take seconds to clean."""
    return len(response.body) > LARGE_BYTES


@dataclass(eq=False, slots=True)
class _Waiting:
    """A request that waits for a cleaner."""

    request: bytes
    order: tuple[int, int]
    is_large: bool
    answer: asyncio.Future[Answer]


class Cleaners:
    """Hands requests to cleaners: urgent ones first, one at a time to each."""

    def __init__(self, listener: socket.socket, processes: int) -> None:
        """Expects the cleaners, `processes` of them, to connect to `listener`."""
        self._listener = listener
        self._most_large = max(1, processes // 2)
        self._large = 0
        self._asked = 0
        self._waiting: list[_Waiting] = []
        self._changed = asyncio.Condition()
        self._connections: set[asyncio.Task[None]] = set()

    @property
    def waiting_large(self) -> int:
        """Returns how many large pages wait for a cleaner."""
        return sum(waiting.is_large for waiting in self._waiting)

    @property
    def waiting_small(self) -> int:
        """Returns how many other requests wait for a cleaner."""
        return len(self._waiting) - self.waiting_large

    async def accept(self) -> None:
        """Accepts cleaners, which connect whenever the pool forks one; never returns."""
        loop = asyncio.get_running_loop()
        self._listener.setblocking(False)
        while True:
            connection, _ = await loop.sock_accept(self._listener)
            task = loop.create_task(self._serve(connection))
            self._connections.add(task)
            task.add_done_callback(self._connections.discard)

    async def close(self) -> None:
        """Ends the connections, and with them the cleaners."""
        for task in self._connections:
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    async def ask(self, request: Request) -> Answer:
        """Returns the answer to a request, when a cleaner was free for it and has ended."""
        self._asked += 1
        response = request.response
        waiting = _Waiting(
            encode(request),
            (LANES.index(request.lane), self._asked),
            response is not None and is_large(response),
            asyncio.get_running_loop().create_future(),
        )
        self._waiting.append(waiting)
        await self._notify()
        try:
            return await waiting.answer
        finally:
            with suppress(ValueError):
                self._waiting.remove(waiting)

    async def _notify(self) -> None:
        async with self._changed:
            self._changed.notify_all()

    async def _serve(self, connection: socket.socket) -> None:
        """Gives a cleaner one request after another until it is gone."""
        reader, writer = await asyncio.open_unix_connection(sock=connection)
        try:
            pid = int(await _receive(reader))
            while await self._serve_one(reader, writer, pid):
                pass
        except (asyncio.IncompleteReadError, ConnectionError):
            log.warning("cleaner ended before it was ready")
        finally:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()

    async def _serve_one(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, pid: int
    ) -> bool:
        """Gives a cleaner the next request; returns whether it takes more."""
        waiting = await self._next()
        try:
            answer = await self._exchange(waiting, reader, writer, pid)
            if answer is None:
                self._waiting.append(waiting)
                return False
            if not waiting.answer.done():
                waiting.answer.set_result(answer)
            return not answer.last
        finally:
            self._large -= waiting.is_large
            await self._notify()

    async def _next(self) -> _Waiting:
        async with self._changed:
            await self._changed.wait_for(lambda: any(map(self._may_go, self._waiting)))
            waiting = min(filter(self._may_go, self._waiting), key=lambda each: each.order)
            self._waiting.remove(waiting)
            self._large += waiting.is_large
            return waiting

    def _may_go(self, waiting: _Waiting) -> bool:
        return not waiting.is_large or self._large < self._most_large

    async def _exchange(
        self,
        waiting: _Waiting,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        pid: int,
    ) -> Answer | None:
        """Sends a request and returns the answer; kills a cleaner that is late.

        Returns None if the cleaner ended before it began: that is not the request's fault.
        """
        has_begun = False
        try:
            async with asyncio.timeout(PATIENCE.total_seconds()):
                writer.write(len(waiting.request).to_bytes(4) + waiting.request)
                await reader.readexactly(4)
                has_begun = True
                return Answer(**json.loads(await _receive(reader)))
        except TimeoutError:
            log.error("cleaner hangs, and is killed", pid=pid)  # noqa: TRY400 - no fault of ours
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
            return Answer("died", "cleaning never ends", last=True)
        except (asyncio.IncompleteReadError, ConnectionError):
            return Answer("died", "cleaning crashes", last=True) if has_begun else None


async def _receive(reader: asyncio.StreamReader) -> bytes:
    size = int.from_bytes(await reader.readexactly(4))
    return await reader.readexactly(size)
