"""Queues and the ledger of owed jobs, with a real RQ."""

import asyncio
import json
import os
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta

import pytest
from rq import SimpleWorker
from rq.job import Job

from monitor.config.schema import Settings
from monitor.http.client import HttpClient
from monitor.jobs.queues import FRONT, RETRY, SERIALIZER
from monitor.jobs.recovery import FORGIVEN, MAX_ATTEMPTS
from monitor.model import Delivery, Feed
from monitor.scheduler.poll import Poller

ENTRY = {"url": "https://a.example/1", "guid": "1"}


@pytest.fixture
def enqueue_delivery(redis, queues):
    """Enqueues a delivery and returns the job's id."""

    def put():
        with redis.pipeline() as pipe:
            queues.enqueue_delivery(Delivery("desk", ("alert",)), pipe)
            pipe.execute()
        return queues.rq["deliveries"].get_job_ids()[-1]

    return put


def test_rq_has_the_id_of_an_entrys_job_and_the_ledger_all_else(redis, queues, enqueue):
    job_id = enqueue()
    assert queues.owed("articles", job_id) == ["feed", ENTRY]
    assert redis.lrange("rq:queue:articles", 0, -1) == [job_id.encode()]
    assert list(redis.scan_iter("rq:job:*")) == []


def test_all_keys_begin_as_a_shared_redis_asks(redis, redis_url):
    """RQ reads its prefix from the environment as it is loaded, so another process sets it."""
    program = """
import sys
from datetime import timedelta
from monitor.jobs.queues import Queues
from monitor.model import Delivery
from monitor.store import Store
from monitor.store.client import client

with client(sys.argv[1]) as redis, redis.pipeline() as pipe:
    store = Store(redis, "team:presswatch:", keep=timedelta(days=30))
    Queues(redis, store.keys).enqueue_delivery(Delivery("desk", ("alert",)), pipe)
    pipe.execute()
"""
    environ = os.environ | {"RQ_KEY_PREFIX": "team:rq"}
    subprocess.run([sys.executable, "-c", program, redis_url], env=environ, check=True, timeout=60)
    keys = [key.decode() for key in redis.keys("*")]
    assert any(key.startswith("team:rq:job:") for key in keys)
    assert [key for key in keys if not key.startswith("team:")] == []


def test_the_job_of_a_delivery_is_json_and_carries_its_time_limits(redis, enqueue_delivery):
    job = Job.fetch(enqueue_delivery(), connection=redis, serializer=SERIALIZER)
    assert json.loads(job.data) == ["workers.jobs.deliver", None, [], {}]
    assert job.timeout == 60
    assert job.result_ttl == 60
    assert job.failure_ttl == 7 * 86400


def test_the_job_of_a_delivery_is_stored_as_rq_stores_it(redis, queues, enqueue_delivery):
    job_id = enqueue_delivery()
    stored = redis.hgetall(f"rq:job:{job_id}")
    redis.delete(f"rq:job:{job_id}")
    job = queues.rq["deliveries"].enqueue_call(
        "workers.jobs.deliver",
        job_id=job_id,
        timeout=60,
        result_ttl=60,
        failure_ttl=7 * 86400,
        retry=RETRY,
        description=job_id,
    )
    times = {b"created_at", b"enqueued_at"}
    as_rq = redis.hgetall(f"rq:job:{job.id}")
    assert stored.keys() == as_rq.keys()
    assert [
        (key, as_rq[key]) for key in stored if stored[key] != as_rq[key] and key not in times
    ] == []


def test_two_versions_of_an_entry_are_two_jobs_and_one_version_is_one(queues, enqueue):
    assert enqueue("v1") != enqueue("v2")
    assert enqueue("v1") == queues.rq["articles"].get_job_ids()[0]
    assert queues.depths()["articles"].owed == 2


