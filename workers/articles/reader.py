"""The reader: fetches the pages of many entries at once, and hands them to the cleaners.

RQ's worker runs in the main thread and takes jobs while there is room for them in the event loop,
which has a thread of its own. What waits for room waits in Redis, where urgent entries overtake it.
"""

from __future__ import annotations

import asyncio
import os
import socket
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

import structlog
from redis.exceptions import RedisError

from monitor import threads
from monitor.executors import call_in
from monitor.http.client import HttpClient
from monitor.jobs.outcome import Again
from workers.articles.cleaners import Cleaners
from workers.articles.process import Processor

if TYPE_CHECKING:
    from monitor.jobs.queues import Lane
    from monitor.jobs.runner import Runner, Taken
    from monitor.runtime.composition import Runtime

# How often to look whether the turn of a job that waits has come.
TURNS = timedelta(seconds=0.1)
# How often to show the pool that the event loop turns.
LIFE = timedelta(seconds=1)
# How often to look whether this process has claimed jobs that it does not know of.
CLAIMS = timedelta(seconds=5)
# Pauses in seconds after unforeseen errors; after the last one, a job is given up.
FAULT_PAUSES_S = (5, 30, 120, 600)
# While Redis does not answer, it is asked again after this time.
REDIS_PAUSE_S = 1
REDIS_THREADS = 8

log = structlog.stdlib.get_logger(__name__)


