"""How long a job and its parts may take."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

# Cleaning takes milliseconds; a page that takes this long is read no further.
CLEANING = timedelta(seconds=20)
# What a channel waits for at most, in each of its steps.
SENDING = timedelta(seconds=15)
# A delivery's steps together: to connect, to be let in, to send, and to hear the answer.
DELIVERY = 4 * SENDING
# Matching and publishing, on a machine that is busy.
_PUBLISHING = timedelta(seconds=20)


def entry_limit(fetch: timedelta) -> timedelta:
    """How long the job of an entry may take where fetching a page may take `fetch`."""
    return 2 * fetch + CLEANING + _PUBLISHING


class TimeUp(BaseException):
    """The time of a block is up; no Exception, since much code swallows all of those."""


@contextmanager
def time_limit(limit: timedelta) -> Iterator[None]:
    """Raise TimeUp within the block where its Python code takes longer.

    SIGALRM does it, as for the time limit that RQ sets for the job around the block, and which
    holds again afterwards. Signals reach the main thread alone: in others there is no limit.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    running = True

    def strike(*_: object) -> None:
        if running:
            raise TimeUp

    handler = signal.signal(signal.SIGALRM, strike)
    began = time.monotonic()
    # Once a second from then on: a bare `except` swallows this one, too.
    left, _ = signal.setitimer(signal.ITIMER_REAL, limit.total_seconds(), 1.0)
    try:
        try:
            yield
        finally:
            running = False
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, handler)
        if left:
            rest = left - (time.monotonic() - began)
            signal.setitimer(signal.ITIMER_REAL, max(rest, 0.001))
