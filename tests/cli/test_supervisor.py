"""Processes are kept running; what only shows things takes nothing down."""

import os
import shlex
import signal
import sys
import threading
import time

import pytest

from monitor.cli import supervisor
from monitor.cli.supervisor import Supervisor, ended
from monitor.errors import PresswatchError


class Log(list):
    """Keeps what was logged, and of exceptions the message."""

    def error(self, event, **values):
        self.append((event, values))

    warning = error

    def exception(self, event):
        self.append((event, str(sys.exc_info()[1])))


@pytest.fixture(autouse=True)
def log(monkeypatch):
    monkeypatch.setattr(supervisor, "FIRST_PAUSE_S", 0.01)
    monkeypatch.setattr(supervisor, "log", Log())
    return supervisor.log


def python(code, *arguments):
    return shlex.join([sys.executable, "-u", "-c", code, *map(str, arguments)])


LIVES = "import os, sys, time; open(sys.argv[1], 'a').write(f'{os.getpid()}\\n'); time.sleep(60)"


def starts(file):
    return [int(line) for line in file.read_text().split()] if file.exists() else []


def wait_for(look, within=20):
    deadline = time.monotonic() + within
    while not look():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_killed_process_is_restarted_and_logged(tmp_path, log):
    def show(quiet):
        wait_for(lambda: len(starts(tmp_path / "a")) == 1)
        os.kill(starts(tmp_path / "a")[0], signal.SIGKILL)
        wait_for(lambda: len(starts(tmp_path / "a")) == 2)
        return 3

    assert Supervisor({"a": python(LIVES, tmp_path / "a")}).run(show) == 3
    for pid in starts(tmp_path / "a"):
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
    how = {"process": "a", "how": "was ended by SIGKILL", "starts_again_in_s": 0.02}
    assert log == [("process ended", how)]


def test_the_children_of_a_killed_process_are_killed(tmp_path):
    forks = (
        "import os, sys, time\n"
        "child = os.fork()\n"
        "open(sys.argv[1 if child else 2], 'a').write(f'{os.getpid()}\\n')\n"
        "time.sleep(60)"
    )
    parents, children = tmp_path / "parents", tmp_path / "children"

    def show(quiet):
        wait_for(lambda: len(starts(parents)) == len(starts(children)) == 1)
        os.kill(starts(parents)[0], signal.SIGKILL)
        wait_for(lambda: len(starts(children)) == 2)
        with pytest.raises(ProcessLookupError):
            while True:
                os.kill(starts(children)[0], 0)
                time.sleep(0.01)
        return 0

    assert Supervisor({"a": python(forks, parents, children)}).run(show) == 0


def test_a_process_that_cannot_start_stops_everything_with_its_output(tmp_path, capfd):
    broken = python("import sys; print('no such thing'); sys.exit(7)")
    whole = Supervisor({"good": python(LIVES, tmp_path / "good"), "bad": broken})
    with pytest.raises(PresswatchError, match="bad ended with exit code 7 5 times in a row"):
        whole.run(lambda quiet: quiet.wait() and None)
    assert capfd.readouterr().err.count("no such thing") == 5


def test_a_missing_program_stops_everything_and_is_named(log):
    with pytest.raises(PresswatchError, match="bad ended with exit code 127"):
        Supervisor({"bad": "/no/such/program"}).run(lambda quiet: quiet.wait() and None)
    assert "No such file" in log[0][1]["error"]


def test_a_console_that_fails_is_called_again(tmp_path, log):
    calls = []

    def show(quiet):
        calls.append(quiet)
        if len(calls) < 3:
            raise OverflowError("date value out of range")
        return 0

    assert Supervisor({"a": python(LIVES, tmp_path / "a")}).run(show) == 0
    assert log == [("console failed", "date value out of range")] * 2


def test_a_closed_console_does_not_stop_the_processes(tmp_path):
    whole = Supervisor({"a": python(LIVES, tmp_path / "a")})

    def show(quiet):
        wait_for(lambda: starts(tmp_path / "a"))
        threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGTERM)).start()
        raise BrokenPipeError

    assert whole.run(show) == 0
    assert len(starts(tmp_path / "a")) == 1


def test_a_process_that_ignores_sigterm_is_killed(tmp_path, monkeypatch):
    monkeypatch.setattr(supervisor, "STOP_S", 0.5)
    deaf = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n" + LIVES

    def show(quiet):
        wait_for(lambda: starts(tmp_path / "a"))
        return 0

    began = time.monotonic()
    assert Supervisor({"a": python(deaf, tmp_path / "a")}).run(show) == 0
    assert time.monotonic() - began < 20


def test_exit_codes_are_described_in_words():
    assert ended(2) == "ended with exit code 2"
    assert ended(-9) == "was ended by SIGKILL"
