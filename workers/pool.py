"""The pool of worker processes: forked with everything loaded, replaced on a reload."""

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
from workers.worker import DRAIN, ArticleWorker, DeliveryWorker, OwnWorker, run_worker

log = structlog.stdlib.get_logger(__name__)

# Workers that only make deliveries, so that no alert waits behind a slow page.
DELIVERY_WORKERS = 8


class Pool(WorkerPool):
    """RQ's pool, with workers that inherit what is loaded here."""

    def __init__(self, runtime: Runtime, article_workers: int) -> None:
        self._runtime = runtime
        self._watch = ConfigWatch(runtime)
        self._delivery_workers: set[str] = set()
        # However this process dies, its workers end too: they would never see a new configuration.
        self._tether = Tether()
        super().__init__(
            runtime.queues.all_served(),
            connection=runtime.redis,
            num_workers=article_workers + DELIVERY_WORKERS,
            serializer=SERIALIZER,
        )
        context.use(runtime)

    def get_worker_process(self, name: str, **_: object) -> BaseProcess:  # type: ignore[override]
        """Returns a process that is to be forked, a worker with the current configuration."""
        self._delivery_workers &= self.worker_dict.keys()
        kind: type[OwnWorker] = ArticleWorker
        if len(self._delivery_workers) < DELIVERY_WORKERS:
            self._delivery_workers.add(name)
            kind = DeliveryWorker
        return get_context("fork").Process(
            target=run_worker,
            args=(kind, name, self._runtime, self._tether),
            name=f"presswatch worker {name}",
        )

    def check_workers(self, respawn: bool = True) -> None:
        """Checks the configuration and the workers; RQ calls this once a second."""
        try:
            config = self._watch.changed()
        except ConfigError:
            # The scheduler reports it; the workers keep the configuration that they have.
            config = None
        if config is not None:
            self._runtime = replace(self._runtime, config=config)
            context.use(self._runtime)
            log.info("configuration read", watchlists=len(config.watchlists))
            # Each one finishes its job and is replaced by one with the new configuration.
            self.stop_workers()  # type: ignore[no-untyped-call]
        super().check_workers(respawn=respawn)

    def reload_now(self) -> None:
        """Reads the configuration at the next check, even if it has not changed."""
        self._watch.forget()

    def request_stop(self, signum: int | None = None, frame: FrameType | None = None) -> None:
        """Lets the workers finish their jobs; after `DRAIN`, a second signal interrupts them."""
        super().request_stop(signum, frame)  # type: ignore[no-untyped-call]
        timer = threading.Timer(DRAIN.total_seconds(), self.stop_workers)
        timer.daemon = True
        timer.start()


def article_workers() -> int:
    """Returns how many workers of a pool read articles; mostly they wait for the network."""
    return 2 * (os.cpu_count() or 1)


def serve(runtime: Runtime) -> None:
    """Runs a pool of workers until SIGTERM or SIGINT."""
    pool = Pool(runtime, article_workers())
    signal.signal(signal.SIGHUP, lambda *_: pool.reload_now())
    log.info("workers start", workers=pool.num_workers, watchlists=len(runtime.config.watchlists))
    pool.start(logging_level=library_level())
