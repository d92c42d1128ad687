"""Time limits of cleaning a page and of making a delivery."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

# Cleaning takes milliseconds; a page that takes this long is abandoned.
CLEANING = timedelta(seconds=20)
# The longest wait of a channel in each of its steps.
SENDING = timedelta(seconds=15)
# The four steps of a delivery: connecting, logging in, sending, and reading the answer.
DELIVERY = 4 * SENDING


class TimeUp(BaseException):
    """The time of a block is up; not an Exception, since much code swallows those."""


@contextmanager
def time_limit(limit: timedelta) -> Iterator[None]:
    """Raises TimeUp inside the block if its Python code takes longer.

    Uses SIGALRM, and restores a timer that was set before. Only the main thread receives signals:
    in other threads there is no limit.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    running = True

    def strike(*_: object) -> None:
        if running:
            raise TimeUp

    handler = signal.signal(signal.SIGALRM, strike)
    started = time.monotonic()
    # Repeated every second, because a bare `except` swallows even TimeUp.
    outer_s, _ = signal.setitimer(signal.ITIMER_REAL, limit.total_seconds(), 1.0)
    try:
        try:
            yield
        finally:
            running = False
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, handler)
        if outer_s:
            remaining_s = outer_s - (time.monotonic() - started)
            signal.setitimer(signal.ITIMER_REAL, max(remaining_s, 0.001))
