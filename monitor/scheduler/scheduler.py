"""The scheduler: at each tick of APScheduler, finds the feeds that are due and polls them at once.

Due times are kept in Redis, so a restart forgets nothing, and another scheduler can take over. One
scheduler leads; the others wait. If two briefly believe that they lead, each poll's transaction
still lets only one of them queue an entry.
"""

from __future__ import annotations

import asyncio
import signal
import time
from collections import Counter
from collections.abc import Callable, Coroutine, Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from redis.exceptions import RedisError

from monitor.articles.urls import host
from monitor.config import Config
from monitor.errors import ConfigError
from monitor.http.client import HttpClient
from monitor.model import Feed
from monitor.runtime.composition import ConfigWatch, Runtime
from monitor.scheduler.housekeeping import Housekeeping
from monitor.scheduler.leadership import Leadership
from monitor.scheduler.outbox import Outbox
from monitor.scheduler.poll import Poller
from monitor.scheduler.reports import PollReports
from monitor.scheduler.urgency import Urgency

TICK = timedelta(seconds=1)
RELOAD = timedelta(seconds=2)
RECOVER = timedelta(seconds=5)
HOUSEKEEPING = timedelta(minutes=10)
# When the scheduler stops, running ticks and polls have this long to end.
DRAIN_TICKS = timedelta(seconds=2)
DRAIN_POLLS = timedelta(seconds=3)
# A poll whose outcome could not be written down is repeated after this time.
REST = timedelta(seconds=5)
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
        self._reports = PollReports()
        self._threads = ThreadPoolExecutor(THREADS, "polls")
        self._readers = ThreadPoolExecutor(READERS, "readers")
        self._polls: dict[str, asyncio.Task[None]] = {}
        # How many requests to each host are under way.
        self._hosts: Counter[str] = Counter()
        # Feed id → when it may be polled again (by time.monotonic).
        self._resting: dict[str, float] = {}
        # The term of leadership in which our feeds were last scheduled.
        self._scheduled = 0
        # Ids of feeds whose last poll could not be written down.
        self._unwritten: set[str] = set()
        self._redis_failing = False
        self._stopping = False
        self._ticks: set[asyncio.Task[None]] = set()
        # Tasks that close HTTP clients of earlier configurations when their polls have ended.
        self._closing: set[asyncio.Task[None]] = set()

    async def _use(self, config: Config) -> None:
        # Compiling many queries would hold up the event loop.
        urgency = await asyncio.to_thread(Urgency, config.watchlists, config.definitions)
        self._config = config
        self._feeds = {feed.id: feed for feed in config.feeds}
        self._http = await HttpClient.of(config.settings).__aenter__()
        self._poller = Poller(
            self._runtime.store,
            self._runtime.queues,
            self._http,
            config.settings,
            threads=self._threads,
            readers=self._readers,
            reports=self._reports,
            urgency=urgency,
        )
        self._outbox = Outbox(self._runtime.store, self._runtime.queues, config)
        self._scheduled = 0

    async def run(self, stop: asyncio.Event) -> None:
        """Leads, or waits to lead, until `stop` is set."""
        await self._use(self._runtime.config)
        clock = AsyncIOScheduler(
            timezone=UTC,
            # Late ticks run late rather than never, and several missed ones run as one.
            job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 1},
        )
        tasks: dict[PeriodicTask, timedelta] = {
            self._lead: TICK,
            self._tick: TICK,
            self._reload: RELOAD,
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
        log.info("scheduler started", feeds=len(self._feeds))
        for task in (self._lead, self._tick):
            await self._guarded(task)()
        await stop.wait()
        await self._stop(clock)
        log.info("scheduler stopped")

    async def _stop(self, clock: AsyncIOScheduler) -> None:
        """Stops in order: new ticks, running ticks, polls, the lead, and the resources they use."""
        self._stopping = True
        clock.pause()
        await _drain(self._ticks, DRAIN_TICKS)
        await _drain(self._polls.values(), DRAIN_POLLS)
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
            await asyncio.wait([tick])

        return run

    async def _run(self, task: PeriodicTask) -> None:
        try:
            await task()
        except RedisError as error:
            self._redis_failed(error, job=task.__name__)
        except Exception:
            log.exception("tick failed", job=task.__name__)

    def _redis_failed(self, error: RedisError, *, repeated: bool = False, **context: str) -> None:
        """Logs a failure of Redis as an error once, not at every tick."""
        level = log.debug if repeated or self._redis_failing else log.error
        level("redis failed", error=str(error), **context)
        self._redis_failing = True

    async def _lead(self) -> None:
        self._reports.settle(datetime.now(UTC))
        await self._leadership.renew()
        if self._redis_failing:
            log.info("redis answers again")
            self._redis_failing = False

    async def _tick(self) -> None:
        if not self._leadership.leading:
            return
        now, store = datetime.now(UTC), self._runtime.store
        term = self._leadership.terms
        if self._scheduled != term:
            await asyncio.to_thread(store.feeds.schedule, self._feeds.values(), now)
            self._scheduled = term
        for feed_id in await asyncio.to_thread(store.feeds.due, now):
            feed = self._feeds.get(feed_id)
            if feed and feed_id not in self._polls and self._has_room(feed):
                self._start(feed)

    def _has_room(self, feed: Feed) -> bool:
        limits = self._config.settings.poll
        return (
            self._hosts.total() < limits.at_once
            and self._hosts[host(feed.url)] < limits.per_host
            and self._resting.get(feed.id, 0) <= time.monotonic()
        )

    def _start(self, feed: Feed) -> None:
        name = host(feed.url)
        self._hosts[name] += 1
        is_fetching = True

        def fetched() -> None:
            """Frees the request's place: what was fetched may wait long before it is read."""
            nonlocal is_fetching
            if is_fetching:
                self._hosts -= Counter({name: 1})
            is_fetching = False

        def ended(_: asyncio.Task[None]) -> None:
            fetched()
            del self._polls[feed.id]

        task = asyncio.create_task(self._poll(feed, fetched))
        self._polls[feed.id] = task
        task.add_done_callback(ended)

    async def _poll(self, feed: Feed, fetched: Callable[[], None]) -> None:
        with structlog.contextvars.bound_contextvars(feed=feed.url):
            self._resting.pop(feed.id, None)
            try:
                await self._poller.poll(feed, fetched=fetched)
                self._unwritten.discard(feed.id)
            except RedisError as error:
                # The feed stays due, and is polled again when Redis answers.
                self._rest(feed)
                self._redis_failed(error, repeated=feed.id in self._unwritten)
                self._unwritten.add(feed.id)
            except Exception:
                self._rest(feed)
                log.exception("poll failed")

    def _rest(self, feed: Feed) -> None:
        self._resting[feed.id] = time.monotonic() + REST.total_seconds()

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
            under_way = list(self._polls.values())
            task = asyncio.create_task(_close_after(under_way, old))
            self._closing.add(task)
            task.add_done_callback(self._closing.discard)
            log.info("configuration read", feeds=len(config.feeds))

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
