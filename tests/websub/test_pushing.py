"""What hubs push: it is read as a poll's answer is, once, and nothing that is forged counts."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import pytest
import requests
from conftest import rss
from hub import sign
from structlog.testing import capture_logs

from monitor.config import Config, Settings
from monitor.feeds.pushes import Push, Subscription
from monitor.model import Feed, FeedState
from monitor.scheduler.pushed import PushedDocuments
from monitor.scheduler.reading import FeedReader
from monitor.store.feeds import StateRecord
from monitor.store.pushes import MAX_DOCUMENT_BYTES, Pushed
from monitor.web import callbacks

MINUTE = timedelta(minutes=1)


def results(world):
    return world.store.counters.read().pushes


def callback_of(hub):
    ((callback, (_, secret)),) = hub.subscribers.items()
    return callback, secret


@pytest.mark.parametrize("method", ["sha1", "sha256", "sha384", "sha512"])
def test_a_signed_document_is_taken_and_its_new_entries_are_queued(world, hub, method):
    """Case 300 of websub.rocks."""
    world.subscribe("First", "Second")
    (answer,) = hub.push(world.topic, rss("First", "Third"), method)
    assert answer.status_code == 200
    assert (answer.text, answer.headers.get("set-cookie")) == ("", None)
    world.read()
    assert world.queued() == ["First", "Second", "Third"]
    assert results(world) == {"entries": 1}
    assert world.store.counters.read().entries == {"new": 3}


@pytest.mark.parametrize(
    "header",
    [
        "sha256=" + 64 * "0",
        "sha1=",
        "md5=d41d8cd98f00b204e9800998ecf8427e",
        "sha256",
        "sha256=é",
        "=",
        None,
    ],
)
def test_a_document_that_is_not_signed_as_agreed_is_ignored_and_counted(world, hub, header):
    """Cases 301 and 302 of websub.rocks."""
    world.subscribe()
    callback, _ = callback_of(hub)
    headers = {} if header is None else {"X-Hub-Signature": header.encode()}
    with capture_logs() as logs:
        for _ in range(3):
            answer = requests.post(callback, rss("Forged"), headers=headers, timeout=10)
            assert (answer.status_code, answer.text) == (200, "")
    assert [line["event"] for line in logs] == ["push forged"]
    world.read()
    assert "Forged" not in world.queued()
    assert results(world) == {"forged": 3}
    assert world.push.pushed_at is None


def test_a_document_signed_with_another_subscriptions_secret_is_ignored(world, hub):
    world.subscribe()
    callback, _ = callback_of(hub)
    body = rss("Forged")
    requests.post(callback, body, headers={"X-Hub-Signature": sign("other", body)}, timeout=10)
    world.read()
    assert "Forged" not in world.queued()


def test_a_document_that_was_changed_on_its_way_is_ignored(world, hub):
    world.subscribe()
    callback, secret = callback_of(hub)
    signature = sign(secret, rss("Third"))
    requests.post(callback, rss("Thirds"), headers={"X-Hub-Signature": signature}, timeout=10)
    world.read()
    assert results(world) == {"forged": 1}


def test_what_is_pushed_twice_or_polled_as_well_is_queued_once(world, hub):
    world.subscribe("First")
    body = world.publish("First", "Second")
    for _ in range(3):
        hub.push(world.topic, body)
        world.read()
    assert world.poll().new == 0
    hub.push(world.topic, body)
    world.read()
    assert world.queued() == ["First", "Second"]
    assert results(world) == {"entries": 1, "known": 3}


def test_two_pushes_that_wait_together_queue_an_entry_once(world, hub):
    world.subscribe("First")
    hub.push(world.topic, rss("Second", "Third"))
    hub.push(world.topic, rss("Third", "Fourth"))
    world.read()
    assert world.queued() == ["First", "Fourth", "Second", "Third"]
    assert world.store.counters.read().entries == {"new": 4}


def test_a_push_of_new_entries_alone_is_no_gap(world, hub):
    world.subscribe("First", "Second")
    hub.push(world.topic, rss("Third", "Fourth", "Fifth"))
    world.read()
    state = world.store.feeds.state(world.feed.id)
    assert state.gaps is None
    assert (state.entries, state.title) == (2, "Herald")
    world.publish("Third", "Fourth", "Fifth", "Sixth")
    assert world.poll().new == 1
    assert world.store.feeds.state(world.feed.id).gaps is None


def test_entries_that_a_hub_leaves_out_have_not_left_the_feed(world, hub):
    """The feed stays as it is for half a year, while its hub pushes other things."""
    world.subscribe("First", "Second", ETag='"1"')
    for day in range(0, 180, 10):
        world.ahead = timedelta(days=day)
        hub.push(world.topic, rss(f"Pushed {day}", at=world.now()))
        world.read()
        world.poll()
        world.store.feeds.forget_old(world.feed, world.now().date())
    world.publish("First", "Second", "Last", ETag='"2"')
    assert world.poll().new == 1


def test_an_entry_that_the_hub_has_in_other_words_makes_the_feed_due(world, hub):
    world.subscribe("First")
    edited = rss("First").replace(b"<title>First</title>", b"<title>First, corrected</title>")
    world.ahead = 10 * MINUTE
    hub.push(world.topic, edited)
    world.read()
    assert world.queued() == ["First"]
    assert world.due_in() <= timedelta(seconds=1)
    assert results(world) == {"poll": 1}


def test_old_entries_are_left_to_a_poll(world, hub):
    """WordPress pushes each article of the archive that is saved again."""
    world.subscribe("First")
    world.ahead = 10 * MINUTE
    hub.push(world.topic, rss("From 2019", at=world.now() - timedelta(days=2600)))
    world.read()
    assert world.queued() == ["First"]
    assert world.due_in() <= timedelta(seconds=1)
    world.publish("First", "From 2019")
    assert world.poll().new == 1


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (b"", {}),
        (b"", {"Content-Type": "application/x-www-form-urlencoded"}),
        (b'{"hub.topic": "x"}', {"Content-Type": "application/json"}),
        (b"<html><body>News!</body></html>", {"Content-Type": "text/html"}),
        (bytes(range(256)) * 40, {"Content-Type": "image/png"}),
        (b"<rss><channel><item>", {}),
        (b"<" * 200_000, {}),
        (gzip.compress(rss("Bomb") + b" " * 50_000_000), {"Content-Encoding": "gzip"}),
        (gzip.compress(rss("Bomb") + b" " * 50_000_000), {}),
        (rss("Large", links="<docs>" + "x" * MAX_DOCUMENT_BYTES + "</docs>"), {}),
    ],
    ids=["nothing", "form", "json", "html", "image", "broken", "nested", "coded", "gz", "large"],
)
def test_a_push_without_a_document_that_can_be_read_makes_the_feed_due(world, hub, body, headers):
    world.subscribe("First")
    world.ahead = 10 * MINUTE
    (answer,) = hub.push(world.topic, body, **headers)
    assert answer.status_code == 200
    started = time.monotonic()
    world.read()
    assert time.monotonic() - started < 5
    assert world.due_in() <= timedelta(seconds=1)
    assert world.push.pushed_at is not None
    assert results(world) == {"poll": 1}
    assert world.redis.hlen("presswatch:pushed") == 0


def test_a_feed_is_polled_for_a_push_as_often_as_the_settings_allow_and_once_more(world, hub):
    world.subscribe("First")
    world.ahead = 30 * MINUTE
    world.poll()
    assert world.due_in() > 2 * MINUTE
    # By the clock of Redis, the feed was polled a while ago.
    world.store.feeds.schedule([], world.now())
    world.store.feeds.schedule([world.feed], world.now() + timedelta(hours=1))
    hub.push(world.topic, b"")
    world.read()
    assert timedelta(seconds=50) < world.due_in() <= MINUTE
    world.ahead += MINUTE
    world.poll()
    # A cache before the feed may be behind its hub.
    assert timedelta(seconds=50) < world.due_in() < timedelta(seconds=70)
    world.ahead += timedelta(seconds=70)
    world.poll()
    assert world.due_in() > 2 * MINUTE


def test_a_push_does_not_end_the_pause_of_a_feed_that_fails(world, hub, site):
    world.subscribe("First")
    site.pages["/feed"] = (503, {"Retry-After": "3600"}, b"")
    world.poll()
    hub.push(world.topic, b"")
    world.read()
    assert world.due_in() > 59 * MINUTE


def test_pushes_never_put_off_a_poll(world, hub):
    world.subscribe("First")
    due = world.store.feeds.due_at(world.feed.id)
    for number in range(5):
        world.ahead += MINUTE
        hub.push(world.topic, rss(f"Pushed {number}", at=world.now()))
        world.read()
    assert world.store.feeds.due_at(world.feed.id) == due


def test_a_feed_that_is_pushed_is_polled_at_its_longest_interval(world, hub):
    world.subscribe("First")
    world.poll()
    assert world.due_in() < 20 * MINUTE
    hub.push(world.topic, world.publish("First", "Second"))
    world.read()
    world.poll()
    assert 26 * MINUTE < world.due_in() < 34 * MINUTE


def test_a_poll_that_finds_what_no_push_brought_ends_the_trust_in_a_hub(world, hub):
    world.subscribe("First")
    world.poll()
    hub.push(world.topic, world.publish("First", "Second"))
    world.read()
    world.poll()
    assert world.push.is_relied_on(world.now())
    world.ahead = 30 * MINUTE
    world.publish("First", "Second", "Third")
    assert world.poll().new == 1
    assert not world.push.is_relied_on(world.now())
    assert world.due_in() < 20 * MINUTE
    world.ahead = 45 * MINUTE
    world.poll()
    assert world.due_in() < 20 * MINUTE
    hub.push(world.topic, world.publish("First", "Second", "Third", "Fourth"))
    world.read()
    assert world.push.is_relied_on(world.now())


def test_a_hub_that_has_lost_its_subscribers_is_soon_asked_again(world, hub):
    world.subscribe("First")
    world.poll()
    hub.push(world.topic, world.publish("First", "Second"))
    world.read()
    hub.subscribers.clear()
    world.ahead = 30 * MINUTE
    world.publish("First", "Second", "Third")
    assert world.poll().new == 1
    world.ask()
    assert len(hub.requests) == 1
    world.ahead += 10 * MINUTE + timedelta(seconds=1)
    world.ask()
    assert len(hub.subscribers) == 1
    world.ask()
    assert len(hub.requests) == 2
    # Only a push shows that it works again.
    assert not world.push.is_relied_on(world.now())
    hub.push(world.topic, world.publish("First", "Second", "Third", "Fourth"))
    world.read()
    assert world.push.is_relied_on(world.now())


def test_entries_of_before_the_subscription_are_no_fault_of_the_hub(world, hub):
    world.subscribe("First")
    world.publish("First", "Second")
    world.poll()
    assert world.push.missed_at is None


def test_a_poll_that_a_push_led_to_does_not_blame_the_hub(world, hub):
    world.subscribe("First")
    world.poll()
    world.ahead = 10 * MINUTE
    world.publish("First", "Second")
    hub.push(world.topic, b"")
    world.read()
    assert world.poll().new == 1
    assert world.push.missed_at is None


def test_strangers_learn_nothing(world, hub):
    world.subscribe()
    callback, _ = callback_of(hub)
    base, _, name = callback.rpartition("/")
    unknown = [f"{base}/{name}x", f"{base}/{name[:-1]}", f"{base}/", base, f"{world.url}/websub/"]
    unknown += [callback.replace(world.feed.id, "0" * 12), f"{world.url}/websub/%00%ff/%2e%2e"]
    fields = {"hub.mode": "subscribe", "hub.topic": world.topic, "hub.challenge": "x"}
    for address in unknown:
        answer = requests.get(address, fields, timeout=10)
        assert (answer.status_code, answer.text) == (404, "")
        answer = requests.post(address, rss("Forged"), timeout=10)
        assert (answer.status_code, answer.text) == (410, "")
    for method in ("PUT", "DELETE", "HEAD", "OPTIONS", "PATCH"):
        assert requests.request(method, callback, timeout=10).status_code == 404
    world.read()
    assert "Forged" not in world.queued()
    assert results(world) == {}


@pytest.mark.parametrize(
    "changed",
    [
        {"hub.mode": "publish"},
        {"hub.mode": ""},
        {"hub.mode": "unsubscribe"},
        {"hub.topic": "https://elsewhere.example/"},
        {"hub.topic": ""},
        {"hub.challenge": ""},
    ],
)
def test_only_what_we_asked_for_is_confirmed(world, hub, changed):
    hub.confirms = False
    world.subscribe()
    callback = world.push.current.callback
    fields = {
        "hub.mode": "subscribe",
        "hub.topic": world.topic,
        "hub.challenge": "<script>",
        "hub.lease_seconds": "86400",
    }
    answer = requests.get(callback, fields | changed, timeout=10)
    assert (answer.status_code, answer.text) == (404, "")
    assert world.push.current.lease_until is None
    answer = requests.get(callback, fields, timeout=10)
    assert (answer.status_code, answer.text) == (200, "<script>")
    # Later confirmations, which we did not ask for, change no lease.
    lease = world.push.current.lease_until
    answer = requests.get(callback, fields | {"hub.lease_seconds": "1"}, timeout=10)
    assert answer.text == "<script>"
    assert world.push.current.lease_until == lease


@pytest.mark.parametrize(
    ("given", "days"),
    [("86400", 1), ("99999999999999999999", 14), ("-5", 1), ("", 1), ("0", 1), ("soon", 1)],
)
def test_a_lease_counts_within_limits(world, hub, given, days):
    hub.lease_s = given
    world.subscribe()
    lease = world.push.current.lease_until - world.now()
    assert timedelta(days=days) - MINUTE < lease <= timedelta(days=days)


def test_a_body_that_is_larger_than_a_feed_may_be_is_not_received(world, hub):
    world.subscribe()
    callback, _ = callback_of(hub)
    body = b"x" * 2_000_001
    headers = {"X-Hub-Signature": "sha256=00"}
    answer = requests.post(callback, body, headers=headers, timeout=10)
    assert answer.status_code == 413

    def chunks():
        for _ in range(40):
            yield b"x" * 100_000

    # The server may close the connection before everything was sent.
    with contextlib.suppress(requests.ConnectionError):
        assert requests.post(callback, chunks(), headers=headers, timeout=10).status_code == 413
    assert world.redis.hlen("presswatch:pushed") == 0


def trickle(callback, seconds):
    """Sends a body byte by byte; returns the status of the answer."""
    parts = urlsplit(callback)
    with socket.create_connection((parts.hostname, parts.port), timeout=10) as connection:
        connection.sendall(
            f"POST {parts.path} HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n"
            "X-Hub-Signature: sha1=00\r\n\r\n".encode()
        )
        connection.settimeout(0.1)
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            connection.sendall(b"x")
            try:
                if answer := connection.recv(1000):
                    return int(answer.split()[1])
            except TimeoutError:
                continue
    return None


def test_slow_bodies_are_cut_off_and_keep_nobody_out(world, hub, monkeypatch):
    monkeypatch.setattr(callbacks, "BODY_S", 1.5)
    world.subscribe("First")
    callback, _ = callback_of(hub)
    with ThreadPoolExecutor(4) as pool:
        slow = [pool.submit(trickle, callback, 5) for _ in range(4)]
        time.sleep(0.5)
        # The same feed has no place, but pages and confirmations are served.
        (answer,) = hub.push(world.topic, rss("Second"))
        assert answer.status_code == 503
        assert requests.get(f"{world.url}/healthz", timeout=2).ok
        assert sorted(each.result() for each in slow) == [408, 408, 503, 503]
    (answer,) = hub.push(world.topic, rss("Second"))
    assert answer.status_code == 200
    world.read()
    assert world.queued() == ["First", "Second"]


def test_what_waits_is_bounded_and_the_rest_is_polled(world, hub):
    world.subscribe("First")
    for number in range(6):
        hub.push(world.topic, rss(f"Pushed {number}"))
    world.store.pushes.add(Pushed("0" * 12, world.now(), world.topic, document=rss("x")))
    world.read()
    assert world.queued() == ["First", *(f"Pushed {number}" for number in range(4))]
    assert results(world) == {"entries": 4, "poll": 1, "known": 1}
    # What belongs to no feed of ours was removed.
    assert world.redis.hlen("presswatch:pushed") == 0


def test_a_document_that_takes_long_delays_no_other_feeds(world, hub, monkeypatch):
    world.configure(feeds=("/feed", "/other"))
    other = world.runtime.config.feeds[1]
    for feed in world.runtime.config.feeds:
        state = FeedState(polled_at=world.now(), succeeded_at=world.now())
        world.store.feeds.commit([StateRecord(feed, state, world.now())])
    for number in range(4):
        slow = Pushed(world.feed.id, world.now(), world.topic, document=rss(f"Slow {number}"))
        world.store.pushes.add(slow)
    world.store.pushes.add(Pushed(other.id, world.now(), other.url, document=rss("Quick")))
    read = FeedReader.read

    async def slowly(self, feed, *arguments):
        await asyncio.sleep(1 if feed.id == world.feed.id else 0)
        return await read(self, feed, *arguments)

    monkeypatch.setattr(FeedReader, "read", slowly)

    async def run():
        pushed = PushedDocuments(world.store, world.queues)
        pushed.use(world.runtime.config)
        for _ in range(3):
            await pushed.look()
            await asyncio.sleep(0.2)
        assert world.queued() == ["Quick"]
        await asyncio.wait(pushed.under_way())

    asyncio.run(run())
    assert len(world.queued()) == 5


def test_a_replayed_push_has_no_effect_even_if_the_entry_was_edited_since(world, hub):
    world.subscribe("First")
    callback, secret = callback_of(hub)
    captured = world.publish("First", "Second")
    signature = sign(secret, captured)
    hub.push(world.topic, captured)
    world.read()
    corrected = captured.replace(b"<title>Second</title>", b"<title>Second, corrected</title>")
    world.site.pages["/feed"] = (200, {}, corrected)
    world.ahead = 10 * MINUTE
    assert world.poll().edited == 1
    for _ in range(20):
        requests.post(callback, captured, headers={"X-Hub-Signature": signature}, timeout=10)
        world.read()
    assert len(world.queued()) == 3
    assert results(world) == {"entries": 1, "known": 20}


@pytest.mark.parametrize(
    ("feed", "hub", "counts"),
    [
        ("https://a.example/feed", "https://hub.example/", True),
        ("https://a.example/feed", "http://hub.example/", False),
        ("http://a.example/feed", "http://hub.example/", True),
    ],
)
def test_a_hub_without_tls_only_tells_that_a_feed_with_it_has_news(
    redis, store, queues, feed, hub, counts
):
    """Whoever listens on the way to such a hub knows the secret."""
    feed = Feed(feed)
    now = datetime.now(UTC)
    subscription = Subscription(hub, feed.url, "https://me.example/websub/x", "secret", now)
    store.pushes.change(feed.id, lambda _: Push(subscription))
    state = FeedState(polled_at=now, succeeded_at=now)
    store.feeds.commit([StateRecord(feed, state, now + timedelta(hours=1))])
    store.pushes.add(Pushed(feed.id, now, feed.url, document=rss("News")))

    async def read():
        pushed = PushedDocuments(store, queues)
        pushed.use(Config(Settings(), (feed,), (), (), {}))
        await pushed.look()
        await asyncio.wait(pushed.under_way())

    asyncio.run(read())
    assert store.counters.read().pushes == {"entries" if counts else "poll": 1}


def test_redis_that_is_lost_is_said_and_afterwards_hubs_may_forget_us(
    world, hub, unreachable, monkeypatch
):
    world.subscribe("First")
    callback, _ = callback_of(hub)
    monkeypatch.setattr(world.store.pushes, "_redis", unreachable)
    (answer,) = hub.push(world.topic, rss("Second"))
    assert answer.status_code == 503
    assert hub.call(callback, mode="subscribe", topic=world.topic, challenge="x").status_code == 503
    monkeypatch.undo()
    world.redis.flushall()
    (answer,) = hub.push(world.topic, rss("Second"))
    assert answer.status_code == 410
    world.store.feeds.schedule([world.feed], world.now())
    world.subscribe("First")
    assert len(hub.subscribers) == 2
    hub.push(world.topic, rss("Second"))
    world.read()
    assert world.queued() == ["First", "Second"]


def test_a_redis_that_hangs_is_not_waited_for(world, hub, monkeypatch):
    monkeypatch.setattr(callbacks, "REDIS_S", 0.3)
    world.subscribe("First")
    world.redis.client_pause(2000)
    started = time.monotonic()
    (answer,) = hub.push(world.topic, rss("Second"))
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "30")
    assert time.monotonic() - started < 1.5
    world.redis.client_unpause()


def test_a_push_that_waits_survives_a_restart_of_the_scheduler(world, hub, monkeypatch):
    world.subscribe("First")
    hub.push(world.topic, rss("Second"))

    def dies(*_):
        raise ConnectionError

    with monkeypatch.context() as patched:
        patched.setattr(PushedDocuments, "look", dies)
        with pytest.raises(ConnectionError):
            world.read()
    world.read()
    assert world.queued() == ["First", "Second"]


def test_a_feed_of_which_everything_is_forgotten_is_polled_first(world, hub):
    world.subscribe("First")
    world.redis.delete(f"presswatch:feed:{world.feed.id}")
    hub.push(world.topic, rss("Second"))
    world.read()
    assert world.queued() == ["First"]
    assert results(world) == {"poll": 1}
