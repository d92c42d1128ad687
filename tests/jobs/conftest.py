"""Jobs of entries, enqueued and taken off their queues."""

import pytest

ENTRY = {"url": "https://a.example/1", "guid": "1"}


@pytest.fixture
def enqueue(redis, queues):
    """Enqueues a version of an entry and returns the job's id."""

    def put(version="v1", entry=ENTRY):
        with redis.pipeline() as pipe:
            pipe.multi()
            queues.enqueue_entry("feed", entry, version, pipe)
            pipe.execute()
        return queues.rq["articles"].get_job_ids()[-1]

    return put


@pytest.fixture
def taken(redis, enqueue):
    """Returns the id of a job that a worker took off its queue."""
    job_id = enqueue()
    redis.delete("rq:queue:articles")
    return job_id
