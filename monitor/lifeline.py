"""A lifeline: what a process holds so that others notice its death, however it dies.

The owner creates a named pipe and keeps it open for writing; whoever opens it for reading sees
end-of-file in the moment in which the owner is gone, whether it left or was killed. Nothing polls,
and no process number that the system has given to somebody else is taken for the owner.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ENVIRONMENT = "PRESSWATCH_LIFELINE"


@contextmanager
def hold(path: Path) -> Iterator[None]:
    """Be the owner for as long as the block runs; forked children do not count as the owner."""
    path.unlink(missing_ok=True)
    os.mkfifo(path, 0o600)
    # Opening for reading first lets the open for writing return without another process.
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    writer = os.open(path, os.O_WRONLY)
    os.close(reader)
    open_here = {writer}

    def close() -> None:
        if open_here:
            os.close(open_here.pop())

    os.register_at_fork(after_in_child=close)
    try:
        yield
    finally:
        close()
        path.unlink(missing_ok=True)


def wait(path: Path) -> None:
    """Return when the owner of `path` is gone; at once where there is none."""
    try:
        with path.open("rb", buffering=0) as pipe:
            pipe.read()
    except FileNotFoundError:
        return


def stop_with_owner() -> None:
    """Have this process told to stop (SIGTERM) when the owner named in the environment is gone."""
    path = os.environ.get(ENVIRONMENT)
    if path is None:
        return

    def watch() -> None:
        wait(Path(path))
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, name="lifeline", daemon=True).start()