class Reader:
    """Runs jobs of entries at once, up to the limit of the configuration."""

    def __init__(
        self,
        runtime: Runtime,
        runner: Runner,
        listener: socket.socket,
        beat: Callable[[], None],
    ) -> None:
        """Starts the event loop, which calls `beat` as it turns; cleaners connect to `listener`."""
        self._beat = beat
        self._runner = runner
        self._runtime = runtime
        self._queues = runtime.queues
        limits = runtime.config.settings.articles
        self._at_once, self._processes = limits.pages, limits.processes
        self._cleaners = Cleaners(listener, limits.processes)
        self._redis_threads = ThreadPoolExecutor(REDIS_THREADS, "redis")
        # The ids of the jobs that this process runs; guarded by the condition.
        self._under_way: list[str] = []
        self._changed = threading.Condition()
        self._draining = False
        self._tasks: set[asyncio.Task[None]] = set()
        self._ready = threading.Event()
        self._thread = threads.start(self._run_loop, "reader")
        self._ready.wait()

    def wait_for_room(self) -> None:
        """Returns when another job can be admitted; called by RQ's worker."""
        with self._changed:
            self._changed.wait_for(self._has_room)

    def _has_room(self) -> bool:
        return self._room() > 0

    def _room(self) -> int:
        """Returns how many more jobs may be started."""
        if self._draining:
            return 0
        if self._cleaners.waiting_small > 2 * self._processes:
            # More pages would only wait longer, and here no urgent one would overtake them.
            return 0
        # Large pages wait for the few cleaners that take them, and must not keep others away.
        waiting = min(self._cleaners.waiting_large, self._at_once)
        return self._at_once + waiting - len(self._under_way)

    def admit(self, job_id: str, lane: Lane) -> None:
        """Claims a job and starts it, unless it is under way; called by RQ's worker."""
        with self._changed:
            if job_id in self._under_way:
                # It was found lost, and queued again, just before it was taken.
                return
            self._under_way.append(job_id)
        taken = None
        try:
            taken = self._runner.take("articles", job_id, lane)
        except RedisError as error:
            # As any job that is owed, and that nobody runs, it is recovered.
            log.warning("redis failed", job=job_id, error=str(error))
        finally:
            # If another process runs it and dies, it is recovered, too.
            if taken is None:
                self._end(job_id)
        if taken:
            self._loop.call_soon_threadsafe(self._start, taken)

    def _end(self, job_id: str) -> None:
        with self._changed:
            self._under_way.remove(job_id)
            self._changed.notify_all()

    def drain(self) -> None:
        """Takes no more jobs from lines, and returns when all jobs have ended."""
        self._draining = True
        with self._changed:
            self._changed.wait_for(lambda: not self._under_way)

    def stop(self) -> None:
        """Interrupts the jobs that have not ended, and puts them back into the queue."""
        self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join()

    def _run_loop(self) -> None:
        try:
            asyncio.run(self._main())
        except BaseException:
            # Without its loop this process is useless, and its pool starts another one.
            log.critical("reader ends", exc_info=True)
            os._exit(1)

    async def _main(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stopping = asyncio.Event()
        async with HttpClient.of(self._runtime.config.settings) as http:
            self._processor = Processor(
                self._runtime,
                http,
                self._cleaners.ask,
                feed_share=max(2, self._at_once // 4),
                threads=self._redis_threads,
            )
            background = [
                asyncio.create_task(self._cleaners.accept()),
                asyncio.create_task(self._show_life()),
                asyncio.create_task(self._release_turns()),
                asyncio.create_task(self._end_unknown_claims()),
            ]
            self._ready.set()
            stopping = asyncio.create_task(self._stopping.wait())
            await asyncio.wait([*background, stopping], return_when=asyncio.FIRST_COMPLETED)
            interrupted = list(self._under_way)
            tasks = [*background, *self._tasks]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self._cleaners.close()
            for job_id in interrupted:
                with suppress(RedisError):
                    await call_in(
                        self._redis_threads, self._queues.enqueue_again, "articles", job_id
                    )
            if not self._stopping.is_set():
                raise RuntimeError("a part of the reader has ended")

    async def _show_life(self) -> None:
        """Shows the pool that the event loop turns, also while Redis does not answer."""
        while True:
            self._beat()
            await asyncio.sleep(LIFE.total_seconds())

    async def _release_turns(self) -> None:
        """Starts jobs whose turn has come; never returns."""
        release = self._processor.lines.release
        while True:
            await asyncio.sleep(TURNS.total_seconds())
            with self._changed:
                # What waits for cleaners has changed, too.
                self._changed.notify_all()
            most = self._room()
            if most <= 0:
                continue
            with suppress(RedisError):
                for taken in await call_in(
                    self._redis_threads, release, self._runner, datetime.now(UTC), most
                ):
                    with self._changed:
                        self._under_way.append(taken.id)
                    self._start(taken)

    async def _end_unknown_claims(self) -> None:
        """Gives back jobs that came with a reply that was lost; never returns."""
        while True:
            await asyncio.sleep(CLAIMS.total_seconds())
            with suppress(RedisError):
                known = frozenset(self._under_way)
                await call_in(
                    self._redis_threads, self._runner.end_unknown_claims, "articles", known
                )

    def _start(self, taken: Taken) -> None:
        """Runs a job to its end."""
        task = self._loop.create_task(self._run(taken))
        self._tasks.add(task)

        def ended(task: asyncio.Task[None]) -> None:
            self._tasks.discard(task)
            self._end(taken.id)

        task.add_done_callback(ended)

    async def _run(self, taken: Taken) -> None:
        """Processes an entry, and arranges that it is processed again if that is to be."""
        job_id = taken.id
        try:
            outcome = await self._processor.process(taken)
        except RedisError as error:
            log.warning("redis failed", job=job_id, error=str(error))
            await self._insist(partial(self._after_outage, job_id))
        except Exception as error:
            log.exception("job failed", job=job_id)
            await self._insist(partial(self._after_fault, job_id, error))
        else:
            if isinstance(outcome, Again):
                await self._insist(partial(self._again, job_id, outcome.pause_s))

    def _after_outage(self, job_id: str) -> None:
        """Arranges that a job is run again; Redis's failure does not count as its attempt."""
        # It may be settled, and only the reply was lost.
        if self._queues.is_owed("articles", job_id):
            self._queues.postpone("articles", job_id)
            self._again(job_id, REDIS_PAUSE_S)

    def _after_fault(self, job_id: str, error: Exception) -> None:
        """Arranges that a job is run again after an unforeseen error, or gives it up."""
        begun = self._queues.begun("articles", job_id)
        if begun > len(FAULT_PAUSES_S):
            self._queues.give_up("articles", job_id, f"{type(error).__name__}: {error}")
        else:
            self._again(job_id, FAULT_PAUSES_S[max(0, begun - 1)])

    def _again(self, job_id: str, pause_s: int) -> None:
        with self._runtime.redis.pipeline() as pipe:
            self._queues.again(job_id, pause_s, pipe)
            pipe.execute()

    async def _insist(self, call: Callable[[], None]) -> None:
        """Makes a call until Redis answers: this process has the job, and nobody else."""
        while True:
            try:
                await call_in(self._redis_threads, call)
            except RedisError:
                await asyncio.sleep(REDIS_PAUSE_S)
            else:
                return