def test_the_same_text_at_two_addresses_is_two_jobs(enqueue):
    assert enqueue() != enqueue(entry=ENTRY | {"url": "https://a.example/2"})


def test_a_job_that_rq_has_is_not_recovered(queues, enqueue):
    enqueue()
    assert [queues.recover(), queues.recover()] == [[], []]
    assert queues.depths()["articles"].queued == 1


def test_a_job_that_rq_lost_is_enqueued_again_at_the_second_look(redis, queues, enqueue):
    job_id = enqueue()
    redis.delete("rq:queue:articles")
    assert queues.recover() == []
    assert queues.recover() == [job_id]
    assert queues.owed("articles", job_id) == ["feed", ENTRY]
    assert queues.depths()["articles"].queued == 1


def test_a_job_that_is_settled_is_no_longer_owed(redis, queues, enqueue):
    job_id = enqueue()
    assert queues.begin("articles", job_id) == 0
    assert queues.begin("articles", job_id) == 1
    with redis.pipeline() as pipe:
        queues.settle("articles", job_id, pipe)
        pipe.execute()
    assert not queues.owed("articles", job_id)
    assert queues.begin("articles", job_id) == 0


def test_a_job_runs_again_in_bulk_after_its_pause(redis, queues, enqueue, eventually):
    job_id = enqueue()
    runner, now = queues.runner(), time.time()
    runner.take("articles", queues.served("articles")[1].pop_job_id())
    with redis.pipeline() as pipe:
        queues.again(job_id, 1.2, pipe)
        pipe.execute()
    assert [queues.recover(), queues.recover()] == [[], []]
    assert queues.depths()["articles"].scheduled == 1
    while not redis.llen("rq:queue:bulk"):
        queues.enqueue_due()
        time.sleep(0.02)
    assert 1.2 <= time.time() - now < 4
    assert runner.take("articles", job_id).begun == 1


def test_queues_are_known_to_rq_although_no_job_registers_its_own(redis, queues):
    queues.recover()
    names = {"deliveries", "urgent", "articles", "bulk"}
    assert redis.smembers("rq:queues") == {f"rq:queue:{name}".encode() for name in names}


def test_a_job_that_rq_calls_failed_is_still_owed(redis, queues, enqueue_delivery):
    job_id = enqueue_delivery()
    job = Job.fetch(job_id, connection=redis, serializer=SERIALIZER)
    job.retries_left = 0
    job.save()
    # A worker outside the pool runs nothing, and RQ calls the job failed.
    worker = SimpleWorker(queues.served("deliveries"), connection=redis, serializer=SERIALIZER)
    worker.work(burst=True, logging_level="CRITICAL")
    assert Job.fetch(job_id, connection=redis, serializer=SERIALIZER).is_failed
    assert [queues.recover(), queues.recover()] == [[], [job_id]]
    assert queues.failed("deliveries") == []
    assert queues.depths()["deliveries"].queued == 1


def test_a_job_of_an_entry_that_another_program_takes_is_recovered(redis, queues, enqueue):
    job_id = enqueue()
    worker = SimpleWorker(["articles"], connection=redis, serializer=SERIALIZER)
    worker.work(burst=True, logging_level="CRITICAL")
    assert [queues.recover(), queues.recover()] == [[], [job_id]]
    assert queues.depths()["articles"].queued == 1


def test_rqs_records_of_a_killed_worker_are_removed(redis, queues, enqueue_delivery):
    taken = enqueue_delivery()
    redis.delete("rq:queue:deliveries")
    redis.zadd("rq:wip:deliveries", {f"{taken}:execution": 1, "delivery-done:execution": 1})
    redis.hset("rq:job:delivery-done", "status", "started")
    queues.recover()
    assert not redis.exists("rq:wip:deliveries", "rq:job:delivery-done")
    assert redis.exists(f"rq:job:{taken}")


