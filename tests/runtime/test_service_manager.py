"""systemd hears that the daemon is ready, alive and stopping, in the words of sd_notify(3)."""

import os
import shlex
import signal
import socket
import sys
import time

import pytest

from monitor.cli import supervisor
from monitor.cli.supervisor import Supervisor
from monitor.runtime import service_manager
from monitor.runtime.service_manager import alive_every_s, notify

LIVES = shlex.join([sys.executable, "-c", "import time; time.sleep(60)"])


@pytest.fixture(params=["file", "abstract"])
def manager(request, tmp_path, monkeypatch):
    """Listens where systemd would."""
    name = str(tmp_path / "notify") if request.param == "file" else f"\0presswatch-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(name)
        listener.settimeout(20)
        monkeypatch.setenv("NOTIFY_SOCKET", name.replace("\0", "@"))
        yield listener


def heard(manager):
    return manager.recv(4096).decode()


def test_a_daemon_is_ready_when_its_processes_run_then_alive_then_stopping(manager, monkeypatch):
    monkeypatch.setenv("WATCHDOG_USEC", "20000")
    monkeypatch.setenv("WATCHDOG_PID", str(os.getpid()))
    daemon = Supervisor({"a": LIVES, "b": LIVES})
    messages = []

    def show(quiet):
        messages.append(heard(manager))
        assert len(daemon._running) == 2
        messages.extend(heard(manager) for _ in range(3))
        os.kill(os.getpid(), signal.SIGTERM)
        while messages[-1] != "STOPPING=1":
            messages.append(heard(manager))
        quiet.wait()

    assert daemon.run(show) == 0
    assert messages[0] == "READY=1"
    assert messages[-1] == "STOPPING=1"
    assert len(messages) >= 5
    assert set(messages[1:-1]) == {"WATCHDOG=1"}


def test_a_daemon_whose_process_does_not_start_is_never_ready(manager, monkeypatch):
    monkeypatch.setattr(supervisor, "FIRST_PAUSE_S", 0.01)
    daemon = Supervisor({"a": LIVES, "bad": "/no/such/program"})
    with pytest.raises(supervisor.PresswatchError):
        daemon.run(lambda quiet: quiet.wait() and None)
    assert heard(manager) == "STOPPING=1"


def test_a_daemon_that_lost_a_keeper_is_not_called_alive(manager, monkeypatch):
    """A process without a keeper would never be started again."""
    monkeypatch.setenv("WATCHDOG_USEC", "20000")
    monkeypatch.delenv("WATCHDOG_PID", raising=False)
    keep_running = Supervisor._keep

    def keep(self, name, command):
        if name == "lost":
            self._started.add(name)
        else:
            keep_running(self, name, command)

    monkeypatch.setattr(Supervisor, "_keep", keep)

    def show(quiet):
        assert heard(manager) == "READY=1"
        time.sleep(0.2)
        os.kill(os.getpid(), signal.SIGTERM)
        assert heard(manager) == "STOPPING=1"
        quiet.wait()

    assert Supervisor({"a": LIVES, "lost": LIVES}).run(show) == 0


def test_without_systemd_nobody_is_told(monkeypatch):
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    notify("READY=1")


def test_a_socket_that_has_gone_is_logged_and_stops_nothing(tmp_path, monkeypatch):
    lines = []
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "gone"))
    monkeypatch.setattr(
        service_manager.log, "warning", lambda event, **values: lines.append((event, values))
    )
    notify("READY=1")
    ((event, values),) = lines
    assert event == "service manager not told"
    assert "No such file" in values["error"]


@pytest.mark.parametrize(
    ("time_us", "process", "expected"),
    [
        ("60000000", None, 30.0),
        ("60000000", "this", 30.0),
        ("60000000", "1", None),
        ("0", None, None),
        ("soon", None, None),
        (None, None, None),
    ],
)
def test_the_watchdog_is_answered_twice_in_its_time_by_the_process_it_watches(
    time_us, process, expected, monkeypatch
):
    # Not among the parameters, since each process that runs tests has an id of its own.
    process = str(os.getpid()) if process == "this" else process
    for name, value in (("WATCHDOG_USEC", time_us), ("WATCHDOG_PID", process)):
        if value is None:
            monkeypatch.delenv(name, raising=False)
        else:
            monkeypatch.setenv(name, value)
    assert alive_every_s() == expected
