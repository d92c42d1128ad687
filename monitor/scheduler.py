"""The scheduler: APScheduler's ticks find the feeds that are due, and poll them side by side.

Due times stand in Redis, so a restart forgets nothing, and a second scheduler takes over where
the first one fell. One of them leads, by a Redis lock; the others wait. Should two believe that
they lead, for the length of a hiccup, each poll's transaction still lets only one of them queue
an entry.
"""

from __future__ import annotations

import asyncio
import signal
from collections import Counter
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from redis.exceptions import LockError, RedisError
from redis.lock import Lock

from monitor.articles.urls import host
from monitor.config import Config
from monitor.errors import ConfigError
from monitor.feeds.poll import Poller
from monitor.http import HttpClient
from monitor.outbox import Outbox
from monitor.runtime import ConfigWatch, Runtime

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from monitor.model import Feed

TICK = timedelta(seconds=1)
RELOAD = timedelta(seconds=2)
RECOVER = timedelta(seconds=5)
HOUSEKEEPING = timedelta(minutes=10)
# A leader renews at every tick; another takes over this long after the last renewal.
LEASE = timedelta(seconds=10)
# Polls under way are given this long to end when the scheduler is told to stop.
DRAIN = timedelta(seconds=3)

log = structlog.stdlib.get_logger(__name__)


