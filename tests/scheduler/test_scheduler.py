"""The scheduler as a separate process."""

import asyncio
import json
import os
import random
import signal
import socket
import threading
import time
from datetime import timedelta

import pytest
from aiohttp.resolver import AsyncResolver
from redis import Redis
from structlog.testing import capture_logs

from monitor.config import load
from monitor.http import guard
from monitor.model import Feed
from monitor.runtime.composition import Runtime
from monitor.scheduler import reading
from monitor.scheduler import scheduler as scheduling
from monitor.scheduler.scheduler import Scheduler


@pytest.fixture
def scheduler(presswatch, redis_url):
    def start(directory):
        return presswatch.start("scheduler", "--config", str(directory), REDIS_URL=redis_url)

    return start


def test_slow_feeds_do_not_delay_others(site, configure, scheduler, redis, eventually):
    for number in range(6):
        site.put_feed(f"/slow{number}", [])
        site.delays[f"/slow{number}"] = 18
    site.put_feed("/quick", [])
    feeds = [f"  - {{url: {site.url}/slow{number}, every: 1s}}\n" for number in range(6)]
    feeds.append(f"  - {{url: {site.url}/quick, every: 1s}}\n")
    scheduler(configure("feeds:\n" + "".join(feeds)))
    eventually(lambda: site.asked()["/quick"] >= 3, within=16)
    assert all(site.asked()[f"/slow{number}"] <= 1 for number in range(6))


def test_polls_of_one_host_at_once_are_limited(site, configure, scheduler, redis, eventually):
    feeds = "".join(f"  - {{url: {site.url}/{number}}}\n" for number in range(5))
    for number in range(5):
        site.put_feed(f"/{number}", [])
        site.delays[f"/{number}"] = 2
    directory = configure("feeds:\n" + feeds)
    settings = directory / "settings.yaml"
    settings.write_text(settings.read_text().replace("per_host: 8", "per_host: 2"))
    scheduler(directory)
    eventually(lambda: len(site.requests), 2)
    time.sleep(1)
    assert len(site.requests) == 2
    eventually(lambda: len(site.asked()), 5)


def test_polls_are_conditional_and_a_304_queues_nothing(
    site, configure, scheduler, redis, eventually, words
):
    site.put_feed("/feed", [("One", "/1")], ETag='"1"', **{"Last-Modified": "x"})
    scheduler(configure(f"feeds: [{{url: {site.url}/feed, every: 1s}}]"))
    eventually(lambda: site.asked()["/feed"] >= 3)
    _, headers = site.requests[-1]
    assert headers["if-none-match"] == '"1"'
    assert headers["if-modified-since"] == "x"
    assert redis.llen("rq:queue:articles") == 1


def test_a_failing_feed_records_the_reason_and_is_polled_less_often(
    site, configure, scheduler, redis, store, eventually
):
    feed = Feed(f"{site.url}/gone")
    scheduler(configure(f"feeds: [{{url: {feed.url}, every: 1s}}]"))
    eventually(lambda: store.feeds.state(feed.id).failures >= 2)
    state = store.feeds.state(feed.id)
    assert state.error.startswith("HTTP 404: nothing is at this address; ")
    assert store.feeds.due_at(feed.id) > state.polled_at


def test_of_two_schedulers_one_leads_and_the_other_takes_over(
    site, configure, scheduler, presswatch, redis, eventually
):
    site.put_feed("/feed", [])
    directory = configure(f"feeds: [{{url: {site.url}/feed, every: 1s}}]")
    first = scheduler(directory)
    eventually(lambda: "scheduler leads" in first.log.read_text())
    second = scheduler(directory)
    eventually(lambda: "scheduler started" in second.log.read_text())
    time.sleep(2)
    assert "scheduler leads" not in second.log.read_text()

    first.send_signal(signal.SIGTERM)
    assert first.wait(5) == 0
    eventually(lambda: "scheduler leads" in second.log.read_text(), within=5)

    # A killed scheduler does not resign: its lease must expire.
    third = scheduler(directory)
    presswatch.kill(second)
    eventually(lambda: "scheduler leads" in third.log.read_text(), within=30)


