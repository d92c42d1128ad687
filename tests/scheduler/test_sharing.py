"""Several schedulers share the polling, whatever happens to one of them."""

import asyncio
import signal
import time
from datetime import UTC, datetime, timedelta

import pytest

from monitor.config import load
from monitor.model import Feed
from monitor.runtime.composition import Runtime
from monitor.scheduler import rounds
from monitor.scheduler.scheduler import Scheduler


@pytest.fixture
def scheduler(presswatch, redis_url, eventually):
    def start(directory):
        process = presswatch.start("scheduler", "--config", str(directory), REDIS_URL=redis_url)
        eventually(lambda: "scheduler started" in process.log.read_text())
        return process

    return start


@pytest.fixture
def put(site, configure):
    """Puts feeds on the site, each answering after a delay, and configures them."""

    def put(delays, per_host=8, at_once=100, title="One"):
        for path, delay in delays.items():
            site.put_feed(path, [(title, f"{path}/{title}")])
            site.delays[path] = delay
        lines = (f"  - {{url: {site.url}{path}, every: 1h}}\n" for path in delays)
        directory = configure("feeds:\n" + "".join(lines))
        settings = directory / "settings.yaml"
        text = settings.read_text()
        settings.write_text(
            text.replace("per_host: 8", f"per_host: {per_host}, at_once: {at_once}")
        )
        return directory

    return put


def numbered(count, delay):
    return {f"/{number}": delay for number in range(count)}


def polled(store, site, path):
    return store.feeds.state(Feed(f"{site.url}{path}").id).succeeded_at is not None


@pytest.fixture
def both(site, put, scheduler, redis, store, eventually):
    """Starts two schedulers, and has all feeds come due when both run; returns the processes."""

    def both(count, delay, **more):
        directory = put(numbered(count, 0), **more)
        running = [scheduler(directory), scheduler(directory)]
        paths = list(site.delays)
        eventually(lambda: sum(polled(store, site, path) for path in paths), count)
        put(numbered(count, delay), title="Two", **more)
        site.requests.clear()
        due = {Feed(f"{site.url}{path}").id: time.time() for path in paths}
        redis.zadd(store.keys.due, due)
        return running

    return both


def test_two_schedulers_poll_each_feed_once(site, both, redis, store, eventually):
    running = both(60, 0.5, per_host=60, at_once=6)
    eventually(lambda: redis.hlen("presswatch:outstanding:articles"), 120)
    time.sleep(1)
    assert len(site.asked()) == 60
    assert set(site.asked().values()) == {1}
    polls = [log_of(process).count('"feed polled"') for process in running]
    assert sum(polls) == 120
    assert min(polls) > 10


def log_of(process):
    return process.log.read_text()


def test_two_schedulers_together_keep_the_limit_of_a_host(site, both, eventually):
    both(6, 2, per_host=2)
    eventually(lambda: len(site.requests), 2)
    time.sleep(1)
    assert len(site.requests) == 2
    eventually(lambda: len(site.requests), 6)


def test_a_poll_starts_when_another_ends(site, put, scheduler, redis, eventually):
    scheduler(put(numbered(60, 0.1), per_host=2))
    # One by one each second, they would take half a minute.
    eventually(lambda: len(site.requests), 60, within=12)


@pytest.mark.timeout(120)
def test_feeds_of_a_killed_scheduler_are_polled_by_another_when_its_lease_ends(
    site, put, scheduler, presswatch, redis, store, eventually
):
    slow = numbered(6, 40)
    directory = put(slow)
    settings = directory / "settings.yaml"
    settings.write_text(settings.read_text().replace("poll: {", "poll: {timeout: 60s, "))
    killed = scheduler(directory)
    eventually(lambda: len(site.requests), 6)
    claimed = time.monotonic()
    scheduler(directory)
    presswatch.kill(killed)
    site.delays.clear()
    time.sleep(max(0, claimed + rounds.LEASE.total_seconds() - 5 - time.monotonic()))
    assert len(site.requests) == 6
    eventually(lambda: sum(polled(store, site, path) for path in slow), 6, within=25)
    assert set(site.asked().values()) == {2}
    assert redis.hlen("presswatch:outstanding:articles") == 6


def test_feeds_of_a_scheduler_that_stops_are_polled_by_another_at_once(
    site, put, scheduler, redis, store, eventually
):
    slow = numbered(6, 20)
    directory = put(slow)
    stopped = scheduler(directory)
    eventually(lambda: len(site.requests), 6)
    scheduler(directory)
    site.delays.clear()
    stopped.send_signal(signal.SIGTERM)
    assert stopped.wait(8) == 0
    eventually(lambda: sum(polled(store, site, path) for path in slow), 6, within=8)
    assert set(site.asked().values()) == {2}


def test_a_poll_that_takes_longer_than_a_lease_is_not_repeated(
    site, put, redis, store, monkeypatch
):
    monkeypatch.setattr(rounds, "LEASE", timedelta(seconds=2))
    monkeypatch.setattr(rounds, "RENEW", timedelta(seconds=0.5))
    directory = put(numbered(3, 6), per_host=3)

    async def run():
        stop = asyncio.Event()
        both = [
            Scheduler(Runtime(directory, load(directory, {}), redis)).run(stop) for _ in range(2)
        ]
        asyncio.get_running_loop().call_later(8, stop.set)
        await asyncio.gather(*both)

    asyncio.run(run())
    assert set(site.asked().values()) == {1}
    assert all(polled(store, site, path) for path in numbered(3, 6))


def in_a_minute():
    return datetime.now(UTC) + timedelta(minutes=1)


def test_a_feed_is_polled_as_soon_as_it_comes_due(site, put, scheduler, redis, store, eventually):
    feed = Feed(f"{site.url}/0")
    scheduler(put(numbered(1, 0)))
    for _ in range(3):
        # The poll before is written down.
        eventually(lambda: (store.feeds.due_at(feed.id) or in_a_minute()) > in_a_minute())
        asked = len(site.requests)
        due = time.time() + 1.5
        redis.zadd(store.keys.due, {feed.id: due})
        eventually(lambda: len(site.requests) > asked)  # noqa: B023
        assert time.time() - due < 0.5