class Scheduler:
    """One scheduler process."""

    def __init__(self, runtime: Runtime, http: HttpClient) -> None:
        self._runtime = runtime
        self._http = http
        self._watch = ConfigWatch(runtime)
        self._leader = Lock(
            runtime.redis,
            runtime.store.keys.leader,
            timeout=LEASE.total_seconds(),
            blocking=False,
            # Renewed by whichever thread is free.
            thread_local=False,
        )
        self._leading = False
        self._polls: dict[str, asyncio.Task[None]] = {}
        self._hosts: Counter[str] = Counter()
        self._use(runtime.config)

    def _use(self, config: Config) -> None:
        self._config = config
        self._feeds = {feed.id: feed for feed in config.feeds}
        self._poller = Poller(
            self._runtime.store, self._runtime.queues, self._http, config.settings
        )
        self._outbox = Outbox(self._runtime.store, self._runtime.queues, config)
        self._scheduled = False

    async def run(self, stop: asyncio.Event) -> None:
        """Lead, or wait to lead, until `stop` is set."""
        clock = AsyncIOScheduler(
            timezone=UTC,
            # Late ticks run late rather than never, and pile up to one.
            job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 1},
        )
        jobs: dict[Callable[[], Coroutine[None, None, None]], timedelta] = {
            self._tick: TICK,
            self._reload: RELOAD,
            self._release: TICK,
            self._recover: RECOVER,
            self._keep_house: HOUSEKEEPING,
        }
        for job, every in jobs.items():
            clock.add_job(
                _guarded(job), "interval", seconds=every.total_seconds(), name=job.__name__
            )
        clock.start()
        log.info("scheduler started", feeds=len(self._feeds))
        await _guarded(self._tick)()
        await stop.wait()
        clock.shutdown(wait=False)
        await self._drain()
        log.info("scheduler stopped")

    async def _tick(self) -> None:
        await asyncio.to_thread(self._lead)
        if not self._leading:
            return
        now = datetime.now(UTC)
        if not self._scheduled:
            await asyncio.to_thread(self._runtime.store.feeds.schedule, self._feeds.values(), now)
            self._scheduled = True
        for feed_id in await asyncio.to_thread(self._runtime.store.feeds.due, now):
            feed = self._feeds.get(feed_id)
            if feed and feed_id not in self._polls and self._has_room(feed):
                self._start(feed)

    def _lead(self) -> None:
        """Take the lead, or keep it."""
        try:
            leading = bool(self._leader.reacquire() if self._leading else self._leader.acquire())
        except LockError:
            leading = False
        if leading != self._leading:
            log.info("scheduler leads" if leading else "scheduler waits")
            # What the other one did to the set of due times is not known here.
            self._scheduled = False
        self._leading = leading

    def _has_room(self, feed: Feed) -> bool:
        limits = self._config.settings.poll
        return len(self._polls) < limits.at_once and self._hosts[host(feed.url)] < limits.per_host

    def _start(self, feed: Feed) -> None:
        name = host(feed.url)
        self._hosts[name] += 1
        task = asyncio.create_task(self._poll(feed))
        self._polls[feed.id] = task

        def ended(_: asyncio.Task[None]) -> None:
            del self._polls[feed.id]
            self._hosts -= Counter({name: 1})

        task.add_done_callback(ended)

    async def _poll(self, feed: Feed) -> None:
        with structlog.contextvars.bound_contextvars(feed=feed.url):
            try:
                await self._poller.poll(feed)
            except RedisError as error:
                # The feed is still due, and is polled again as soon as Redis answers.
                log.error("redis failed", error=str(error))  # noqa: TRY400 - no trace of ours
            except Exception:
                log.exception("poll failed")
                # A fault of ours in one feed must not be met again at every tick.
                await asyncio.sleep(RECOVER.total_seconds())

    async def _reload(self) -> None:
        try:
            config = await asyncio.to_thread(self._watch.changed)
        except ConfigError as error:
            for fault in error.faults:
                log.error("configuration broken, keeping the old one", fault=str(fault))  # noqa: TRY400
            return
        if config is not None:
            self._use(config)
            log.info("configuration read", feeds=len(config.feeds))

    async def _release(self) -> None:
        if self._leading:
            await asyncio.to_thread(self._runtime.queues.enqueue_due)
            await asyncio.to_thread(self._outbox.release, datetime.now(UTC))

    async def _recover(self) -> None:
        if self._leading:
            for job_id in await asyncio.to_thread(self._runtime.queues.recover):
                log.warning("lost job recovered", job=job_id)

    async def _keep_house(self) -> None:
        if not self._leading:
            return
        store, now = self._runtime.store, datetime.now(UTC)
        alerts = await asyncio.to_thread(store.alerts.trim, now)
        articles = await asyncio.to_thread(store.articles.trim, now)
        # What was to be delivered has expired by then, and cannot be tried again.
        oldest = now - self._config.settings.articles.keep
        failed = await asyncio.to_thread(self._runtime.queues.forget_failed, oldest)
        entries = 0
        for feed in self._config.feeds:
            entries += await asyncio.to_thread(store.feeds.forget_old, feed, now.date())
        log.info("house kept", alerts=alerts, articles=articles, entries=entries, failed=failed)

    async def _drain(self) -> None:
        if self._polls:
            _, late = await asyncio.wait(self._polls.values(), timeout=DRAIN.total_seconds())
            for task in late:
                task.cancel()
        if self._leading:
            # Another scheduler need not wait for the lease to end.
            with suppress(LockError, RedisError):
                await asyncio.to_thread(self._leader.release)

    def reload_now(self) -> None:
        """Read the configuration at the next look, changed or not."""
        self._watch.forget()


def _guarded(
    job: Callable[[], Coroutine[None, None, None]],
) -> Callable[[], Coroutine[None, None, None]]:
    """A job that reports what went wrong and is run again at its next tick."""

    async def run() -> None:
        try:
            await job()
        except RedisError as error:
            log.error("redis failed", job=job.__name__, error=str(error))  # noqa: TRY400
        except Exception:
            log.exception("tick failed", job=job.__name__)

    return run


async def serve(runtime: Runtime) -> None:
    """Run a scheduler until SIGTERM or SIGINT; SIGHUP reads the configuration again."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    settings = runtime.config.settings
    async with HttpClient.of(settings) as http:
        scheduler = Scheduler(runtime, http)
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        loop.add_signal_handler(signal.SIGHUP, scheduler.reload_now)
        await scheduler.run(stop)