def test_a_changed_configuration_is_used_and_a_broken_one_is_not(
    site, configure, scheduler, redis, eventually
):
    site.put_feed("/one", [])
    site.put_feed("/two", [])
    running = scheduler(configure(f"feeds: [{{url: {site.url}/one, every: 1s}}]"))
    eventually(lambda: site.asked()["/one"] >= 1)
    configure("feeds: [{url: nonsense}]")
    eventually(lambda: "configuration broken" in running.log.read_text(), within=5)
    assert "config.yaml:1:15" in running.log.read_text()
    asked = site.asked()["/one"]
    eventually(lambda: site.asked()["/one"] > asked)
    configure(f"feeds: [{{url: {site.url}/two, every: 1s}}]")
    eventually(lambda: site.asked()["/two"] >= 1, within=6)


def test_log_lines_are_json_and_name_the_feed(site, configure, scheduler, redis, eventually):
    running = scheduler(configure(f"feeds: [{{url: {site.url}/gone, every: 1s}}]"))
    eventually(lambda: "feed failed" in running.log.read_text())
    lines = [json.loads(row) for row in running.log.read_text().splitlines()]
    (failed, *_) = [line for line in lines if line["event"] == "feed failed"]
    assert failed["feed"] == f"{site.url}/gone"
    assert failed["level"] == "warning"
    assert failed["timestamp"].endswith("Z")


def test_the_daemon_survives_a_restart_of_redis(site, configure, presswatch, tmp_path, eventually):
    site.put_feed("/feed", [])
    data = tmp_path / "var"
    directory = configure(f"feeds: [{{url: {site.url}/feed, every: 1s}}]")
    daemon = presswatch.start("run", "--config", str(directory), "--data", str(data))
    eventually(lambda: site.asked()["/feed"] >= 1)
    with Redis.from_url((data / "redis.url").read_text().strip()) as redis:
        pid = redis.info("server")["process_id"]
        time.sleep(1)
        os.kill(pid, signal.SIGKILL)
    asked = site.asked()["/feed"]
    eventually(lambda: site.asked()["/feed"] > asked + 1)
    assert daemon.poll() is None


def lines_of(process):
    return [json.loads(row) for row in process.log.read_text().splitlines()]


@pytest.mark.timeout(180)
def test_a_normal_stop_logs_no_error_at_any_moment(site, configure, scheduler, redis, eventually):
    for number in range(8):
        site.put_feed(f"/{number}", [("One", "/1")])
    feeds = "".join(f"  - {{url: {site.url}/{number}, every: 1s}}\n" for number in range(8))
    directory = configure("feeds:\n" + feeds)
    moments = random.Random(7)
    for number in range(8):
        running = scheduler(directory)
        eventually(lambda: "scheduler started" in running.log.read_text())  # noqa: B023
        if number % 2:
            # Ensures that a tick is waiting for Redis.
            redis.client_pause(1500)
            time.sleep(1.1)
        time.sleep(moments.uniform(0, 0.3))
        running.terminate()
        assert running.wait(8) == 0
        assert "Traceback" not in running.log.read_text()
        assert {line["level"] for line in lines_of(running)} <= {"debug", "info"}


def test_a_changed_user_agent_and_changed_addresses_are_used_at_once(
    site, configure, scheduler, redis, store, eventually
):
    site.put_feed("/feed", [])
    feed = Feed(f"{site.url}/feed")
    directory = configure(f"feeds: [{{url: {feed.url}, every: 1s}}]")
    settings = directory / "settings.yaml"
    running = scheduler(directory)
    eventually(lambda: site.asked()["/feed"] >= 1)
    settings.write_text(settings.read_text() + "  user_agent: Changed/2\n")
    eventually(lambda: site.requests[-1][1]["user-agent"], "Changed/2", within=8)
    settings.write_text(settings.read_text().replace("[127.0.0.1/32]", "[]"))
    refused = "127.0.0.1 is a private address"
    eventually(lambda: refused in (store.feeds.state(feed.id).error or ""), within=8)
    running.terminate()
    assert running.wait(8) == 0
    assert '"level": "error"' not in running.log.read_text()


