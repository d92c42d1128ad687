"""Keeps processes running, and passes on what they print, until told to stop.

A process that ends by itself is started again, at first at once and then ever more slowly. What
only shows things runs here, in a thread: whatever becomes of it, the processes go on.
"""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress

import click
import structlog

from monitor.errors import PresswatchError

# Jobs end, or are cut short, in less; what has not ended by then is killed.
STOP_S = 6.0
# Ending so soon after its start counts as a failure to start; so many in a row end everything.
SOON_S = 10.0
MOST_FAILURES = 5
FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 30.0
# What a process has printed last is passed on within this time, though a child of it lives on.
LAST_WORDS_S = 0.5

# The exit code of what could not be started, as shells have it.
NOT_STARTED = 127

log = structlog.stdlib.get_logger(__name__)

Show = Callable[[threading.Event], int | None]


class Supervisor:
    """The processes of one daemon, by name, each with its command line."""

    def __init__(self, commands: Mapping[str, str]) -> None:
        self._commands = commands
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        # Set once the processes have ended: until then there may be something to show.
        self._quiet = threading.Event()
        self._killing = threading.Event()
        self._code = 0
        self._error: PresswatchError | None = None

    def run(self, show: Show) -> int:
        """Run everything until a signal comes or `show` gives an exit code; returns that, else 0.

        `show` runs in a thread, is given an event that is set when there is nothing more to show,
        and is called again where it fails. Raises PresswatchError where a process cannot be kept
        running, and what `fail` was called with.
        """
        keepers = [
            threading.Thread(target=self._keep, args=one, daemon=True)
            for one in self._commands.items()
        ]
        shower = threading.Thread(target=self._show, args=(show,), name="show", daemon=True)
        with self._signals():
            for thread in (*keepers, shower):
                thread.start()
            self._stopping.wait()
            self._end()
            for thread in keepers:
                thread.join(STOP_S)
            self._quiet.set()
            shower.join(STOP_S)
        if self._error is not None:
            raise self._error
        return self._code

    def fail(self, error: PresswatchError) -> None:
        """Stop everything; `run` raises the error."""
        self._error = self._error or error
        self._stopping.set()

    @contextmanager
    def _signals(self) -> Iterator[None]:
        """Stop on SIGINT and SIGTERM, and on another one at once."""

        def stop(*_: object) -> None:
            if self._stopping.is_set():
                self._killing.set()
            self._stopping.set()

        before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _end(self) -> None:
        """Ask the processes to end, and kill those that do not."""
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
        """Keep a process running; the life of its thread."""
        failures = 0
        while not self._stopping.is_set():
            started = time.monotonic()
            try:
                code = self._once(name, command)
            except OSError as error:
                # Too many processes, perhaps, or no such program.
                log.error("process does not start", process=name, error=str(error))  # noqa: TRY400
                code = NOT_STARTED
            if self._stopping.is_set():
                return
            failures = failures + 1 if time.monotonic() - started < SOON_S else 0
            if failures == MOST_FAILURES:
                self._code = code if code > 0 else 128 - code
                said = f"{name} {ended(code)} {failures} times in a row, soon after its start"
                self.fail(PresswatchError(said))
                return
            pause_s = min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2**failures)
            log.error("process ended", process=name, how=ended(code), starts_again_in_s=pause_s)
            self._stopping.wait(pause_s)

    def _once(self, name: str, command: str) -> int:
        """Run a process to its end, and end whatever it has left behind; returns its code."""
        with self._lock:
            if self._stopping.is_set():
                return 0
            process = self._running[name] = subprocess.Popen(  # noqa: S603 - our own Procfile
                shlex.split(command),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                # Ctrl-C is for us; and a group of its own can be ended as one.
                start_new_session=True,
            )
        relay = threading.Thread(target=_relay, args=(process,), daemon=True)
        relay.start()
        # Its number, which is that of its group, is nobody else's as long as it is not waited for.
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        with self._lock:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
            code = process.wait()
            del self._running[name]
        relay.join(LAST_WORDS_S)
        return code

    def _show(self, show: Show) -> None:
        """Show things until there is nothing more to show; the life of its thread."""
        failures = 0
        while not self._quiet.is_set():
            try:
                code = show(self._quiet)
            except BrokenPipeError:
                # Whoever read along is gone; the daemon is there for others, too.
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
    """How a process ended, in words."""
    if code >= 0:
        return f"ended with exit code {code}"
    try:
        return f"was ended by {signal.Signals(-code).name}"
    except ValueError:
        return f"was ended by signal {-code}"


def _relay(process: subprocess.Popen[bytes]) -> None:
    """Pass on what a process prints, line by line, on standard error."""
    if process.stdout is None:
        return
    with process.stdout as lines:
        for line in lines:
            # A closed standard error of ours must not block the process.
            with suppress(OSError):
                click.echo(line, err=True, nl=False, color=True)
