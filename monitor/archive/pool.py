"""Decides about stored articles in batches, on all cores if they are many."""

from __future__ import annotations

import gc
import os
import signal
import time
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from itertools import chain, islice
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Protocol, TypeVar

from sqlalchemy import Engine

from monitor.archive.database import read_archive, read_file, shown

BATCH = 500
# Other processes take a second to start: they help only if deciding takes longer than this.
ALONE_S = 0.5
MAX_PROCESSES = 8
_COLLECT_AFTER = 500_000

Numbers = Sequence[int]
T_co = TypeVar("T_co", covariant=True)
T = TypeVar("T")


class Decider(Protocol[T_co]):
    """Decides about articles by their numbers.

    `type(decider)(engine, *arguments)` makes another one, in another process.
    """

    engine: Engine

    @property
    def arguments(self) -> tuple[Any, ...]:
        """Returns what another one is made from, beside the archive."""

    def matching(self, numbers: Numbers) -> T_co:
        """Returns what matches of the articles with these numbers."""


def in_batches(
    decider: Decider[T], numbers: Numbers, most_processes: int = MAX_PROCESSES
) -> Iterator[tuple[Numbers, T]]:
    """Yields batches of the numbers, in order, with what matches of each."""
    batches = (numbers[at : at + BATCH] for at in range(0, len(numbers), BATCH))
    processes = min(os.cpu_count() or 1, most_processes)
    spent_s = 0.0
    for batch in batches:
        if processes > 1 and spent_s > ALONE_S:
            yield from _with_others(decider, chain([batch], batches), processes)
            return
        begun = time.perf_counter()
        matching = decider.matching(batch)
        spent_s += time.perf_counter() - begun
        yield batch, matching


def _with_others(
    decider: Decider[T], batches: Iterator[Numbers], processes: int
) -> Iterator[tuple[Numbers, T]]:
    """Decides in other processes; until the first has started, in this one."""
    # Not forked: a fork copies locks that other threads hold.
    pool = ProcessPoolExecutor(
        processes,
        get_context("spawn"),
        _start,
        (_address(decider.engine), type(decider), decider.arguments),
    )
    try:
        started = [pool.submit(_is_ready) for _ in range(processes)]
        while not any(future.done() for future in started):
            batch = next(batches, None)
            if batch is None:
                return
            yield batch, decider.matching(batch)
        yield from _in_order(pool, batches, ahead=4 * processes)
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _in_order(
    pool: ProcessPoolExecutor, batches: Iterator[Numbers], ahead: int
) -> Iterator[tuple[Numbers, Any]]:
    """Yields results in the order of the batches, of which few wait at a time."""
    waiting: deque[tuple[Numbers, Future[Any]]] = deque()
    for batch in islice(batches, ahead):
        waiting.append((batch, pool.submit(_matching, batch)))
    while waiting:
        batch, future = waiting.popleft()
        yield batch, future.result()
        for following in islice(batches, 1):
            waiting.append((following, pool.submit(_matching, following)))


# Of a process in the pool.
_decider: Decider[Any]


def _start(address: str, kind: type[Any], arguments: tuple[Any, ...]) -> None:
    global _decider  # noqa: PLW0603 - a pool has no other place for what its processes keep
    # Ctrl-C reaches all processes; the first one ends the others.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # Articles come and go without cycles: to look for those takes a third of the time.
    gc.freeze()
    gc.set_threshold(_COLLECT_AFTER)
    is_url = address.startswith("postgresql")
    engine = read_archive(address, Path()) if is_url else read_file(Path(address))
    _decider = kind(engine, *arguments)


def _is_ready() -> bool:
    return True


def _matching(numbers: Numbers) -> Any:
    return _decider.matching(numbers)


def _address(engine: Engine) -> str:
    if engine.dialect.name == "sqlite":
        return shown(engine)
    return engine.url.render_as_string(hide_password=False)
