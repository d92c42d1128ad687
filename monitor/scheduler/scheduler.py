"""The scheduler: polls feeds (`rounds.Rounds`), and leads if no other scheduler does.

Due times are kept in Redis, so a restart forgets nothing, and any number of schedulers poll. One of
them leads: at ticks of APScheduler it does what must be done once.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Coroutine, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from redis.exceptions import RedisError

from monitor.config import Config
from monitor.errors import ConfigError
from monitor.http.client import HttpClient
from monitor.jobs.governor import Governor
from monitor.runtime.composition import ConfigWatch, Runtime
from monitor.scheduler.archive_lag import ArchiveLag
from monitor.scheduler.housekeeping import Housekeeping
from monitor.scheduler.hubs import HubRequests
from monitor.scheduler.leadership import Leadership
from monitor.scheduler.outage import RedisOutage
from monitor.scheduler.outbox import Outbox
from monitor.scheduler.poll import Poller
from monitor.scheduler.pushed import PushedDocuments
from monitor.scheduler.reports import PollReports
from monitor.scheduler.rounds import Rounds
from monitor.scheduler.urgency import Urgency

TICK = timedelta(seconds=1)
RELOAD = timedelta(seconds=2)
RECOVER = timedelta(seconds=5)
HOUSEKEEPING = timedelta(minutes=10)
SUBSCRIBE = timedelta(seconds=5)
# A tick that takes longer is logged: the next ones of its kind do not run meanwhile.
LATE = timedelta(seconds=10)
# When the scheduler stops, running ticks and polls have this long to end.
DRAIN_TICKS = timedelta(seconds=2)
DRAIN_POLLS = timedelta(seconds=3)
# Polls wait for Redis in these threads, and read small feeds in others.
THREADS = 8
READERS = 2

log = structlog.stdlib.get_logger(__name__)


class PeriodicTask(Protocol):
    """A method that runs at regular intervals."""

    __name__: str

    def __call__(self) -> Coroutine[Any, Any, None]:
        """Runs it once."""


class Scheduler:
    """One scheduler process."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._watch = ConfigWatch(runtime)
        self._leadership = Leadership(runtime.redis, runtime.store.keys.leader)
        self._housekeeping = Housekeeping(runtime.store, runtime.queues)
        self._archive_lag = ArchiveLag()
        self._reports = PollReports()
        self._threads = ThreadPoolExecutor(THREADS, "polls")
        self._readers = ThreadPoolExecutor(READERS, "readers")
        self._outage = RedisOutage()
        self._governor = Governor(runtime.store)
        self._rounds = Rounds(runtime.store, self._outage, self._governor)
        self._hubs = HubRequests(runtime.store, self._threads)
        self._pushed = PushedDocuments(
            runtime.store, runtime.queues, threads=self._threads, readers=self._readers
        )
        # The term of leadership in which our feeds were last scheduled.
        self._scheduled = 0
        self._stopping = False
        self._ticks: set[asyncio.Task[None]] = set()
        # Tasks that close HTTP clients of earlier configurations when their polls have ended.
        self._closing: set[asyncio.Task[None]] = set()

    async def _use(self, config: Config) -> None:
        # Compiling many queries would hold up the event loop.
        urgency = await asyncio.to_thread(Urgency, config.watchlists, config.definitions)
        self._config = config
        self._http = await HttpClient.of(config.settings).__aenter__()
        poller = Poller(
            self._runtime.store,
            self._runtime.queues,
            self._http,
            config.settings,
            threads=self._threads,
            readers=self._readers,
            reports=self._reports,
            urgency=urgency,
            governor=self._governor,
        )
        self._rounds.use(config.feeds, config.settings, poller)
        self._pushed.use(config, urgency)
        self._outbox = Outbox(self._runtime.store, self._runtime.queues, config)
        self._scheduled = 0

    async def run(self, stop: asyncio.Event) -> None:
        """Polls, and leads or waits to lead, until `stop` is set."""
        await self._use(self._runtime.config)
        clock = AsyncIOScheduler(
            timezone=UTC,
            # Late ticks run late rather than never, and several missed ones run as one.
            job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 1},
        )
        tasks: dict[PeriodicTask, timedelta] = {
            self._lead: TICK,
            self._schedule: TICK,
            self._reload: RELOAD,
            self._read_pushed: TICK,
            self._subscribe: SUBSCRIBE,
            self._release: TICK,
            self._recover: RECOVER,
            self._keep_house: HOUSEKEEPING,
        }
        for task, interval in tasks.items():
            clock.add_job(
                self._guarded(task),
                "interval",
                seconds=interval.total_seconds(),
                name=task.__name__,
            )
        clock.start()
        log.info("scheduler started", feeds=len(self._config.feeds))
        for task in (self._lead, self._schedule):
            await self._guarded(task)()
        rounds = asyncio.create_task(self._rounds.run())
        await stop.wait()
        await self._stop(clock, rounds)
        log.info("scheduler stopped")

    async def _stop(self, clock: AsyncIOScheduler, rounds: asyncio.Task[None]) -> None:
        """Stops in order: new ticks, running ticks, polls, the lead, and the resources they use."""
        self._stopping = True
        clock.pause()
        self._rounds.stop()
        await _drain([*self._ticks, rounds], DRAIN_TICKS)
        await _drain([*self._rounds.under_way(), *self._pushed.under_way()], DRAIN_POLLS)
        for batch in self._hubs.under_way():
            batch.cancel()  # Its requests are due again later.
        await self._rounds.close()
        await _drain(self._closing, DRAIN_TICKS)
        await self._leadership.resign()
        clock.shutdown(wait=False)
        await asyncio.sleep(0)  # lets APScheduler shut down
        for executor in (self._threads, self._readers):
            executor.shutdown(wait=False, cancel_futures=True)
        await self._http.__aexit__(None, None, None)

    def _guarded(self, task: PeriodicTask) -> Callable[[], Coroutine[Any, Any, None]]:
        """Wraps a task so that its errors are logged, and it runs again at its next tick."""

        async def run() -> None:
            if self._stopping:
                return
            # A separate asyncio task, since APScheduler cancels its own when it shuts down.
            tick = asyncio.create_task(self._run(task))
            self._ticks.add(tick)
            tick.add_done_callback(self._ticks.discard)
            _, late = await asyncio.wait([tick], timeout=LATE.total_seconds())
            if late:
                log.warning("tick takes long", job=task.__name__)
                await asyncio.wait([tick])

        return run

    async def _run(self, task: PeriodicTask) -> None:
        try:
            await task()
        except RedisError as error:
            self._outage.failed(error, job=task.__name__)
        except Exception:
            log.exception("tick failed", job=task.__name__)

    async def _lead(self) -> None:
        self._reports.settle(datetime.now(UTC))
        await self._leadership.renew()
        self._outage.ended()

    async def _schedule(self) -> None:
        term = self._leadership.terms
        if self._leadership.leading and self._scheduled != term:
            config, now = self._config, datetime.now(UTC)
            await asyncio.to_thread(self._runtime.store.feeds.schedule, config.feeds, now)
            if config is self._config:
                self._scheduled = term
            self._hubs.forget()
            self._rounds.look()

    async def _reload(self) -> None:
        try:
            config = await asyncio.to_thread(self._watch.changed)
        except ConfigError as error:
            for fault in error.faults:
                log.error("configuration broken, keeping the old one", fault=str(fault))  # noqa: TRY400
            return
        if config is not None:
            old = self._http
            await self._use(config)
            # Polls may have started with the old client until now.
            under_way = [*self._rounds.under_way(), *self._hubs.under_way()]
            task = asyncio.create_task(_close_after(under_way, old))
            self._closing.add(task)
            task.add_done_callback(self._closing.discard)
            log.info("configuration read", feeds=len(config.feeds))

    async def _read_pushed(self) -> None:
        if self._leadership.leading:
            await self._pushed.look()

    async def _subscribe(self) -> None:
        if self._leadership.leading:
            await self._hubs.look(self._config, self._http)

    async def _release(self) -> None:
        if self._leadership.leading:
            await asyncio.to_thread(self._runtime.queues.enqueue_due)
            await asyncio.to_thread(self._outbox.release, datetime.now(UTC))

    async def _recover(self) -> None:
        if self._leadership.leading:
            for job_id in await asyncio.to_thread(self._runtime.queues.recover):
                log.warning("lost job recovered", job=job_id)

    async def _keep_house(self) -> None:
        if self._leadership.leading:
            await asyncio.to_thread(self._housekeeping.keep, self._config, datetime.now(UTC))
            current = replace(self._runtime, config=self._config)
            await asyncio.to_thread(self._archive_lag.look, current, datetime.now(UTC))

    def reload_now(self) -> None:
        """Makes the next look at the configuration read it, changed or not."""
        self._watch.forget()


async def _close_after(polls: list[asyncio.Task[None]], http: HttpClient) -> None:
    """Closes a client when the polls that use it have ended."""
    if polls:
        await asyncio.wait(polls)
    await http.__aexit__(None, None, None)


async def _drain(tasks: Iterable[asyncio.Task[None]], patience: timedelta) -> None:
    """Lets tasks end, and cancels those that take too long."""
    if running := list(tasks):
        _, late = await asyncio.wait(running, timeout=patience.total_seconds())
        for task in late:
            task.cancel()
        if late:
            await asyncio.wait(late, timeout=1)


async def serve(runtime: Runtime) -> None:
    """Runs a scheduler until SIGTERM or SIGINT; SIGHUP rereads the configuration."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    scheduler = Scheduler(runtime)
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    loop.add_signal_handler(signal.SIGHUP, scheduler.reload_now)
    await scheduler.run(stop)
