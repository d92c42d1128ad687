"""Whether a hub pushes a feed, as operators and programs are told."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import requests
from conftest import rss

HOUR = timedelta(hours=1)


@pytest.fixture
def shown(world, presswatch, redis_url):
    """Everything that shows the feed: page, API, metrics, `status`, `feeds list`."""

    def show():
        page = requests.get(f"{world.url}/feeds", timeout=10).text
        (feed,) = requests.get(f"{world.url}/api/v1/feeds", timeout=10).json()["feeds"]
        metrics = requests.get(f"{world.url}/metrics", timeout=10).text
        options = ("--config", str(world.runtime.config_directory))
        status = presswatch.call("status", *options, REDIS_URL=redis_url).stdout
        listed = presswatch.call("feeds", "list", *options, REDIS_URL=redis_url).stdout
        as_json = presswatch.call("feeds", "list", "--json", *options, REDIS_URL=redis_url).stdout
        assert json.loads(as_json)["pushing"] == feed["pushing"]
        assert f'presswatch_feed_hubs{{pushing="{feed["pushing"]}"}} 1.0' in metrics
        for secret in secrets(world):
            assert secret not in page + repr(feed) + metrics + status + listed + as_json
        text = re.sub(r"\s+", " ", re.sub(r"<[^>]*>", "", page))
        return feed, text, status, listed

    return show


def secrets(world):
    current = world.push.current
    return [current.secret, current.callback.rpartition("/")[2]] if current else []


def test_a_feed_without_a_hub_says_nothing_of_hubs(world, shown):
    world.links = ""
    world.publish("First")
    world.poll()
    feed, page, status, listed = shown()
    assert (feed["pushing"], feed["pushed_at"]) == ("none", None)
    assert "hub" not in page.lower() + status + listed


def test_a_feed_that_is_subscribed_to_says_so(world, hub, shown):
    world.subscribe()
    feed, page, status, listed = shown()
    assert (feed["pushing"], feed["health"]) == ("subscribed", "ok")
    assert "Subscribed at its hub, which has pushed nothing yet" in page
    assert "hubs       1 subscribed" in status
    assert "hub" not in listed


def test_a_feed_that_is_pushed_says_so(world, hub, shown):
    world.subscribe()
    hub.push(world.topic, rss("Third"))
    world.read()
    feed, page, status, listed = shown()
    assert (feed["pushing"], feed["health"]) == ("pushed", "ok")
    assert datetime.now(UTC) - datetime.fromisoformat(feed["pushed_at"]) < timedelta(minutes=1)
    assert "Pushed by its hub, last" in page
    assert "hubs       1 pushed" in status
    assert listed.rstrip().endswith("  pushed")


def test_a_hub_that_refuses_is_named_with_the_reason(world, hub, shown):
    hub.answer = 403
    world.subscribe()
    feed, page, status, listed = shown()
    assert (feed["pushing"], feed["health"]) == ("refused", "ok")
    assert "Its hub does not push: HTTP 403" in page
    assert "hubs       1 refused" in status
    assert listed.rstrip().endswith("  hub refuses")


def test_a_hub_that_never_confirms_leads_to_the_public_address(world, hub, shown):
    hub.confirms = False
    world.subscribe()
    assert shown()[0]["pushing"] == "asked"
    world.ahead = timedelta(minutes=6)
    world.ask()
    feed, page, *_ = shown()
    assert (feed["pushing"], feed["health"]) == ("refused", "ok")
    assert "it was asked 2 times and did not confirm the subscription" in page
    assert "web.public_url" in page


def test_a_hub_that_pushes_no_more_makes_the_feed_doubtful_in_words(world, hub, shown):
    world.subscribe()
    world.store.pushes.change(
        world.feed.id,
        lambda push: replace(
            push, pushed_at=world.now() - 5 * HOUR, missed_at=world.now() - 2 * HOUR
        ),
    )
    feed, page, status, listed = shown()
    assert (feed["pushing"], feed["health"]) == ("broken", "doubtful")
    assert feed["problem"].startswith("its hub 127.0.0.1 has pushed nothing since ")
    words = "though polls found new entries: the feed is polled by its rhythm again"
    assert all(words in each for each in (feed["problem"], page, status))
    assert "feeds      1 doubtful" in status
    assert listed.rstrip().endswith("  hub pushes no more")


def test_what_a_hub_says_is_shown_as_text(world, hub, shown):
    world.subscribe()
    callback = world.push.current.callback
    hub.call(callback, mode="denied", topic=world.topic, reason="<script>alert(1)</script>\x1b[2J")
    page = requests.get(f"{world.url}/feeds", timeout=10).text
    assert "&lt;script&gt;alert(1)" in page
    assert "\x1b" not in page
    assert shown()[0]["pushing"] == "refused"


def test_pushes_are_counted_by_what_came_of_them(world, hub):
    world.subscribe()
    hub.push(world.topic, rss("Third"))
    world.read()
    (callback,) = hub.subscribers
    requests.post(callback, b"forged", timeout=10)
    metrics = requests.get(f"{world.url}/metrics", timeout=10).text
    assert 'presswatch_pushes_total{result="entries"} 1.0' in metrics
    assert 'presswatch_pushes_total{result="forged"} 1.0' in metrics
