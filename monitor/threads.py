"""Starts threads that take no signals, which the main thread waits for."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta

_MAIN_THREAD_SIGNALS = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGALRM}


@contextmanager
def deaf() -> Iterator[None]:
    """Blocks signals meanwhile, and in threads and processes that are started within.

    The system delivers a signal to any thread that accepts it. If that is another thread, the main
    thread goes on waiting.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _MAIN_THREAD_SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def hear() -> None:
    """Accepts signals in this thread again, for a process that was forked in a `deaf` block."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _MAIN_THREAD_SIGNALS)


def start(work: Callable[[], None], name: str) -> threading.Thread:
    """Starts a daemon thread that takes no signals."""
    thread = threading.Thread(target=work, name=name, daemon=True)
    with deaf():
        thread.start()
    return thread


@contextmanager
def repeating(
    act: Callable[[], object], every: timedelta, name: str, *, despite: type[Exception]
) -> Iterator[None]:
    """Calls `act` at an interval, in a thread, for as long as the block runs.

    Errors of type `despite` are ignored, since the next call may succeed.
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
