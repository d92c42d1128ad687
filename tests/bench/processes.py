"""Starts processes that end with the benchmark, and measures what they use, from /proc."""

import ctypes
import os
import signal
import subprocess
import sys
import time
import uuid
from contextlib import suppress
from pathlib import Path

MARK = "PRESSWATCH_BENCHMARK"
PR_SET_PDEATHSIG = 1
TICKS_PER_S = os.sysconf("SC_CLK_TCK")
_libc = ctypes.CDLL(None)


class Failed(Exception):
    """A process or a site did not do what a benchmark relies on."""


def _end_with_parent():
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def start(command, log, mark, environ=None, directory=None):
    """Starts a command that ends with this process; it and what it forks can be found by `mark`."""
    with log.open("ab") as out:
        return subprocess.Popen(
            list(map(str, command)), env=(environ or os.environ) | {MARK: mark}, cwd=directory,
            stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT,
            start_new_session=True, preexec_fn=_end_with_parent,  # noqa: PLW1509 - one system call, no lock
        )  # fmt: skip


def stop(process, patience_s=12):
    """Ends a process, and kills it with its group if it takes too long."""
    if process.poll() is None:
        process.terminate()
    with suppress(subprocess.TimeoutExpired):
        process.wait(patience_s)
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def new_mark():
    """Returns a mark that no other process bears."""
    return uuid.uuid4().hex


def marked(mark):
    """Returns the ids of all processes that bear a mark."""
    needle = f"{MARK}={mark}".encode()
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if needle in (folder / "environ").read_bytes():
                found.append(int(folder.name))
    return found


def cpu_s(pids):
    """Returns the processor seconds that processes, and children that they outlived, have used."""
    total = 0
    for pid in pids:
        with suppress(OSError):
            after_name = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            total += sum(map(int, after_name[11:15]))
    return total / TICKS_PER_S


def pss_mb(pids):
    """Returns the memory of processes; each page is counted once, however many share it."""
    return sum(_sum_kb(pid, "smaps_rollup", "Pss:") for pid in pids) / 1024


def rss_mb(pids):
    """Returns the largest memory of any of the processes."""
    return max((_sum_kb(pid, "status", "VmRSS:") for pid in pids), default=0) / 1024


def _sum_kb(pid, file, field):
    with suppress(OSError):
        lines = Path(f"/proc/{pid}/{file}").read_text().splitlines()
        return sum(int(line.split()[1]) for line in lines if line.startswith(field))
    return 0


def wait_until(holds, within_s, every_s=0.05):
    """Waits until something holds; returns whether it does within that time."""
    deadline = time.monotonic() + within_s
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(every_s)
    return True


def presswatch(*arguments):
    """Returns the command line of one of our commands."""
    return [sys.executable, "-m", "monitor.cli", *arguments]
