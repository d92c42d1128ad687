"""The scheduler, as a process of its own."""

import json
import os
import signal
import time

import pytest
from redis import Redis

from monitor.model import Feed


@pytest.fixture
def scheduler(presswatch, redis_url):
    def start(directory):
        return presswatch.start("scheduler", "--config", str(directory), REDIS_URL=redis_url)

    return start


def test_a_slow_feed_holds_up_no_other(site, configure, scheduler, redis, eventually):
    for number in range(6):
        site.put_feed(f"/slow{number}", [])
        site.delays[f"/slow{number}"] = 18
    site.put_feed("/quick", [])
    feeds = [f"  - {{url: {site.url}/slow{number}, every: 1s}}\n" for number in range(6)]
    feeds.append(f"  - {{url: {site.url}/quick, every: 1s}}\n")
    scheduler(configure("feeds:\n" + "".join(feeds)))
    eventually(lambda: site.asked()["/quick"] >= 3, within=16)
    assert all(site.asked()[f"/slow{number}"] <= 1 for number in range(6))


def test_no_more_polls_of_a_host_at_once_than_allowed(
    site, configure, scheduler, redis, eventually
):
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


def test_a_feed_that_fails_says_why_and_is_asked_less_often(
    site, configure, scheduler, redis, store, eventually
):
    feed = Feed(f"{site.url}/gone")
    scheduler(configure(f"feeds: [{{url: {feed.url}, every: 1s}}]"))
    eventually(lambda: store.feeds.state(feed.id).failures >= 2)
    state = store.feeds.state(feed.id)
    assert state.error == "HTTP 404"
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

    # One that is killed says nothing: its lease has to end.
    third = scheduler(directory)
    presswatch.kill(second)
    eventually(lambda: "scheduler leads" in third.log.read_text(), within=30)


def test_a_changed_configuration_is_taken_up_and_a_broken_one_is_not(
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


def test_log_lines_are_json_and_carry_the_feed(site, configure, scheduler, redis, eventually):
    running = scheduler(configure(f"feeds: [{{url: {site.url}/gone, every: 1s}}]"))
    eventually(lambda: "feed failed" in running.log.read_text())
    lines = [json.loads(row) for row in running.log.read_text().splitlines()]
    (failed, *_) = [line for line in lines if line["event"] == "feed failed"]
    assert failed["feed"] == f"{site.url}/gone"
    assert failed["level"] == "warning"
    assert failed["timestamp"].endswith("Z")


def test_a_restart_of_redis_is_survived(site, configure, presswatch, tmp_path, eventually):
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
