"""Tests of the workers: they run our two functions, whatever Redis holds, and send heartbeats."""

import json
import os
import pickle
import signal
import socket
import zlib
from datetime import timedelta
from multiprocessing import get_context
from uuid import uuid4

import pytest
from redis import ConnectionError as RedisConnectionError
from rq import Callback, Queue
from rq.job import Job
from rq.webhook import Webhook

from monitor.config import load
from monitor.jobs import liveness
from monitor.jobs.liveness import living
from monitor.jobs.outcome import Again
from monitor.jobs.own_jobs import DELIVER, SERIALIZER, OwnJob
from monitor.runtime.composition import Runtime
from monitor.runtime.lifeline import Tether
from workers import context
from workers.articles import cleaner
from workers.articles import read as reading
from workers.articles.desk import Desk
from workers.articles.process import Processor
from workers.articles.reader import FAULT_PAUSES_S
from workers.worker import ArticleWorker, DeliveryWorker

CONFIG = """
feeds: [{{url: {site}/feed, name: Herald}}]
watchlists: [{{name: grain, query: grain, once_per: article}}]
"""


@pytest.fixture
def runtime(site, configure, redis, monkeypatch):
    directory = configure(CONFIG.format(site=site.url))
    runtime = Runtime(directory, load(directory, {}), redis)
    monkeypatch.setattr(context, "_current", None)
    context.use(runtime)
    return runtime


@pytest.fixture
def work(runtime, tmp_path):
    """Lets a worker empty its queues, with two cleaners if it reads articles."""

    def run(kind=ArticleWorker, name="one"):
        if kind is DeliveryWorker:
            DeliveryWorker(name, runtime).run(burst=True)
            return
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(str(tmp_path / f"{uuid4().hex[:8]}"))
            listener.listen()
            desk, tether = Desk(runtime), Tether()
            fork = get_context("fork").Process
            cleaners = [fork(target=cleaner.serve, args=(desk, listener, tether)) for _ in "ab"]
            for process in cleaners:
                process.start()
            ArticleWorker(name, runtime, listener, lambda: None).run(burst=True)
            for process in cleaners:
                process.kill()
                process.join()

    return run


@pytest.fixture
def owed(runtime):
    """Enqueues an entry whose page does not exist."""

    def put():
        feed = runtime.config.feeds[0]
        with runtime.redis.pipeline() as pipe:
            pipe.multi()
            entry = {"guid": "1", "title": "Grain", "url": None}
            runtime.queues.enqueue_entry(feed.id, entry, "v", pipe)
            pipe.execute()
        (job_id,) = runtime.queues.all_owed("articles")
        return job_id

    return put


def alerts(runtime):
    return [alert["article"]["title"] for alert in runtime.store.alerts.latest(limit=9)]


QUEUES = [("articles", ArticleWorker), ("bulk", ArticleWorker), ("deliveries", DeliveryWorker)]


@pytest.mark.parametrize(("name", "kind"), QUEUES)
@pytest.mark.parametrize("function", ["os.system", "subprocess.getoutput", "posix.system"])
def test_a_job_that_names_another_function_is_refused_and_shown(
    redis, runtime, work, tmp_path, name, kind, function
):
    made = tmp_path / "made"
    callback = Callback("os.system")
    Queue(name, connection=redis, serializer=SERIALIZER).enqueue(
        function, f"touch {made}", job_id="foreign", on_success=callback, on_failure=callback,
        on_stopped=callback,
    )  # fmt: skip
    work(kind)
    assert not made.exists()
    (failed,) = runtime.queues.all_failed()
    assert failed.id == "foreign"
    assert function in failed.error
    assert failed.queue == kind.kind
    assert not redis.exists("rq:job:foreign")
    assert runtime.queues.depths()[kind.kind].queued == 0


def test_an_operator_sees_a_refused_job_and_can_only_drop_it(
    redis, redis_url, runtime, work, presswatch, owed
):
    def call(*arguments):
        config = ("--config", str(runtime.config_directory))
        return presswatch.call(*arguments, *config, REDIS_URL=redis_url)

    runtime.queues.give_up("articles", owed(), "HTTP 422")
    Queue("articles", connection=redis, serializer=SERIALIZER).enqueue("os.system", job_id="bad")
    work()
    listed = call("failed", "list").stdout
    assert "a job of another program  not one of our jobs: it names 'os.system'" in listed
    assert json.loads(call("failed", "list", "--json").stdout.splitlines()[0])["args"] == []
    assert json.loads(call("status", "--json").stdout)["queues"]["articles"]["failed"] == 2
    assert call("failed", "retry", "bad").returncode == 1
    assert call("failed", "retry", "--all").stdout == "1 queued again\n"
    assert call("failed", "drop", "bad").stdout == "1 dropped\n"
    assert runtime.queues.all_failed() == []


