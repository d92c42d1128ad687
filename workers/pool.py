"""The pool of worker processes: forked with everything loaded, replaced on a reload.

A pool has one reader, which fetches pages, cleaners, which clean and match them, and couriers,
which make deliveries. When the configuration changes, the present ones finish what they have begun
while their successors are at work already.
"""

from __future__ import annotations

import gc
import os
import shutil
import signal
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Iterable
from ctypes import c_double
from dataclasses import dataclass, replace
from functools import cached_property
from multiprocessing import connection, get_context
from multiprocessing.process import BaseProcess
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Literal
from uuid import uuid4

import structlog

from monitor import threads
from monitor.runtime.composition import ConfigWatch, Runtime
from monitor.runtime.lifeline import Tether
from workers import context
from workers.articles import cleaner
from workers.worker import DRAIN, ArticleWorker, DeliveryWorker, run_worker

if TYPE_CHECKING:
    from workers.articles.desk import Desk

log = structlog.stdlib.get_logger(__name__)

Role = Literal["reader", "cleaner", "courier"]

# Workers that only make deliveries, so that no alert waits behind a slow page.
COURIERS = 8
# How often the pool looks at the configuration.
TICK_S = 1.0
# A process that ends sooner after its start is not replaced before.
STEADY_S = 1.0
# A reader whose event loop has shown no sign of life for so long hangs, and is killed.
STALLED_S = 20.0


@dataclass(eq=False, frozen=True)
class _Generation:
    """What the processes with one configuration share; the cleaners connect to `listener`."""

    runtime: Runtime
    listener: socket.socket
    # When the reader's event loop last turned (by time.monotonic), in memory that both share.
    pulse: c_double

    @cached_property
    def desk(self) -> Desk:
        """Loads and compiles what cleaners need."""
        from workers.articles.desk import Desk

        # Compiled watchlists are never garbage: collecting meanwhile finds nothing, and inspecting
        # them later would make each forked child copy them.
        gc.disable()
        try:
            desk = Desk(self.runtime)
            desk.rehearse()
        finally:
            gc.enable()
        gc.freeze()
        return desk

    def prepare(self, role: Role) -> None:
        """Loads what the processes of a role share, before they are forked.

        The reader needs none of it, and fetches pages while it is loaded.
        """
        if role == "cleaner":
            _ = self.desk
        elif role == "courier":
            import workers.deliveries.attempt  # noqa: F401


@dataclass(eq=False, frozen=True, slots=True)
class _Child:
    """A process of the pool."""

    role: Role
    generation: _Generation
    process: BaseProcess
    started: float


class _ToldToStopError(BaseException):
    """A signal arrived while the pool prepared processes. No library may take it for its own."""


