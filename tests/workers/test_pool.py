"""Tests of the pool: its workers are replaced, reloaded and drained, and do not outlive it."""

import contextlib
import os
import signal
import time
from multiprocessing import get_context
from pathlib import Path

import pytest

from monitor.config import ArticleSettings, load
from monitor.jobs.liveness import living
from monitor.runtime.composition import Runtime
from workers.pool import COURIERS, STALLED_S, Pool
from workers.worker import DRAIN

CONFIG = """
feeds: [{{url: "{site}/feed", name: Herald}}]
watchlists: [{{name: grain, query: grain, once_per: article}}]
"""
# The reader and the couriers are RQ workers, the cleaners are not.
WORKERS = 1 + COURIERS
CLEANERS = ArticleSettings().processes


@pytest.fixture
def pool(site, configure, presswatch, redis, redis_url, queues, eventually):
    """Runs a pool, as `presswatch worker` starts it."""
    config = configure(CONFIG.format(site=site.url))
    process = presswatch.start("worker", "--config", str(config), REDIS_URL=redis_url)
    process.config = config

    def enqueue(path):
        from monitor.model import Feed

        with redis.pipeline() as pipe:
            pipe.multi()
            entry = {"guid": path, "title": "Report", "url": f"{site.url}{path}"}
            queues.enqueue_entry(Feed(f"{site.url}/feed").id, entry, "v", pipe)
            pipe.execute()

    process.enqueue = enqueue
    eventually(lambda: len(living(redis)), WORKERS)
    return process


def pid_of(redis, name):
    return int(redis.hget(f"rq:worker:{name}", "pid"))


def processes_of(pool):
    """Returns the running processes of a pool's session, without zombies."""
    found = set()
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            fields = stat.read_text().rpartition(")")[2].split()
            if int(fields[3]) == pool.pid and fields[0] != "Z":
                found.add(int(stat.parent.name))
    return found


def children_of(pid):
    return len(Path(f"/proc/{pid}/task/{pid}/children").read_text().split())


def test_a_worker_that_is_killed_is_replaced(pool, redis, eventually):
    before = set(living(redis))
    victim = min(before)
    os.kill(pid_of(redis, victim), signal.SIGKILL)
    eventually(lambda: len(set(living(redis)) - before), 1, within=10)
    eventually(lambda: len(processes_of(pool)), WORKERS + CLEANERS + 1)


def test_a_reload_replaces_all_workers_by_ones_with_the_new_configuration(
    pool, site, redis, store, words, eventually
):
    before = set(living(redis))
    (pool.config / "more.yaml").write_text("watchlists: [{name: rain, query: rain}]")
    eventually(lambda: len(set(living(redis)) - before), WORKERS)
    eventually(lambda: len(living(redis)), WORKERS)
    site.put_page("/1", "Report", f"Of rain. {words}", words)
    pool.enqueue("/1")
    eventually(lambda: [one["watchlist"] for one in store.alerts.latest(limit=9)], ["rain"])


def test_a_second_reload_does_not_interrupt_what_was_begun_before_the_first(
    pool, site, redis, queues, words, eventually
):
    site.put_page("/1", "Report", f"Of grain. {words}", words)
    site.delays["/1"] = 7
    pool.enqueue("/1")
    eventually(lambda: site.asked()["/1"], 1)
    for _ in range(2):
        before = set(living(redis))
        pool.send_signal(signal.SIGHUP)
        eventually(lambda: len(set(living(redis)) - before), WORKERS)  # noqa: B023
        time.sleep(1)
    eventually(lambda: queues.depths()["articles"].owed, 0)
    assert site.asked() == {"/1": 1}


def test_sighup_replaces_all_workers_unless_the_configuration_is_broken(pool, redis, eventually):
    before = set(living(redis))
    pool.send_signal(signal.SIGHUP)
    eventually(lambda: len(set(living(redis)) - before), WORKERS)
    eventually(lambda: len(living(redis)), WORKERS)
    renewed = living(redis)
    (pool.config / "more.yaml").write_text("watchlists: [{name: rain")
    pool.send_signal(signal.SIGHUP)
    time.sleep(3)
    assert living(redis) == renewed


@pytest.mark.parametrize(("delay", "is_owed"), [(2, False), (60, True)])
def test_sigterm_lets_a_job_finish_for_a_limited_time(
    pool, site, redis, queues, words, eventually, delay, is_owed
):
    site.put_page("/1", "Report", f"Of grain. {words}", words)
    site.delays["/1"] = delay
    pool.enqueue("/1")
    eventually(lambda: site.asked()["/1"], 1)
    pool.terminate()
    assert pool.wait(10) == 0
    assert "Traceback" not in pool.log.read_text()
    assert processes_of(pool) == set()
    assert bool(queues.depths()["articles"].owed) == is_owed
    assert living(redis) == []


@pytest.mark.parametrize("after_s", [0, 0.05, 0.1, 0.2, 0.4])
def test_a_pool_that_is_told_to_stop_while_it_starts_stops_at_once(
    configure, redis, after_s, eventually
):
    directory = configure(CONFIG.format(site="https://a.example"))
    runtime = Runtime(directory, load(directory, {}), redis)
    process = get_context("fork").Process(target=lambda: Pool(runtime).run())
    process.start()
    eventually(lambda: children_of(process.pid) > 0, True, within=10)
    time.sleep(after_s)
    told = time.monotonic()
    process.terminate()
    process.join(10)
    assert process.exitcode == 0
    assert time.monotonic() - told < DRAIN.total_seconds() - 1
    assert living(redis) == []


def test_no_process_outlives_a_pool_that_is_killed(pool, site, eventually):
    site.put_page("/1", "Report", "Of grain.")
    site.delays["/1"] = 60
    pool.enqueue("/1")
    eventually(lambda: site.asked()["/1"], 1)
    assert len(processes_of(pool)) == WORKERS + CLEANERS + 1
    os.kill(pool.pid, signal.SIGKILL)
    pool.wait()
    eventually(lambda: processes_of(pool), set(), within=12)


def test_a_cleaner_that_is_killed_is_replaced_and_its_page_is_read_again(
    pool, site, redis, store, queues, words, eventually
):
    before = cleaners_of(pool, redis)
    for victim in before:
        os.kill(victim, signal.SIGKILL)
    site.put_page("/1", "Report", f"Of grain. {words}", words)
    pool.enqueue("/1")
    eventually(store.alerts.count, 1)
    eventually(lambda: len(cleaners_of(pool, redis) - before), CLEANERS)


def test_a_reader_that_hangs_is_replaced_and_its_page_is_read_again(
    pool, site, redis, store, queues, words, eventually
):
    site.put_page("/1", "Report", f"Of grain. {words}", words)
    site.delays["/1"] = 1
    pool.enqueue("/1")
    eventually(lambda: site.asked()["/1"], 1)
    before = set(living(redis))
    (reader,) = [name for name in before if "articles" in queues_of(redis, name)]
    os.kill(pid_of(redis, reader), signal.SIGSTOP)
    eventually(lambda: len(set(living(redis)) - before), 1, within=STALLED_S + 10)
    # As the leading scheduler does: a job is lost if it is missing twice.
    queues.recover()
    queues.recover()
    eventually(store.alerts.count, 1)


def queues_of(redis, name):
    return redis.hget(f"rq:worker:{name}", "queues").decode().split(",")


def cleaners_of(pool, redis):
    workers = {pid_of(redis, name) for name in living(redis)}
    return processes_of(pool) - workers - {pool.pid}
