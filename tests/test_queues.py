"""The ledger of owed jobs, beside a real RQ."""

import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest
from rq import SimpleWorker
from rq.job import Job

from monitor.liveness import living
from monitor.queues import MOST_ATTEMPTS, SERIALIZER

ENTRY = {"url": "https://a.example/1", "guid": "1"}


@pytest.fixture
def enqueue(redis, queues):
    def put(version="v1", entry=ENTRY):
        with redis.pipeline() as pipe:
            pipe.multi()
            queues.enqueue_entry("feed", entry, version, pipe)
            pipe.execute()
        return queues.rq["articles"].get_job_ids()[-1]

    return put


def test_a_job_is_json_and_carries_its_time_limits(redis, queues, enqueue):
    job_id = enqueue()
    job = Job.fetch(job_id, connection=redis, serializer=SERIALIZER)
    assert json.loads(job.data) == ["workers.jobs.process_entry", None, [], {}]
    assert queues.owed("articles", job_id) == ["feed", ENTRY]
    assert job.timeout == 60
    assert job.result_ttl == 60
    assert job.failure_ttl == 7 * 86400


def test_two_versions_of_an_entry_are_two_jobs_and_one_version_is_one(queues, enqueue):
    assert enqueue("v1") != enqueue("v2")
    assert enqueue("v1") == queues.rq["articles"].get_job_ids()[0]
    assert queues.depths()["articles"].owed == 2


def test_the_same_words_at_two_addresses_are_two_jobs(enqueue):
    assert enqueue() != enqueue(entry=ENTRY | {"url": "https://a.example/2"})


def test_a_job_that_rq_knows_is_left_alone(queues, enqueue):
    enqueue()
    assert [queues.recover(), queues.recover()] == [[], []]
    assert queues.depths()["articles"].queued == 1


def test_a_job_that_rq_lost_is_enqueued_again_at_the_second_look(redis, queues, enqueue):
    job_id = enqueue()
    redis.delete("rq:queue:articles", f"rq:job:{job_id}")
    assert queues.recover() == []
    assert queues.recover() == [job_id]
    assert Job.exists(job_id, connection=redis)
    assert queues.owed("articles", job_id) == ["feed", ENTRY]
    assert queues.depths()["articles"].queued == 1


def test_a_job_of_a_dead_worker_is_enqueued_again(redis, queues, enqueue):
    job_id = enqueue()
    worker = SimpleWorker(
        [queues.rq["articles"]], connection=redis, serializer=SERIALIZER, name="dead"
    )
    worker.register_birth()
    job, _ = queues.rq["articles"].dequeue_any(
        [queues.rq["articles"]], None, connection=redis, serializer=SERIALIZER
    )
    worker.prepare_execution(job)
    worker.prepare_job_execution(job, remove_from_intermediate_queue=True)
    assert [queues.recover(), queues.recover()] == [[], []]

    gone = subprocess.run(
        [sys.executable, "-c", "import os; print(os.getpid())"],
        capture_output=True,
        text=True,
        check=True,
    )
    redis.hset(worker.key, "pid", gone.stdout.strip())
    assert queues.recover() == []
    assert queues.recover() == [job_id]


def test_a_job_that_is_settled_is_no_longer_owed(redis, queues, enqueue):
    job_id = enqueue()
    assert queues.begin("articles", job_id) == 0
    assert queues.begin("articles", job_id) == 1
    with redis.pipeline() as pipe:
        queues.settle("articles", job_id, pipe)
        pipe.execute()
    assert not queues.owed("articles", job_id)
    assert queues.begin("articles", job_id) == 0


def test_a_job_that_rq_gave_up_is_kept_for_the_operator_with_the_reason(redis, queues, enqueue):
    job_id = enqueue()
    job = Job.fetch(job_id, connection=redis, serializer=SERIALIZER)
    job.retries_left = 0
    job.save()
    # Outside a pool's worker, the job finds no context and fails.
    worker = SimpleWorker([queues.rq["articles"]], connection=redis, serializer=SERIALIZER)
    worker.work(burst=True, logging_level="CRITICAL")
    queues.recover()
    assert queues.recover() == [job_id]
    (failed,) = queues.failed("articles")
    assert failed.id == job_id
    assert failed.args == ["feed", ENTRY]
    assert "start workers with `presswatch worker`" in failed.error
    assert queues.depths()["articles"].owed == 0


def test_what_failed_long_ago_is_forgotten(queues, enqueue):
    queues.give_up("articles", enqueue(), "HTTP 422")
    now = datetime.now(UTC)
    assert queues.forget_failed(now - timedelta(days=1)) == 0
    assert len(queues.failed("articles")) == 1
    assert queues.forget_failed(now + timedelta(days=1)) == 1
    assert queues.failed("articles") == []


def test_a_job_that_kills_its_workers_is_given_up_in_the_end(redis, queues, enqueue):
    job_id = enqueue()
    for _ in range(MOST_ATTEMPTS):
        queues.begin("articles", job_id)
    redis.delete("rq:queue:articles", f"rq:job:{job_id}")
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


def test_workers_on_this_machine_are_known_by_their_process(redis, queues):
    worker = SimpleWorker([queues.rq["articles"]], connection=redis, serializer=SERIALIZER)
    worker.register_birth()
    assert [one.pid for one in living(redis)] == [os.getpid()]