class Pool:
    """Forks processes, and replaces each that ends."""

    def __init__(self, runtime: Runtime) -> None:
        self._watch = ConfigWatch(runtime)
        self._children: list[_Child] = []
        # When the next process of a role may be started (by time.monotonic).
        self._resting: dict[Role, float] = {}
        self._stopping = False
        # While it prepares, which takes seconds, a signal interrupts it.
        self._is_preparing = False
        # However this process dies, its workers end too: they would never see a new configuration.
        self._tether = Tether()
        self._sockets = Path(tempfile.mkdtemp(prefix="presswatch-"))
        self._current = self._generation(runtime)

    def _generation(self, runtime: Runtime) -> _Generation:
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(str(self._sockets / uuid4().hex))
        listener.listen()
        # Inspecting the configuration for garbage would make each forked child copy it.
        gc.freeze()
        return _Generation(runtime, listener, get_context("fork").RawValue(c_double))

    def run(self) -> None:
        """Runs the processes until SIGTERM or SIGINT; SIGHUP replaces them."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)
        signal.signal(signal.SIGHUP, lambda *_: self._watch.forget())
        try:
            while self._children or not self._stopping:
                self._reap()
                if not self._stopping:
                    self._reload()
                    self._fill()
                connection.wait([child.process.sentinel for child in self._children], TICK_S)
        finally:
            shutil.rmtree(self._sockets)

    def _reap(self) -> None:
        """Forgets the processes that have ended, and ends cleaners that have lost their reader.

        Also ends a reader that hangs: its cleaners are watched by it, but nobody else watches it.
        """
        for child in self._children:
            since = max(child.started, child.generation.pulse.value)
            if child.role == "reader" and since + STALLED_S < time.monotonic():
                log.error("reader hangs", seconds=STALLED_S)
                child.process.kill()
                child.process.join()
        for child in [child for child in self._children if not child.process.is_alive()]:
            self._children.remove(child)
            self._resting[child.role] = child.started + STEADY_S
            if child.role == "reader":
                for other in self._of(child.generation, "cleaner"):
                    other.process.kill()

    def _reload(self) -> None:
        """If the configuration has changed, starts a generation and lets the others finish."""
        config = self._watch.valid_change()
        if config is not None:
            # Earlier ones have been told: a second signal would interrupt what they finish.
            before = [child for child in self._children if child.generation is self._current]
            self._current = self._generation(replace(self._current.runtime, config=config))
            # They finish what they have begun; what they have not is for the new configuration.
            self._interrupt(before)
            self._fill()
            log.info("configuration read", watchlists=len(config.watchlists))

    def _fill(self) -> None:
        """Starts the processes that are missing."""
        missing: list[tuple[_Generation, Role, int]] = [(self._current, "reader", 1)]
        readers = [child for child in self._children if child.role == "reader"]
        # As long as its reader is at work, an earlier generation needs its cleaners, too.
        for generation in {self._current, *(child.generation for child in readers)}:
            cleaners = generation.runtime.config.settings.articles.processes
            missing.append((generation, "cleaner", cleaners))
        missing.append((self._current, "courier", COURIERS))
        for generation, role, wanted in missing:
            for _ in range(wanted - len(self._of(generation, role))):
                self._start(generation, role)

    def _of(self, generation: _Generation, role: Role) -> list[_Child]:
        return [
            child
            for child in self._children
            if child.generation is generation and child.role == role
        ]

    def _start(self, generation: _Generation, role: Role) -> None:
        started = time.monotonic()
        if self._resting.get(role, 0.0) > started:
            return
        try:
            self._is_preparing = True
            generation.prepare(role)
            self._is_preparing = False
        except _ToldToStopError:
            return
        # A signal must neither miss the new process nor reach it before it has its own handlers.
        with threads.deaf():
            # Pages that are being fetched may still need a cleaner.
            if self._stopping and role != "cleaner":
                return
            process = get_context("fork").Process(
                target=_TARGETS[role], args=(generation, self._tether), name=f"presswatch {role}"
            )
            process.start()
            self._children.append(_Child(role, generation, process, started))

    def _stop(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002
        """Lets the processes finish their jobs; after `DRAIN`, a second signal interrupts them."""
        if not self._stopping:
            self._stopping = True
            self._interrupt(self._children)
            timer = threading.Timer(DRAIN.total_seconds(), self._interrupt, [self._children])
            timer.daemon = True
            timer.start()
        if self._is_preparing:
            self._is_preparing = False
            raise _ToldToStopError

    def _interrupt(self, children: Iterable[_Child]) -> None:
        """Sends a signal to all of these that take jobs; cleaners end with their reader."""
        for child in list(children):
            if child.role != "cleaner" and child.process.pid and child.process.is_alive():
                os.kill(child.process.pid, signal.SIGINT)


def _read(generation: _Generation, tether: Tether) -> None:
    # A copy, whose parts are this process's own.
    runtime = replace(generation.runtime)

    def beat() -> None:
        generation.pulse.value = time.monotonic()

    run_worker(lambda: ArticleWorker(uuid4().hex, runtime, generation.listener, beat), tether)


def _clean(generation: _Generation, tether: Tether) -> None:
    cleaner.serve(generation.desk, generation.listener, tether)


def _deliver(generation: _Generation, tether: Tether) -> None:
    runtime = replace(generation.runtime)
    context.use(runtime)
    run_worker(lambda: DeliveryWorker(uuid4().hex, runtime), tether)


_TARGETS: dict[Role, Callable[[_Generation, Tether], None]] = {
    "reader": _read,
    "cleaner": _clean,
    "courier": _deliver,
}


def serve(runtime: Runtime) -> None:
    """Runs a pool of workers until SIGTERM or SIGINT."""
    pool = Pool(runtime)
    limits = runtime.config.settings.articles
    log.info(
        "workers start",
        pages=limits.pages,
        cleaners=limits.processes,
        couriers=COURIERS,
        watchlists=len(runtime.config.watchlists),
    )
    pool.run()
