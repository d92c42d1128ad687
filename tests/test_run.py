"""`presswatch run` left alone: quiet news, processes and Redis that are killed."""

import contextlib
import os
import signal
import socket
import time
from pathlib import Path

import pytest
from redis import Redis

from monitor.store.client import client

# Every limit that matters, shortened: several idle blocks pass within seconds.
SHORT = """
from datetime import timedelta
from monitor.store import client
client.SOCKET_TIMEOUT = timedelta(seconds=2)
"""


@pytest.fixture
def run(presswatch, configure, site, tmp_path, eventually):
    """The daemon on a feed in which nothing matches, with its log, until the test ends it."""
    (tmp_path / "short").mkdir()
    (tmp_path / "short" / "sitecustomize.py").write_text(SHORT)
    site.put_feed("/feed.xml", [], ETag='"1"')
    config = configure(
        f"feeds: [{{url: {site.url}/feed.xml, name: Herald, every: 1s}}]\n"
        "watchlists: [{name: talks, query: Council}]\n"
    )
    data = tmp_path / "var"
    path = os.pathsep.join([str(tmp_path / "short"), os.environ.get("PYTHONPATH", "")])
    daemon = presswatch.start(
        "run", "--config", str(config), "--data", str(data), PYTHONPATH=path.rstrip(os.pathsep)
    )
    daemon.data = data
    eventually(lambda: site.asked()["/feed.xml"] > 1)
    return daemon


@pytest.fixture
def manager(monkeypatch):
    """Listens where systemd would, on an abstract socket, whose name cannot be too long."""
    name = f"presswatch-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(f"\0{name}")
        listener.settimeout(30)
        monkeypatch.setenv("NOTIFY_SOCKET", f"@{name}")
        monkeypatch.setenv("WATCHDOG_USEC", "400000")
        yield listener


def process_of(data, *words) -> int:
    """The number of a process of the daemon on this data directory."""
    for directory in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            arguments = (directory / "cmdline").read_text().split("\0")
            mine = f"PRESSWATCH_DATA={data}\0" in (directory / "environ").read_text()
            if mine and all(word in " ".join(arguments) for word in words):
                return int(directory.name)
    raise AssertionError(f"no process {words}")


def redis_of(data) -> Redis:
    return client((data / "redis.url").read_text().strip())


def publish(site, words):
    site.put_page("/1", "Envoys meet", words, f"The Council met. {words}", words)
    site.put_feed("/feed.xml", [("Envoys meet", "/1")])


@pytest.mark.timeout(180)
def test_run_survives_quiet_hours_and_kills_and_still_alerts(
    run, site, words, eventually, tmp_path
):
    time.sleep(7)
    for _ in range(2):
        with redis_of(run.data) as redis:
            os.kill(redis.info("server")["process_id"], signal.SIGKILL)
            eventually(lambda: redis.ping())
        time.sleep(0.5)
    for command in ("scheduler", "worker"):
        os.kill(process_of(run.data, "presswatch", command), signal.SIGKILL)
    eventually(lambda: run.log.read_text().count('"process ended"'), 2)
    asked = site.asked()["/feed.xml"]
    # The lease of the killed scheduler has to end first.
    eventually(lambda: site.asked()["/feed.xml"] > asked, within=60)
    publish(site, words)
    eventually(lambda: "Envoys meet" in run.log.read_text(), within=60)

    log = run.log.read_text()
    assert "Traceback" not in log
    assert "exc_type" not in log
    assert log.count("was ended by SIGKILL") == 2
    assert log.count("── talks") == 1
    run.send_signal(signal.SIGINT)
    assert run.wait(10) == 0


def test_tail_survives_a_restart_of_redis(run, presswatch, site, words, eventually):
    config = str(run.data.parent / "config")
    tail = presswatch.start("tail", "--data", str(run.data), "--config", config)
    with redis_of(run.data) as redis:
        # The console's, and the tail's.
        eventually(lambda: sum(one["cmd"] == "xread" for one in redis.client_list()), 2)
        os.kill(redis.info("server")["process_id"], signal.SIGKILL)
    publish(site, words)
    eventually(lambda: "Envoys meet" in tail.log.read_text())
    assert tail.poll() is None
    assert tail.log.read_text().count("\n") <= 2


def test_systemd_hears_that_the_daemon_starts_lives_and_stops(manager, run):
    messages = []
    while len(messages) < 4:
        messages.append(manager.recv(100).decode())
    assert messages == ["READY=1"] + ["WATCHDOG=1"] * 3
    run.terminate()
    while messages[-1] != "STOPPING=1":
        messages.append(manager.recv(100).decode())
    assert run.wait(20) == 0
