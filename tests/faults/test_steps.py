"""A process that is killed at any one of its steps in Redis loses and repeats nothing."""

import json
import os
import signal
from collections import Counter
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from redis.connection import AbstractConnection

from monitor.alerts.build import notice
from monitor.config import load
from monitor.coverage import Record
from monitor.model import Entry, as_plain, from_json
from monitor.runtime.composition import Runtime
from monitor.store.replies import text
from workers import context
from workers.worker import DeliveryWorker

CONFIG = """
feeds: [{{url: "{site}/feed", name: Herald}}]
watchlists: [{{name: council, query: '"NATO-Russia Council"', subscribers: [hook]}}]
subscribers: [{{name: hook, webhook: {{url: "{site}/hook"}}}}]
"""
MOST_STEPS = 200


def die_at(step):
    """Lets this process be killed at its step in Redis: before it sends, or before it reads.

    Even steps are sendings, odd ones are readings.
    """
    steps = iter(range(MOST_STEPS))
    methods = {
        name: getattr(AbstractConnection, name) for name in ("send_packed_command", "read_response")
    }

    def stepping(method):
        def call(*args, **options):
            if next(steps) == step:
                os.kill(os.getpid(), signal.SIGKILL)
            return method(*args, **options)

        return call

    for name, method in methods.items():
        setattr(AbstractConnection, name, stepping(method))


def killed_at(step, act):
    """Runs `act` in a process that is killed at a step; returns whether it came so far."""
    pid = os.fork()
    if not pid:
        die_at(step)
        with suppress(BaseException):
            act()
            os._exit(0)
        os._exit(1)
    _, status = os.waitpid(pid, 0)
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0
    return os.WIFSIGNALED(status)


@pytest.fixture
def runtime(site, configure, redis, words):
    site.put_page("/1", "Envoys meet", words, f"The NATO-Russia Council met. {words}", words)
    directory = configure(CONFIG.format(site=site.url))
    return Runtime(directory, load(directory, {}), redis)


def recover_until_done(runtime, kind, act):
    """Recovers lost jobs when the leases of dead processes are over, and does them."""
    for _ in range(3):
        if not runtime.queues.count_owed(kind):
            return
        for key in runtime.redis.scan_iter("presswatch:runner:*"):
            runtime.redis.delete(key)
        # A job is lost if it is missing twice.
        runtime.queues.recover()
        runtime.queues.recover()
        act()


def next_job(runtime):
    """Takes the next job of an entry, as a reader does: from a line, or from a queue."""
    limits = runtime.config.settings.articles
    lines = runtime.queues.lines(
        at_once=limits.per_host, delay=limits.delay, lease=timedelta(minutes=1)
    )
    runner = runtime.queues.runner()
    if released := lines.release(runner, datetime.now(UTC), 1):
        return released[0]
    for queue in runtime.queues.served("articles"):
        if job_id := runtime.redis.lpop(queue.key):
            return runner.take("articles", text(job_id))
    return None


def enqueue(runtime, site):
    runtime.redis.flushall()
    entry = as_plain(Entry("1", f"{site.url}/1", "Envoys meet"))
    with runtime.redis.pipeline() as pipe:
        pipe.multi()
        runtime.queues.enqueue_entry(runtime.config.feeds[0].id, entry, "v", pipe)
        pipe.execute()


def put_into_line(runtime):
    job = next_job(runtime)
    lines = runtime.queues.lines(at_once=1, delay=timedelta(0), lease=timedelta(minutes=1))
    lines.park(job.args[0], job.id, datetime.now(UTC), timedelta(0))


@pytest.mark.timeout(180)
@pytest.mark.parametrize("is_in_line", [False, True])
def test_a_reader_killed_at_any_step_loses_and_repeats_no_alert(
    site, runtime, process_job, is_in_line
):
    def process():
        if job := next_job(runtime):
            process_job(runtime, job)

    for step in range(MOST_STEPS):
        enqueue(runtime, site)
        if is_in_line:
            put_into_line(runtime)
        was_killed = killed_at(step, process)
        recover_until_done(runtime, "articles", process)
        (alert,) = runtime.store.alerts.latest(limit=9)
        assert alert["watchlist"] == "council"
        assert runtime.queues.count_owed("articles") == 0
        assert runtime.queues.count_owed("deliveries") == 1
        records = [from_json(Record, each) for each in runtime.store.unarchived.waiting()]
        assert records[-1].publication.article.text_from == "page"
        assert sum(len(record.publication.alerts) for record in records) == 1
        if not was_killed:
            return
    raise AssertionError("never came to its end")


@pytest.mark.timeout(180)
def test_a_courier_killed_at_any_step_delivers_under_one_key(site, runtime):
    def work():
        context.use(runtime)
        DeliveryWorker(uuid4().hex, runtime).run(burst=True)

    for step in range(MOST_STEPS):
        runtime.redis.flushall()
        site.received.clear()
        alert = replace(notice("It happened", "Now.", now=datetime.now(UTC)), subscribers=("hook",))
        with runtime.redis.pipeline() as pipe:
            pipe.multi()
            runtime.store.alerts.publish(alert, pipe)
            runtime.queues.enqueue_deliveries(alert, pipe)
            pipe.execute()
        was_killed = killed_at(step, work)
        recover_until_done(runtime, "deliveries", work)
        assert runtime.queues.count_owed("deliveries") == 0
        keys = Counter(headers["idempotency-key"] for headers, _ in site.received)
        assert len(keys) == 1
        assert keys.total() <= 2
        assert {json.loads(body)["id"] for _, body in site.received} == {alert.id}
        if not was_killed:
            return
    raise AssertionError("never came to its end")
