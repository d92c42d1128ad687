"""A lifeline: a pipe that a process holds so that others notice its death, however it dies.

The owner creates a named pipe and keeps it open for writing. A process that opens it for reading
sees end-of-file as soon as the owner exits or is killed. Nothing polls, and a process id that the
system has reused is never mistaken for the owner.
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
    """Makes this process, without its forked children, the owner while the block runs."""
    path.unlink(missing_ok=True)
    os.mkfifo(path, 0o600)
    # Opening the pipe for writing would block until some process has opened it for reading.
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
    """Closes a file in processes that this one forks, so that they do not hold it open."""
    os.register_at_fork(after_in_child=held.close)


class Tether:
    """A lifeline without a name: processes forked from this one notice its death, and stop.

    Only the process that creates it holds the pipe open for writing; its descendants close their
    copies when they are forked.
    """

    def __init__(self) -> None:
        self._reader, writer = os.pipe()
        held = os.fdopen(writer, "wb")
        self._held = held
        close_in_children(held)

    def watch(self, stop: Callable[[], None]) -> None:
        """Calls `stop`, from a thread of a child, when the process that created this is gone."""

        def wait_for_end() -> None:
            os.read(self._reader, 1)
            stop()

        threads.start(wait_for_end, "tether")


def wait(path: Path) -> None:
    """Returns when the owner of `path` is gone, or at once if there is none."""
    try:
        with path.open("rb", buffering=0) as pipe:
            pipe.read()
    except FileNotFoundError:
        return


def stop_with_owner() -> None:
    """Stops this process when the owner named in the environment is gone: SIGTERM, then SIGKILL.

    SIGKILL goes to the whole process group, which the owner created for this process.
    """
    path = os.environ.get(ENVIRONMENT)
    if path is None:
        return

    def watch() -> None:
        wait(Path(path))
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(GRACE_S)
        # Redis ended with the owner, and without it some processes never finish shutting down.
        os.killpg(os.getpgrp(), signal.SIGKILL)

    threading.Thread(target=watch, name="lifeline", daemon=True).start()