def test_a_changed_prefix_is_refused_with_its_file_and_line(
    site, configure, scheduler, redis, eventually
):
    site.put_feed("/feed", [])
    directory = configure(f"feeds: [{{url: {site.url}/feed, every: 1s}}]")
    running = scheduler(directory)
    eventually(lambda: site.asked()["/feed"] >= 1)
    settings = directory / "settings.yaml"
    settings.write_text(settings.read_text() + "  redis_prefix: other\n")
    eventually(lambda: "redis_prefix cannot be changed" in running.log.read_text(), within=6)
    assert "settings.yaml:6:" in running.log.read_text()
    asked = site.asked()["/feed"]
    eventually(lambda: site.asked()["/feed"] > asked)
    assert not redis.keys("other*")


@pytest.fixture
def silent_name_server(monkeypatch):
    """Replaces the system's name server with one that never answers."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        port = server.getsockname()[1]
        names = [f"127.0.0.1:{port}"]
        monkeypatch.setattr(
            guard, "AsyncResolver", lambda **more: AsyncResolver(nameservers=names, **more)
        )
        yield


def test_hanging_name_lookups_delay_neither_the_lead_nor_other_feeds(
    site, configure, redis, store, silent_name_server, eventually
):
    site.put_feed("/feed", [])
    hanging = "".join(f"  - {{url: http://h{n}.example/, every: 1s}}\n" for n in range(24))
    directory = configure(f"feeds:\n  - {{url: {site.url}/feed, every: 1s}}\n{hanging}")
    runtime = Runtime(directory, load(directory, {}), redis)
    renewals = []

    async def watch(stop):
        end = time.monotonic() + 6
        while time.monotonic() < end:
            await asyncio.sleep(0.1)
            renewals.append(await asyncio.to_thread(redis.pttl, store.keys.leader))
        stop.set()

    async def run():
        stop = asyncio.Event()
        await asyncio.gather(Scheduler(runtime).run(stop), watch(stop))

    asyncio.run(run())
    assert site.asked()["/feed"] >= 2
    # A lease of ten seconds, renewed every second.
    assert min(renewals[10:]) > 5_000


def test_polls_that_occupy_all_threads_do_not_delay_the_lead(
    site, configure, redis, store, monkeypatch
):
    count = 2 * scheduling.THREADS
    for number in range(count):
        site.put_feed(f"/{number}", [])
    feeds = "".join(f"  - {{url: {site.url}/{number}, every: 1s}}\n" for number in range(count))
    directory = configure("feeds:\n" + feeds)
    runtime = Runtime(directory, load(directory, {}), redis)
    released = threading.Event()
    monkeypatch.setattr(reading, "read", lambda *_, **__: released.wait(30))
    renewals = []

    async def watch(stop):
        for _ in range(50):
            await asyncio.sleep(0.1)
            renewals.append(await asyncio.to_thread(redis.pttl, store.keys.leader))
        released.set()
        stop.set()

    async def run():
        stop = asyncio.Event()
        await asyncio.gather(Scheduler(runtime).run(stop), watch(stop))

    asyncio.run(run())
    assert min(renewals[10:]) > 5_000


def test_a_poll_whose_outcome_cannot_be_written_is_not_repeated_at_every_tick(
    site, configure, scheduler, redis, store, eventually
):
    site.put_feed("/feed", [("One", "/1")])
    feed = Feed(f"{site.url}/feed")
    redis.set(store.keys.seen(feed.id), "no hash")
    running = scheduler(configure(f"feeds: [{{url: {feed.url}, every: 1s}}]"))
    eventually(lambda: site.asked()["/feed"], 2, within=20)
    failed = [line for line in lines_of(running) if line["event"] == "redis failed"]
    assert len(failed) == 1
    redis.delete(store.keys.seen(feed.id))
    eventually(lambda: redis.llen("rq:queue:articles"), 1, within=10)


def test_a_tick_that_takes_long_is_logged_once(configure, redis, monkeypatch):
    directory = configure("")
    scheduler = Scheduler(Runtime(directory, load(directory, {}), redis))
    monkeypatch.setattr(scheduling, "LATE", timedelta(seconds=0.05))

    async def hang():
        await asyncio.sleep(0.3)

    with capture_logs() as logs:
        asyncio.run(scheduler._guarded(hang)())
    assert [(line["event"], line["job"]) for line in logs] == [("tick takes long", "hang")]
