"""Limits on how long calls to Redis may wait."""

import re
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import pytest
from rq import SimpleWorker

from monitor.archiver import PATIENCE
from monitor.cli import console, history
from monitor.cli import demonstration as show
from monitor.jobs.liveness import WORKER_TTL
from monitor.model import Alert
from monitor.store import AlertStore, client
from monitor.store.client import SOCKET_TIMEOUT, block_ms

PROJECT = Path(__file__).parents[2]
# The commands that keep a connection waiting on purpose.
BLOCKING = re.compile(
    r"\.(b[lrz]\w*pop\w*|blmove|xread|xreadgroup|get_message)\(|pubsub\(\)\.listen"
)


def timeout_s(redis):
    return redis.connection_pool.connection_kwargs["socket_timeout"]


def test_every_timeout_is_set_and_above_every_block(redis):
    kwargs = redis.connection_pool.connection_kwargs
    assert kwargs["socket_timeout"] == SOCKET_TIMEOUT.total_seconds()
    assert kwargs["socket_connect_timeout"]
    for block in (history.BLOCK, console.BLOCK, show.CALM, PATIENCE):
        assert block_ms(redis, block) == block.total_seconds() * 1000
    assert block_ms(redis, timedelta(hours=1)) < timeout_s(redis) * 1000


def test_rq_waits_for_jobs_for_less_than_the_timeout_and_does_not_change_it(redis):
    worker = SimpleWorker(
        ["articles"], connection=redis, worker_ttl=int(WORKER_TTL.total_seconds())
    )
    assert worker.dequeue_timeout < timeout_s(redis) / 2
    assert timeout_s(redis) == SOCKET_TIMEOUT.total_seconds()


def test_no_other_module_blocks_on_redis():
    files = [file for name in ("monitor", "workers") for file in (PROJECT / name).rglob("*.py")]
    blocking = [file.name for file in files if BLOCKING.search(file.read_text(encoding="utf-8"))]
    assert sorted(blocking) == ["alerts.py", "unarchived.py"]


@pytest.fixture
def impatient(redis_url, redis, monkeypatch):
    """Yields a client whose socket times out after a second."""
    monkeypatch.setattr(client, "SOCKET_TIMEOUT", timedelta(seconds=1))
    with client.client(redis_url) as other:
        yield other


def test_idle_reads_yield_nothing_and_do_not_end_the_stream(impatient, store, redis):
    alerts = AlertStore(impatient, store.keys, timedelta(days=1))
    following = alerts.follow(after="0", block=timedelta(minutes=5))
    began = time.monotonic()
    assert [next(following) for _ in range(3)] == [None, None, None]
    assert time.monotonic() - began > 1
    with redis.pipeline() as pipe:
        store.alerts.publish(Alert("a", "w", (), {"id": "a"}), pipe)
        pipe.execute()
    assert next(following) == {"id": "a"}


def test_rqs_wait_for_commands_exceeds_the_timeout_without_an_error(impatient):
    with impatient.pubsub() as channel:
        channel.subscribe("rq:pubsub:w")
        assert channel.get_message(timeout=1)["type"] == "subscribe"
        # RQ's thread waits for 60 s in this way.
        began = time.monotonic()
        assert channel.get_message(timeout=1.5) is None
        assert time.monotonic() - began > 1.4


def test_a_stream_entry_that_is_not_an_alert_is_shown_and_not_fatal(redis, store):
    redis.xadd(store.keys.alerts, {"alert": "{"})
    redis.xadd(store.keys.alerts, {"other": "x"})
    following = store.alerts.follow(after="0", block=timedelta(milliseconds=1))
    assert [set(next(following)) for _ in range(2)] == [{"unreadable"}] * 2
    assert len(store.alerts.latest()) == 2


SAMPLE = re.compile(r"```python\n(.*?)```", re.DOTALL)


def test_the_sample_consumer_survives_idle_reads_and_can_be_restarted(
    redis, redis_url, store, tmp_path, eventually
):
    (code,) = SAMPLE.findall((PROJECT / "docs" / "alerts.md").read_text(encoding="utf-8"))
    assert "block=5000" in code
    assert "redis://localhost" in code
    # Block and timeout are shortened alike, so that several blocks pass within seconds.
    quick = code.replace("redis://localhost", redis_url).replace("block=5000", "block=700")
    assert "socket_timeout=30" in quick
    quick = quick.replace("socket_timeout=30", "socket_timeout=1.4")
    document = {"article": {"title": "Envoys meet"}}
    for number in (1, 2):
        with (tmp_path / f"{number}.log").open("w") as log:
            consumer = subprocess.Popen(
                [sys.executable, "-u", "-c", quick], stdout=log, stderr=subprocess.STDOUT
            )
        try:
            time.sleep(3)
            with redis.pipeline() as pipe:
                store.alerts.publish(Alert(f"{number}", "w", (), document), pipe)
                pipe.execute()
            eventually(lambda: (tmp_path / f"{number}.log").read_text(), "Envoys meet\n", within=10)  # noqa: B023
            assert consumer.poll() is None
        finally:
            consumer.kill()
            consumer.wait()
