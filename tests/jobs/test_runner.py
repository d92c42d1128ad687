"""Which process runs which job, with real processes."""

import signal
import subprocess
import sys
import time
from datetime import timedelta

import pytest
from rq.job import Job

from monitor.jobs import runner

ENTRY = {"url": "https://a.example/1", "guid": "1"}


@pytest.fixture
def quick_leases(monkeypatch):
    monkeypatch.setattr(runner, "LEASE", timedelta(seconds=0.4))
    monkeypatch.setattr("monitor.jobs.queues.RENEWAL", timedelta(seconds=0.1))


def test_a_job_that_is_taken_comes_with_its_arguments_and_earlier_attempts(queues, taken):
    ours = queues.runner()
    job = ours.take("articles", taken)
    assert (job.id, job.args, job.begun) == (taken, ["feed", ENTRY], 0)
    ours.close()
    assert queues.runner().take("articles", taken).begun == 1


def test_a_job_is_taken_by_one_living_process(queues, taken):
    first, second = queues.runner(), queues.runner()
    assert first.take("articles", taken)
    assert second.take("articles", taken) is None
    assert queues.all_running("articles") == {taken}
    first.give_back("articles", taken)
    assert second.take("articles", taken)


def test_a_reply_that_was_lost_does_not_lose_the_job(queues, taken):
    ours = queues.runner()
    assert ours.take("articles", taken)
    assert ours.take("articles", taken)


def test_a_job_whose_delivery_to_its_process_was_lost_is_recovered(queues, enqueue):
    ours, other = queues.runner(), queues.runner()
    known, lost, others = enqueue("v1"), enqueue("v2"), enqueue("v3")
    for _ in range(3):
        queues.rq["articles"].pop_job_id()
    assert all(ours.take("articles", job) for job in (known, lost))
    assert other.take("articles", others)
    ours.end_unknown_claims("articles", {known})
    # Perhaps the reply is still on its way.
    assert queues.all_running("articles") == {known, lost, others}
    ours.end_unknown_claims("articles", {known})
    assert queues.all_running("articles") == {known, others}
    assert [queues.recover(), queues.recover()] == [[], [lost]]


def test_a_job_that_is_not_owed_is_not_taken(redis, queues, taken):
    redis.delete("presswatch:outstanding:articles")
    assert queues.runner().take("articles", taken) is None
    assert queues.failed("articles") == []


@pytest.mark.parametrize("field", ["data", "status"])
def test_a_job_that_is_not_ours_is_refused(redis, queues, field):
    redis.hset("rq:job:foreign", mapping={"data": b"[]", field: b"\x80\x04cos\nsystem\n"})
    assert queues.runner().take("articles", "foreign") is None
    (failed,) = queues.failed("articles")
    assert "not one of our jobs" in failed.error
    assert not Job.exists("foreign", connection=redis)


def test_a_running_job_is_not_recovered_however_long_it_takes(queues, taken, quick_leases):
    with queues.running("articles", taken) as acquired:
        assert acquired
        for _ in range(5):
            time.sleep(0.2)
            assert queues.recover() == []
    assert [queues.recover(), queues.recover()] == [[], [taken]]


def test_a_claim_that_redis_lost_is_made_good(redis, queues, taken, quick_leases, eventually):
    with queues.running("articles", taken):
        for key in redis.scan_iter("presswatch:runner:*"):
            redis.delete(key)
        time.sleep(0.3)
        assert [queues.recover(), queues.recover()] == [[], []]
        assert queues.all_running("articles") == {taken}
    assert queues.all_running("articles") == set()


def test_a_delivery_is_made_by_one_process_at_a_time(redis, queues):
    with queues.running("deliveries", "d") as first, queues.running("deliveries", "d") as second:
        assert first
        assert not second
    with queues.running("deliveries", "d") as third:
        assert third
    assert not redis.keys()


RUN = """
import sys, time
from redis import Redis
from monitor.jobs.queues import Queues
from monitor.store.keys import Keys
queues = Queues(Redis.from_url(sys.argv[1]), Keys())
assert queues.runner().take("articles", sys.argv[2])
print("running", flush=True)
time.sleep(60)
"""


def test_a_job_is_recovered_within_20_s_after_its_process_is_killed(queues, taken, redis_url):
    holder = subprocess.Popen(
        [sys.executable, "-c", RUN, redis_url, taken], stdout=subprocess.PIPE, text=True
    )
    with holder:
        assert holder.stdout.readline() == "running\n"
        assert [queues.recover(), queues.recover()] == [[], []]
        assert queues.runner().take("articles", taken) is None
        holder.send_signal(signal.SIGKILL)
    killed = time.monotonic()
    while queues.recover() != [taken]:
        time.sleep(1)
    # A lost job takes two looks, a second apart here and five seconds apart in the scheduler.
    assert time.monotonic() - killed < runner.LEASE.total_seconds() + 4
    assert queues.runner().take("articles", taken).begun == 1
