"""A lifeline: what a process holds so that others notice its death, however it dies.

The owner creates a named pipe and keeps it open for writing; whoever opens it for reading sees
end-of-file in the moment in which the owner is gone, whether it left or was killed. Nothing polls,
and no process number that the system has given to somebody else is taken for the owner.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from monitor import threads

ENVIRONMENT = "PRESSWATCH_LIFELINE"
GRACE_S = 3.0


@contextmanager
def hold(path: Path) -> Iterator[None]:
    """Be the owner for as long as the block runs; forked children do not count as the owner."""
    path.unlink(missing_ok=True)
    os.mkfifo(path, 0o600)
    # Opening for reading first lets the open for writing return without another process.
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    writer = os.open(path, os.O_WRONLY)
    os.close(reader)
    with os.fdopen(writer, "wb") as held:
        close_in_children(held)
        try:
            yield
        finally:
            path.unlink(missing_ok=True)


def close_in_children(held: IO[Any]) -> None:
    """Keep processes that this one forks from holding an open file, and what hangs on it."""
    os.register_at_fork(after_in_child=held.close)


class Tether:
    """A lifeline without a name: processes forked from this one notice its death, and stop.

    Only the process that makes it holds the pipe open for writing; children and their children
    close their copies when they are forked.
    """

    def __init__(self) -> None:
        self._reader, writer = os.pipe()
        held = os.fdopen(writer, "wb")
        self._held = held
        close_in_children(held)

    def watch(self, stop: Callable[[], None]) -> None:
        """Call `stop` in a thread, in a child, when the process that made this is gone."""

        def look() -> None:
            os.read(self._reader, 1)
            stop()

        threads.start(look, "tether")


def wait(path: Path) -> None:
    """Return when the owner of `path` is gone; at once where there is none."""
    try:
        with path.open("rb", buffering=0) as pipe:
            pipe.read()
    except FileNotFoundError:
        return


def stop_with_owner() -> None:
    """Stop this process when the owner named in the environment is gone: SIGTERM, then SIGKILL.

    The owner has put it into a process group of its own, all of which goes.
    """
    path = os.environ.get(ENVIRONMENT)
    if path is None:
        return

    def watch() -> None:
        wait(Path(path))
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(GRACE_S)
        # Redis went with the owner, and without it some never finish taking their leave.
        os.killpg(os.getpgrp(), signal.SIGKILL)

    threading.Thread(target=watch, name="lifeline", daemon=True).start()