def test_jobs_that_failed_long_ago_are_forgotten(queues, enqueue):
    queues.give_up("articles", enqueue(), "HTTP 422")
    now = datetime.now(UTC)
    assert queues.forget_failed(now - timedelta(days=1)) == 0
    assert len(queues.failed("articles")) == 1
    assert queues.forget_failed(now + timedelta(days=1)) == 1
    assert queues.failed("articles") == []


def test_a_job_that_kills_its_workers_is_given_up_in_the_end(redis, queues, enqueue):
    job_id = enqueue()
    for _ in range(MAX_ATTEMPTS):
        queues.begin("articles", job_id)
    redis.delete("rq:queue:articles")
    queues.recover()
    assert queues.recover() == [job_id]
    (failed,) = queues.failed("articles")
    assert "never ended" in failed.error


def test_nothing_in_redis_is_a_pickle(redis, enqueue):
    enqueue()
    for key in redis.scan_iter():
        kind = redis.type(key)
        values = redis.hvals(key) if kind == b"hash" else []
        assert not any(b"\x80\x04" in value or b"\x80\x05" in value for value in values), key


def take(queues, limit):
    """Returns the ids of jobs in the order in which a worker takes them."""
    served = queues.served("articles")
    job_ids = []
    while len(job_ids) < limit:
        taken = served[0].dequeue_any(
            served, None, connection=served[0].connection, serializer=SERIALIZER
        )
        if taken is None:
            break
        job_ids.append(taken[0].id)
    return job_ids


def test_a_feed_of_many_entries_does_not_delay_other_feeds(site, store, queues):
    big, small = Feed(f"{site.url}/big.xml"), Feed(f"{site.url}/small.xml")
    site.put_feed("/big.xml", [(f"Title {number}", f"/{number}") for number in range(300)])
    site.put_feed("/small.xml", [("Other", "/other")])
    settings = Settings(allow_private_addresses=["127.0.0.1/32"])

    async def poll():
        async with HttpClient.of(settings) as http:
            poller = Poller(store, queues, http, settings)
            for feed in (big, small):
                await poller.poll(feed)

    asyncio.run(poll())
    assert queues.depths()["articles"].queued == 301
    urls = [queues.owed("articles", job)[1]["url"] for job in take(queues, 400)]
    assert len(urls) == 301
    assert urls.index(f"{site.url}/other") == FRONT


def test_a_lost_bulk_job_is_recovered_to_the_ordinary_queue(redis, queues):
    with redis.pipeline() as pipe:
        pipe.multi()
        queues.enqueue_entry("feed", ENTRY, "v1", pipe, lane="bulk")
        pipe.execute()
    assert redis.llen("rq:queue:bulk") == 1
    assert [queues.recover(), queues.recover()] == [[], []]
    (job_id,) = queues.served("articles")[2].get_job_ids()
    redis.delete("rq:queue:bulk")
    assert [queues.recover(), queues.recover()] == [[], [job_id]]
    assert queues.rq["articles"].get_job_ids() == [job_id]


def test_a_job_that_is_lost_again_and_again_is_not_blamed_at_once(redis, queues, enqueue):
    job_id = enqueue()
    for number in range(FORGIVEN + MAX_ATTEMPTS - 1):
        assert queues.begun("articles", job_id) == min(number, 1) + max(0, number - FORGIVEN)
        redis.delete("rq:queue:articles")
        runner = queues.runner()
        assert runner.take("articles", job_id)
        runner.close()
        queues.recover()
        assert queues.recover() == [job_id]
    assert queues.all_owed("articles") == set()
    assert [job.id for job in queues.failed("articles")] == [job_id]


UNREADABLE = ("{", "5", '"' + 9 * "[", 10_000 * "[", b"\xff")


