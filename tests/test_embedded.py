"""The Redis that comes along."""

import os
import signal
import subprocess
import sys
import time

import pytest
from redis import Redis
from redis.exceptions import ConnectionError as RedisConnectionError

from monitor import embedded
from monitor.errors import AlreadyRunning, NotRunning, PresswatchError
from monitor.runtime import connect

HOLD = """
import sys, time
from pathlib import Path
from monitor import embedded
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


def test_a_long_path_to_the_data_directory_is_no_obstacle(tmp_path):
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


def test_a_server_that_falls_is_started_again(tmp_path):
    with embedded.hold(tmp_path), embedded.server(tmp_path), connect(tmp_path, {}) as redis:
        redis.set("key", "kept")
        time.sleep(1)
        os.kill(redis.info("server")["process_id"], signal.SIGKILL)
        # The connection's own retries bridge the gap.
        assert redis.get("key") == b"kept"


def test_other_commands_are_told_how_to_start_a_daemon(tmp_path):
    with pytest.raises(NotRunning, match="presswatch run"):
        connect(tmp_path, {})


def test_a_redis_url_wins_and_its_password_stays_out_of_errors(tmp_path):
    with pytest.raises(NotRunning) as raised:
        connect(tmp_path, {"REDIS_URL": "redis://:hunter2@127.0.0.1:1/0"})
    assert "hunter2" not in str(raised.value)


def test_a_redis_that_may_throw_keys_away_is_refused(tmp_path):
    with embedded.hold(tmp_path), embedded.server(tmp_path) as url, Redis.from_url(url) as redis:
        redis.config_set("maxmemory-policy", "allkeys-lru")
        with pytest.raises(PresswatchError, match="noeviction"):
            connect(tmp_path, {})
