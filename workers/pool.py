"""Worker processes: forked from a loaded one, renewed on a reload, drained on SIGTERM."""

from __future__ import annotations

import os
import signal
import threading
from dataclasses import replace
from multiprocessing import get_context
from multiprocessing.process import BaseProcess
from types import FrameType

import structlog
from rq.worker_pool import WorkerPool

from monitor.errors import ConfigError
from monitor.jobs.queues import SERIALIZER
from monitor.runtime.composition import ConfigWatch, Runtime
from monitor.runtime.lifeline import Tether
from monitor.runtime.logs import library_level
from workers import context
from workers.worker import DRAIN, Courier, OwnWorker, Reader, work

log = structlog.stdlib.get_logger(__name__)

# Workers that make deliveries and nothing else, so that no alert waits behind a slow page.
COURIERS = 8


class Pool(WorkerPool):
    """RQ's pool, with workers that inherit what is loaded here."""

    def __init__(self, runtime: Runtime, readers: int) -> None:
        self._runtime = runtime
        self._watch = ConfigWatch(runtime)
        self._couriers: set[str] = set()
        # However this process dies: its workers must not go on with a configuration for good.
        self._tether = Tether()
        super().__init__(
            runtime.queues.all_served(),
            connection=runtime.redis,
            num_workers=readers + COURIERS,
            serializer=SERIALIZER,
        )
        context.use(runtime)

    def get_worker_process(self, name: str, **_: object) -> BaseProcess:  # type: ignore[override]
        """Fork a worker that runs with the present configuration."""
        self._couriers &= self.worker_dict.keys()
        kind: type[OwnWorker] = Reader
        if len(self._couriers) < COURIERS:
            self._couriers.add(name)
            kind = Courier
        return get_context("fork").Process(
            target=work,
            args=(kind, name, self._runtime, self._tether),
            name=f"presswatch worker {name}",
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


def readers() -> int:
    """How many workers of a pool read articles: they wait for the network most of the time."""
    return 2 * (os.cpu_count() or 1)


def serve(runtime: Runtime) -> None:
    """Run a pool of workers until SIGTERM or SIGINT."""
    pool = Pool(runtime, readers())
    signal.signal(signal.SIGHUP, lambda *_: pool.reload_now())
    log.info("workers start", workers=pool.num_workers, watchlists=len(runtime.config.watchlists))
    pool.start(logging_level=library_level())