@pytest.mark.parametrize("stored", UNREADABLE)
def test_a_lost_job_that_cannot_be_read_is_given_up_and_stops_no_other(
    redis, queues, enqueue, stored
):
    bad, good = enqueue("v1"), enqueue("v2")
    redis.delete("rq:queue:articles")
    redis.hset("presswatch:outstanding:articles", bad, stored)
    redis.hset("presswatch:attempts:articles", bad, MAX_ATTEMPTS)
    queues.recover()
    assert set(queues.recover()) == {bad, good}
    assert queues.all_owed("articles") == {good}
    (failed,) = queues.failed("articles")
    assert failed.args == []
    assert "cannot be read" in failed.error


def test_ids_that_are_not_text_keep_no_lost_job_from_being_recovered(redis, queues, enqueue):
    lost = enqueue()
    redis.delete("rq:queue:articles")
    for kind in ("articles", "deliveries"):
        redis.hset(f"presswatch:outstanding:{kind}", b"\xff", "[]")
        redis.hset(f"presswatch:running:{kind}", b"\xff", "token")
        redis.rpush(f"rq:queue:{kind}", b"\xff")
        redis.zadd(f"rq:scheduled:{kind}", {b"\xff": 9e9})
    redis.zadd("presswatch:turns", {b"\xff": 9e9})
    redis.zadd("presswatch:line:host:a.example", {b"\xff": 9e9})
    redis.zadd("presswatch:turns", {"host:a.example": 9e9})
    assert [queues.recover(), queues.recover()] == [[], [lost]]


def test_a_failed_job_whose_record_cannot_be_read_is_shown_beside_the_others(
    redis, queues, enqueue
):
    queues.give_up("articles", enqueue(), "HTTP 422")
    redis.hset("presswatch:failed:articles", "bad", "{")
    assert {job.id: job.args for job in queues.all_failed()}.keys() > {"bad"}
    assert queues.forget_failed(datetime.now(UTC) - timedelta(days=1)) == 0
    assert len(queues.all_failed()) == 2


@pytest.mark.parametrize("record", [{"status": "started"}, {"created_at": "yesterday"}, "text"])
def test_a_job_that_rq_cannot_read_does_not_keep_others_from_their_retry(
    redis, queues, enqueue, record
):
    good = enqueue()
    redis.delete("rq:queue:articles")
    if isinstance(record, str):
        redis.set("rq:job:bad", record)
    else:
        redis.hset("rq:job:bad", mapping=record)
    redis.zadd("rq:scheduled:bulk", {"bad": 1, b"\xff": 1, good: 2})
    queues.enqueue_due()
    assert redis.lrange("rq:queue:bulk", 0, -1) == [b"bad", b"\xff", good.encode()]
    assert queues.scheduled("articles") == 0


def test_the_age_of_a_queue_is_that_of_its_oldest_job(redis, queues):
    assert queues.waiting_since("articles") is None
    assert queues.waiting_since("deliveries") is None
    morning = datetime(2026, 11, 23, 9, tzinfo=UTC)
    begun = datetime.now(UTC) - timedelta(seconds=1)
    with redis.pipeline() as pipe:
        for hours in range(2):
            at = morning + timedelta(hours=hours)
            queues.enqueue_entry("feed", ENTRY, str(hours), pipe, polled_at=at)
        queues.enqueue_delivery(Delivery("desk", ("alert",)), pipe)
        pipe.execute()
    assert queues.waiting_since("articles") == morning
    assert begun < queues.waiting_since("deliveries") < datetime.now(UTC) + timedelta(seconds=1)
    redis.lpop("rq:queue:articles")
    assert queues.waiting_since("articles") == morning + timedelta(hours=1)


def test_a_job_knows_when_its_feed_was_polled(redis, queues):
    with redis.pipeline() as pipe:
        queues.enqueue_entry("feed", ENTRY, "v", pipe, polled_at=datetime(2026, 11, 23, tzinfo=UTC))
        pipe.execute()
    (job_id,) = queues.all_owed("articles")
    assert queues.owed("articles", job_id) == ["feed", ENTRY, 1795392000.0]
