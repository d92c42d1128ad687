"""Keeps processes running and passes on their output, until a signal stops them.

A process that ends by itself is started again, after pauses that double. The console runs in a
thread of this process: if it fails, the daemon's processes go on. systemd hears when all processes
have been started, that they are watched over, and that they are being stopped.
"""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress

import click
import structlog

from monitor.errors import PresswatchError
from monitor.runtime import service_manager

# Workers finish or interrupt their jobs within this time; processes that take longer are killed.
STOP_S = 6.0
# A process that ends within this time has failed to start.
STARTED_AFTER_S = 10.0
# The daemon stops when a process fails to start this many times in a row.
MAX_FAILED_STARTS = 5
FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 30.0
# How often to look whether all processes have been started.
READY_PAUSE_S = 0.05
# The last output of a process is awaited only this long: a surviving child may keep its pipe open.
LAST_OUTPUT_S = 0.5

# The exit code that shells give a command that cannot be started.
NOT_STARTED = 127

log = structlog.stdlib.get_logger(__name__)

Show = Callable[[threading.Event], int | None]


class Supervisor:
    """Runs the processes of one daemon; `commands` maps each name to a command line."""

    def __init__(self, commands: Mapping[str, str]) -> None:
        self._commands = commands
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._started: set[str] = set()
        # Set when the processes have ended: until then there may be more alerts to show.
        self._quiet = threading.Event()
        self._killing = threading.Event()
        self._code = 0
        self._error: PresswatchError | None = None

    def run(self, show: Show) -> int:
        """Runs the processes until a signal arrives or `show` returns an exit code.

        Returns that exit code, else 0. `show` runs in a thread and is called again if it fails; its
        argument is an event that is set when no more alerts will come. Raises PresswatchError if a
        process cannot be kept running, or the error that `fail` was called with.
        """
        keepers = [
            threading.Thread(target=self._keep, args=name_and_command, daemon=True)
            for name_and_command in self._commands.items()
        ]
        console = threading.Thread(target=self._show, args=(show,), name="show", daemon=True)
        with self._signals():
            for thread in (*keepers, console):
                thread.start()
            self._watch_over(keepers)
            service_manager.notify(service_manager.STOPPING)
            self._end()
            for thread in keepers:
                thread.join(STOP_S)
            self._quiet.set()
            console.join(STOP_S)
        if self._error is not None:
            raise self._error
        return self._code

    def fail(self, error: PresswatchError) -> None:
        """Stops everything and makes `run` raise the error."""
        self._error = self._error or error
        self._stopping.set()

    def _watch_over(self, keepers: Sequence[threading.Thread]) -> None:
        """Waits until the processes are to end, and tells systemd meanwhile how they are.

        Once a keeper has ended, its process would not be started again. systemd then hears no more
        that the daemon is alive, and restarts it.
        """
        while len(self._started) < len(self._commands):
            if self._stopping.wait(READY_PAUSE_S):
                return
        service_manager.notify(service_manager.READY)
        while not self._stopping.wait(service_manager.alive_every_s()):
            if all(keeper.is_alive() for keeper in keepers):
                service_manager.notify(service_manager.ALIVE)

    @contextmanager
    def _signals(self) -> Iterator[None]:
        """Stops the processes on SIGINT or SIGTERM, and kills them on a second signal."""

        def stop(*_: object) -> None:
            if self._stopping.is_set():
                self._killing.set()
            self._stopping.set()

        previous_handlers = {
            number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)
        }
        try:
            yield
        finally:
            for number, handler in previous_handlers.items():
                signal.signal(number, handler)

    def _end(self) -> None:
        """Asks the processes to end; kills them after `STOP_S`, or on a second signal."""
        self._signal(signal.SIGTERM)
        deadline = time.monotonic() + STOP_S
        while self._running and time.monotonic() < deadline and not self._killing.is_set():
            time.sleep(0.02)
        self._signal(signal.SIGKILL)

    def _signal(self, number: signal.Signals) -> None:
        with self._lock:
            for process in self._running.values():
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, number)

    def _keep(self, name: str, command: str) -> None:
        """Runs a process, and restarts it whenever it ends; runs in a thread."""
        failures = 0
        while not self._stopping.is_set():
            started = time.monotonic()
            try:
                code = self._once(name, command)
            except OSError as error:
                # The program may not exist, or the system may have too many processes.
                log.error("process does not start", process=name, error=str(error))  # noqa: TRY400
                code = NOT_STARTED
            if self._stopping.is_set():
                return
            failures = failures + 1 if time.monotonic() - started < STARTED_AFTER_S else 0
            if failures == MAX_FAILED_STARTS:
                self._code = code if code > 0 else 128 - code
                message = f"{name} {ended(code)} {failures} times in a row, soon after its start"
                self.fail(PresswatchError(message))
                return
            pause_s = min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2**failures)
            log.error("process ended", process=name, how=ended(code), starts_again_in_s=pause_s)
            self._stopping.wait(pause_s)

    def _once(self, name: str, command: str) -> int:
        """Runs a process until it ends, kills the children it leaves, and returns its exit code."""
        with self._lock:
            if self._stopping.is_set():
                return 0
            process = self._running[name] = subprocess.Popen(  # noqa: S603 - our own Procfile
                shlex.split(command),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                # Ctrl-C must reach only this process, and a group can be killed as a whole.
                start_new_session=True,
            )
            self._started.add(name)
        relay = threading.Thread(target=_relay, args=(process,), daemon=True)
        relay.start()
        # The process is not reaped yet, so that its id, which is also its group's, cannot be reused
        # before the group is killed.
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        with self._lock:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
            code = process.wait()
            del self._running[name]
        relay.join(LAST_OUTPUT_S)
        return code

    def _show(self, show: Show) -> None:
        """Runs the console until no more alerts will come; runs in a thread."""
        failures = 0
        while not self._quiet.is_set():
            try:
                code = show(self._quiet)
            except BrokenPipeError:
                # The reader of our output has gone; the daemon still serves its subscribers.
                log.warning("console closed")
                return
            except Exception:
                log.exception("console failed")
                failures += 1
                self._quiet.wait(min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2**failures))
            else:
                if code is not None:
                    self._code = code
                    self._stopping.set()
                return


def ended(code: int) -> str:
    """Describes an exit code as `subprocess` reports it: negative for a signal."""
    if code >= 0:
        return f"ended with exit code {code}"
    try:
        return f"was ended by {signal.Signals(-code).name}"
    except ValueError:
        return f"was ended by signal {-code}"


def _relay(process: subprocess.Popen[bytes]) -> None:
    """Copies the output of a process to standard error, line by line."""
    if process.stdout is None:
        return
    with process.stdout as lines:
        for line in lines:
            # If our standard error is closed, the process must not block on a full pipe.
            with suppress(OSError):
                click.echo(line, err=True, nl=False, color=True)