@pytest.mark.parametrize(
    "call",
    [
        (DELIVER, None, ["more"], {}),
        (DELIVER, None, [], {"more": 1}),
        (DELIVER, {"an": "instance"}, [], {}),
        (f"{DELIVER} ", None, [], {}),
        ("workers.jobs._run", None, [], {}),
        ([DELIVER], None, [], {}),
        (None, None, [], {}),
        {"no": "list"},
        "text",
        17,
    ],
)
def test_a_job_has_one_of_our_names_and_no_arguments(redis, call):
    job = OwnJob("foreign", connection=redis, serializer=SERIALIZER)
    job.data = json.dumps(call).encode()
    assert job.refusal("deliveries").startswith("not one of our jobs")
    job.data = json.dumps([DELIVER, None, [], {}]).encode()
    assert job.refusal("deliveries") is None
    assert job.refusal("articles").startswith("not one of our jobs")


def hash_of(redis, job_id, **fields):
    redis.hset(
        f"rq:job:{job_id}",
        mapping={"created_at": "2026-01-01T00:00:00.000000Z", "origin": "articles"} | fields,
    )


class Touch:
    """A pickle that creates a file when it is loaded."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (open, (str(self.path), "w"))


def test_a_pickle_is_never_loaded(redis, runtime, work, tmp_path):
    made = tmp_path / "made"
    evil = zlib.compress(pickle.dumps((Touch(made), None, (), {})))
    hash_of(redis, "foreign", data=evil, meta=pickle.dumps(Touch(made)))
    redis.rpush("rq:queue:articles", "foreign")
    work()
    assert not made.exists()
    (failed,) = runtime.queues.all_failed()
    assert failed.error == "not one of our jobs: its data is not in our format"


def test_things_that_are_not_jobs_do_not_stop_a_worker(redis, runtime, work, owed):
    redis.rpush("rq:queue:articles", "no id: at all", b"\xff\xfe", "broken", "string", "missing")
    hash_of(redis, "broken", data=b"x", status="nonsense", timeout="soon")
    redis.set("rq:job:string", "text")
    redis.rpush("rq:queue:deliveries", "no id")
    owed()
    work()
    work(DeliveryWorker)
    assert alerts(runtime) == ["Grain"]
    assert {job.id for job in runtime.queues.all_failed()} == {
        "no id: at all", "\ufffd\ufffd", "broken", "string", "no id",
    }  # fmt: skip


def test_a_job_whose_arguments_cannot_be_read_stops_no_other(redis, runtime, work, owed):
    owed()
    redis.hset("presswatch:outstanding:articles", "entry-bad", "{")
    redis.lpush("rq:queue:articles", "entry-bad")
    work()
    assert alerts(runtime) == ["Grain"]
    assert runtime.queues.all_owed("articles") == {"entry-bad"}
    assert runtime.queues.depths()["articles"].scheduled == 1


def test_what_the_hash_of_an_owed_job_says_does_not_matter(redis, runtime, work, owed):
    job_id = owed()
    data = zlib.compress(json.dumps(["os.system", None, ["true"], {}]).encode())
    redis.hset(f"rq:job:{job_id}", "data", data)
    work()
    assert alerts(runtime) == ["Grain"]
    assert runtime.queues.all_failed() == []


@pytest.fixture
def evil(tmp_path, monkeypatch):
    """Creates a module that leaves a trace when it is imported."""
    made = tmp_path / "made"
    (tmp_path / "evil_callbacks.py").write_text(f"open({str(made)!r}, 'w').close()\nrun = print\n")
    monkeypatch.syspath_prepend(tmp_path)
    return made


def test_other_requests_in_the_hash_of_a_job_are_ignored(redis, runtime, site, work, owed, evil):
    job_id = owed()
    job = Job(job_id, connection=redis, serializer=SERIALIZER)
    job.origin, job.data = "articles", json.dumps([DELIVER, None, [], {}]).encode()
    job._success_callback_name = job._failure_callback_name = "evil_callbacks.run"
    job._stopped_callback_name = "evil_callbacks.run"
    job.webhooks = [Webhook(f"{site.url}/told", status) for status in ("finished", "failed")]
    job.repeats_left, job.repeat_intervals = 5, [0]
    job.save()
    read = OwnJob.fetch(job_id, connection=redis, serializer=SERIALIZER)
    assert (read.success_callback, read.failure_callback, read.stopped_callback) == (None,) * 3
    work()
    assert alerts(runtime) == ["Grain"]
    assert not evil.exists()
    assert site.requests == []


def test_a_reader_that_ends_takes_no_more_jobs_from_lines(site, runtime, work):
    feed = runtime.config.feeds[0]
    with runtime.redis.pipeline() as pipe:
        pipe.multi()
        for number in range(60):
            site.delays[f"/{number}"] = 0.5 + number % 16 / 16
            entry = {"guid": str(number), "title": "Rain", "url": f"{site.url}/{number}"}
            runtime.queues.enqueue_entry(feed.id, entry, "v", pipe)
        pipe.execute()
    work()
    depth = runtime.queues.depths()["articles"]
    articles = [path for path, _ in site.requests if path != "/robots.txt"]
    assert len(articles) + depth.waiting == 60
    # One that looked at its lines just before may still take their next jobs.
    assert depth.waiting > 10


def test_an_unforeseen_error_is_retried_and_given_up_in_the_end(
    redis, runtime, work, owed, monkeypatch
):
    async def fail(*_):
        raise KeyError("x")

    monkeypatch.setattr(Processor, "process", fail)
    job_id = owed()
    for _ in FAULT_PAUSES_S:
        work()
        assert runtime.queues.depths()["articles"].scheduled == 1
        redis.rpush("rq:queue:articles", job_id)
    work()
    (failed,) = runtime.queues.failed("articles")
    assert (failed.id, failed.error) == (job_id, "KeyError: 'x'")
    assert runtime.queues.depths()["articles"].owed == 0


def test_a_job_is_not_given_up_because_redis_fails(redis, runtime, work, owed, monkeypatch):
    async def fail(*_):
        raise RedisConnectionError("gone")

    monkeypatch.setattr(Processor, "process", fail)
    job_id = owed()
    for _ in range(len(FAULT_PAUSES_S) + 2):
        work()
        redis.rpush("rq:queue:articles", job_id)
    assert runtime.queues.failed("articles") == []
    assert runtime.queues.depths()["articles"].owed == 1
    # Otherwise its page would no longer be fetched.
    assert runtime.queues.begun("articles", job_id) == 0


def test_a_job_that_another_process_runs_is_left_to_it(runtime, work, owed):
    job_id = owed()
    with runtime.queues.running("articles", job_id):
        work()
    assert alerts(runtime) == []
    assert [runtime.queues.recover(), runtime.queues.recover()] == [[], [job_id]]


@pytest.fixture
def page(runtime, site, monkeypatch):
    """Makes cleaning a page harm its own process."""

    def put(harm):
        monkeypatch.setattr(reading, "Reading", harm)
        site.put_page("/1", "Grain", "Of grain.")
        with runtime.redis.pipeline() as pipe:
            pipe.multi()
            entry = {"guid": "1", "title": "Grain", "url": f"{site.url}/1"}
            runtime.queues.enqueue_entry(runtime.config.feeds[0].id, entry, "v", pipe)
            pipe.execute()
        (job_id,) = runtime.queues.all_owed("articles")
        return job_id

    return put


def test_the_feeds_words_are_matched_if_the_page_kills_its_process(runtime, work, page):
    page(lambda *_, **__: os.kill(os.getpid(), signal.SIGKILL))
    work()
    assert alerts(runtime) == ["Grain"]
    assert runtime.queues.depths()["articles"].scheduled == 1


def test_cleaning_that_never_ends_is_interrupted_before_its_job_is(
    runtime, site, work, page, monkeypatch
):
    monkeypatch.setattr(reading, "CLEANING", timedelta(seconds=0.3))
    page(lambda *_, **__: [None for _ in iter(int, 1)])
    work()
    assert alerts(runtime) == ["Grain"]
    assert runtime.queues.depths()["articles"].scheduled == 1


@pytest.mark.parametrize(("pause", "least"), [(1, 0), (30, 30)])
def test_a_job_is_not_run_again_before_its_pause_is_over(
    redis, runtime, work, owed, monkeypatch, pause, least
):
    async def again(*_):
        return Again(pause)

    monkeypatch.setattr(Processor, "process", again)
    job_id = owed()
    seconds, micros = redis.time()
    work()
    due = redis.zscore("rq:scheduled:bulk", job_id)
    assert due >= seconds + micros / 1e6 + least


def test_a_job_that_an_operator_removes_from_its_queue_comes_back(runtime, owed):
    job_id = owed()
    runtime.queues.rq["articles"].remove(job_id)
    assert [runtime.queues.recover(), runtime.queues.recover()] == [[], [job_id]]


def test_a_worker_is_alive_while_it_runs_and_registers_again(
    redis, runtime, monkeypatch, eventually
):
    monkeypatch.setattr("workers.worker.HEARTBEAT", timedelta(seconds=0.1))
    worker = DeliveryWorker("one", runtime)
    worker.bootstrap(logging_level="CRITICAL")
    assert living(redis) == ["one"]
    assert redis.ttl("rq:worker:one") > 0
    redis.flushall()
    eventually(lambda: living(redis), ["one"])
    assert redis.ttl("rq:worker:one") <= liveness.SILENT.total_seconds()
    assert redis.hget("rq:worker:one", "birth")
    assert redis.smembers("rq:workers:deliveries") == {b"rq:worker:one"}
    worker.teardown()
    assert living(redis) == []


def test_a_worker_without_heartbeats_is_forgotten(redis, runtime):
    worker = DeliveryWorker("one", runtime)
    worker.register_birth()
    redis.delete("rq:worker:one")
    # What its last job wrote.
    redis.hset("rq:worker:one", "successful_job_count", 1)
    assert living(redis) == []
    runtime.queues.recover()
    assert not redis.exists("rq:worker:one", "rq:workers", "rq:workers:deliveries")
