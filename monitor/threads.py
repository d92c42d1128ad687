"""Threads beside the one that works: none of them takes a signal that the main thread waits for."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta

_HEARD = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGALRM}


@contextmanager
def deaf() -> Iterator[None]:
    """Have the threads that are started in the block leave signals to the main thread.

    The system hands a signal to any thread that takes it; taken by another one, it does not wake
    the main thread from waiting.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _HEARD)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def start(work: Callable[[], None], name: str) -> threading.Thread:
    """Start a daemon thread that is deaf to signals."""
    thread = threading.Thread(target=work, name=name, daemon=True)
    with deaf():
        thread.start()
    return thread


@contextmanager
def repeating(
    act: Callable[[], object], every: timedelta, name: str, *, despite: type[Exception]
) -> Iterator[None]:
    """Call `act` again and again, in a thread, for as long as the block runs.

    Where one call raises `despite`, the next may have more luck.
    """
    ended = threading.Event()

    def work() -> None:
        while not ended.wait(every.total_seconds()):
            with suppress(despite):
                act()

    thread = start(work, name)
    try:
        yield
    finally:
        ended.set()
        thread.join()
