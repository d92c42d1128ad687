"""Worker processes: forked from a loaded one, renewed on a reload, drained on SIGTERM."""

from __future__ import annotations

import os
import signal
import threading
from dataclasses import replace
from datetime import timedelta
from multiprocessing import get_context
from multiprocessing.process import BaseProcess
from types import FrameType

import structlog
from rq import SimpleWorker, Worker
from rq.worker import BaseWorker
from rq.worker_pool import WorkerPool

from monitor.errors import ConfigError
from monitor.liveness import HEARTBEAT
from monitor.logs import library_level
from monitor.queues import SERIALIZER, QueueName
from monitor.runtime import ConfigWatch, Runtime
from monitor.store.client import LONGEST_BLOCK
from workers import context
from workers import jobs as jobs  # noqa: PLC0414 - loaded before the fork, with all that it needs

log = structlog.stdlib.get_logger(__name__)

# A job that has not ended by then is cut short, and done again by whoever comes next.
DRAIN = timedelta(seconds=4)
MAINTENANCE = timedelta(seconds=60)
# RQ waits for a job for 15 s less than this, and must not wait for longer than a connection does.
WORKER_TTL_S = int(LONGEST_BLOCK.total_seconds()) + 15
# Libraries in C leak: a worker makes room for a fresh one after this many jobs.
MOST_JOBS = 2000


# Workers that make deliveries and nothing else, so that no alert waits behind a slow page.
COURIERS = 8


class Pool(WorkerPool):
    """RQ's pool, with workers that inherit what is loaded here."""

    def __init__(self, runtime: Runtime, readers: int) -> None:
        self._runtime = runtime
        self._watch = ConfigWatch(runtime)
        self._couriers: set[str] = set()
        super().__init__(
            list(runtime.queues.rq.values()),
            connection=runtime.redis,
            num_workers=readers + COURIERS,
            serializer=SERIALIZER,
        )
        context.use(runtime)

    def get_worker_process(self, name: str, **_: object) -> BaseProcess:  # type: ignore[override]
        """Fork a worker that runs with the present configuration."""
        self._couriers &= self.worker_dict.keys()
        kind: type[_Hearing] = _Reader
        if len(self._couriers) < COURIERS:
            self._couriers.add(name)
            kind = _Courier
        return get_context("fork").Process(
            target=_work, args=(kind, name, self._runtime), name=f"presswatch worker {name}"
        )

    def check_workers(self, respawn: bool = True) -> None:
        """RQ's look at its workers, once a second, and ours at the configuration."""
        try:
            config = self._watch.changed()
        except ConfigError:
            # The scheduler reports it; workers go on with what they have.
            config = None
        if config is not None:
            self._runtime = replace(self._runtime, config=config)
            context.use(self._runtime)
            log.info("configuration read", watchlists=len(config.watchlists))
            # Each ends its job and is replaced by one with the new configuration.
            self.stop_workers()  # type: ignore[no-untyped-call]
        super().check_workers(respawn=respawn)

    def reload_now(self) -> None:
        """Read the configuration at the next look, changed or not."""
        self._watch.forget()

    def request_stop(self, signum: int | None = None, frame: FrameType | None = None) -> None:
        """Let the workers end their jobs, but not for ever: a second signal cuts them short."""
        super().request_stop(signum, frame)  # type: ignore[no-untyped-call]
        timer = threading.Timer(DRAIN.total_seconds(), self.stop_workers)
        timer.daemon = True
        timer.start()


class _Hearing(BaseWorker):
    """A worker of RQ's that hears the signals that it is sent."""

    queue: QueueName

    def subscribe(self) -> None:
        """Start RQ's thread for commands, deaf to signals.

        The system hands a signal to any thread that takes it; taken by this one, it would not
        wake the main thread from waiting for jobs, and the worker would not stop.
        """
        heard = {signal.SIGINT, signal.SIGTERM}
        signal.pthread_sigmask(signal.SIG_BLOCK, heard)
        try:
            super().subscribe()  # type: ignore[no-untyped-call]
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, heard)


class _Reader(_Hearing, Worker):
    """Reads articles, each in a process of its own: a page may bring one down."""

    queue = "articles"


class _Courier(_Hearing, SimpleWorker):
    """Makes deliveries, and keeps its connections from one to the next."""

    queue = "deliveries"


def _work(kind: type[_Hearing], name: str, runtime: Runtime) -> None:
    """The life of one worker, in a process of its own."""
    # The pool's handlers came along with the fork.
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    worker = kind(
        [runtime.queues.rq[kind.queue]],
        name=name,
        connection=runtime.redis,
        serializer=SERIALIZER,
        worker_ttl=WORKER_TTL_S,
        job_monitoring_interval=int(HEARTBEAT.total_seconds()),
        maintenance_interval=int(MAINTENANCE.total_seconds()),
        # RQ's line for each job holds its arguments.
        log_job_description=False,
    )
    # The leading scheduler enqueues what is to be tried again.
    worker.work(with_scheduler=False, max_jobs=MOST_JOBS, logging_level=library_level())


def readers() -> int:
    """How many workers of a pool read articles: they wait for the network most of the time."""
    return 2 * (os.cpu_count() or 1)


def serve(runtime: Runtime) -> None:
    """Run a pool of workers until SIGTERM or SIGINT."""
    pool = Pool(runtime, readers())
    signal.signal(signal.SIGHUP, lambda *_: pool.reload_now())
    log.info("workers start", workers=pool.num_workers, watchlists=len(runtime.config.watchlists))
    pool.start(logging_level=library_level())
