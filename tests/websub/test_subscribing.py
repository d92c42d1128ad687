"""Subscriptions to feeds that name a hub: discovery, confirmation, renewal, refusal, end."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import pytest
from conftest import links, rss
from structlog.testing import capture_logs

from monitor.scheduler.hubs import HubRequests

DAY = timedelta(days=1)


def atom(hub, topic):
    return (
        f"<feed xmlns='http://www.w3.org/2005/Atom'><title>A</title><link rel='hub' href='{hub}'/>"
        f"<link rel='self' href='{topic}'/><entry><id>1</id><title>One</title></entry></feed>"
    ).encode()


def json_feed(hub, topic):
    return (
        '{"version": "https://jsonfeed.org/version/1.1", "title": "J", "items": [{"id": "1"}],'
        f'"feed_url": "{topic}", "hubs": [{{"type": "WebSub", "url": "{hub}"}}]}}'
    ).encode()


def in_rss(hub, topic):
    return rss("One", links=links(hub, topic))


# The cases of websub.rocks for subscribers; 101 is about HTML, which is no feed.


@pytest.mark.parametrize("document", [atom, in_rss, json_feed])
def test_a_hub_that_the_document_names_is_subscribed_at(world, hub, site, document):
    """Cases 102, 103, and JSON Feed."""
    site.pages["/feed"] = (200, {}, document(hub.address, world.topic))
    world.poll()
    world.ask()
    assert [topic for topic, _ in hub.subscribers.values()] == [world.topic]


def test_a_hub_in_the_headers_is_subscribed_at(world, hub, site):
    """Case 100."""
    headers = {"Link": f'<{world.topic}>; rel="self", <{hub.address}>; rel="hub"'}
    site.pages["/feed"] = (200, headers, rss("One"))
    world.poll()
    world.ask()
    assert len(hub.subscribers) == 1


def test_the_headers_come_before_the_document(world, hub, site):
    """Case 104."""
    headers = {"Link": f'<{hub.address}>; rel="hub", <{world.topic}>; rel="self"'}
    site.pages["/feed"] = (200, headers, in_rss(f"{hub.url}/wrong", f"{world.topic}/wrong"))
    world.poll()
    world.ask()
    assert hub.paths == ["/hub"]
    assert hub.requests[0]["hub.topic"] == world.topic


@pytest.mark.parametrize("status", [None, 302, 301])
def test_the_topic_is_what_the_feed_calls_itself(world, hub, site, status):
    """Cases 200, 201, and 202."""
    topic = f"{world.topic}?self=other"
    path = "/feed" if status is None else "/feed?self=other"
    site.pages[path] = (200, {}, in_rss(hub.address, topic))
    if status:
        site.pages["/feed"] = (status, {"Location": topic}, b"")
    world.poll()
    world.ask()
    assert [topic for topic, _ in hub.subscribers.values()] == [topic]


@pytest.mark.parametrize("status", [307, 308])
def test_a_hub_that_has_moved_is_followed(world, hub, site, status):
    """Cases 203 and 204."""
    hub.redirect = status
    site.pages["/feed"] = (200, {}, in_rss(f"{hub.url}/elsewhere", world.topic))
    world.poll()
    world.ask()
    assert hub.paths == ["/elsewhere", "/hub"]
    assert len(hub.subscribers) == 1


def test_a_confirmation_for_another_topic_is_refused(world, hub):
    """Case 205."""
    hub.topic = "https://elsewhere.example/feed"
    world.subscribe()
    assert [answer.status_code for answer in hub.answers] == [404]
    assert world.push.current.lease_until is None


def test_a_request_says_what_the_recommendation_asks_for(world, hub):
    world.subscribe()
    (form,) = hub.requests
    assert form["hub.mode"] == "subscribe"
    assert form["hub.topic"] == world.topic
    assert form["hub.lease_seconds"] == "864000"
    assert 40 < len(form["hub.secret"]) < 200
    callback = urlsplit(form["hub.callback"])
    assert form["hub.callback"].startswith(f"{world.url}/websub/{world.feed.id}/")
    assert len(callback.path.rpartition("/")[2]) > 40
    assert form["hub.secret"] not in form["hub.callback"]


def test_the_confirmation_is_plain_text_and_grants_the_lease_of_the_hub(world, hub):
    hub.lease_s = 3600
    world.subscribe()
    (answer,) = hub.answers
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "set-cookie" not in answer.headers
    lease = world.push.current.lease_until - datetime.now(UTC)
    assert timedelta(minutes=59) < lease <= timedelta(hours=1)


def test_without_a_public_address_no_hub_hears_of_us(world, hub):
    world.configure(public=False)
    world.publish("First")
    world.poll()
    world.ask()
    assert hub.requests == []
    world.configure()
    world.ask()
    assert len(hub.subscribers) == 1


def test_a_hub_that_asks_back_before_it_answers_is_understood(world, hub):
    hub.asks_first = True
    world.subscribe()
    assert len(hub.subscribers) == 1
    assert world.push.current.attempts == 0
    assert world.push.current.error is None


def test_each_subscription_has_a_secret_and_a_callback_of_its_own(world, hub, site):
    world.configure(feeds=("/feed", "/other"))
    for feed, path in zip(world.runtime.config.feeds, ("/feed", "/other"), strict=True):
        site.pages[path] = (200, {}, in_rss(hub.address, f"{site.url}{path}"))
        world.feed = feed
        world.poll()
    world.ask()
    hub.wait(2)
    assert len({form["hub.secret"] for form in hub.requests}) == 2
    assert len({form["hub.callback"].rpartition("/")[2] for form in hub.requests}) == 2


def test_a_lease_is_renewed_well_before_it_ends(world, hub):
    world.subscribe()
    granted = world.push.current.lease_until
    world.ahead = 3 * DAY
    world.ask()
    assert len(hub.requests) == 1
    world.ahead = 4 * DAY
    world.ask()
    first, renewal = hub.requests
    assert renewal == first
    assert world.push.current.lease_until > granted
    assert len(hub.subscribers) == 1


def test_a_renewal_that_nobody_confirms_leaves_the_subscription_and_is_repeated(world, hub):
    world.subscribe()
    hub.confirms = False
    world.ahead = 4 * DAY
    world.ask()
    assert world.push.current.is_confirmed(world.now())
    (answer,) = hub.push(world.topic, rss("Third", at=world.now()))
    assert answer.ok
    world.read()
    assert "Third" in world.queued()
    world.ask()
    assert len(hub.requests) == 2
    world.ahead += timedelta(minutes=6)
    hub.confirms = True
    world.ask()
    assert len(hub.requests) == 3
    assert world.push.current.attempts == 0


def test_a_lease_that_ends_sends_the_feed_back_to_its_rhythm(world, hub):
    world.subscribe()
    hub.push(world.topic, rss("Third"))
    world.read()
    world.poll()
    assert world.due_in() > timedelta(minutes=26)
    hub.confirms = False
    world.ahead = 6 * DAY
    assert not world.push.is_relied_on(world.now())


def test_a_hub_that_refuses_is_asked_ever_more_rarely(world, hub):
    hub.answer = 403
    world.subscribe()
    assert "HTTP 403" in world.push.current.error
    pauses = []
    for _ in range(12):
        pauses.append(world.push.current.ask_at - world.now())
        world.ahead += pauses[-1] + timedelta(seconds=1)
        world.ask()
    minutes = [round(pause / timedelta(minutes=1)) for pause in pauses]
    assert minutes[:4] == [5, 10, 20, 40]
    assert minutes[-1] == 24 * 60
    hub.answer = 202
    world.ahead += DAY
    world.ask()
    assert world.push.current.error is None
    assert len(hub.subscribers) == 1


def test_a_hub_that_asks_for_patience_is_given_it(world, hub):
    hub.answer, hub.headers = 429, {"Retry-After": "7200"}
    world.subscribe()
    assert world.push.current.ask_at - world.now() > timedelta(minutes=119)


def test_a_hub_that_fails_is_replaced_by_the_next_one_that_the_feed_names(world, hub, site):
    dead = "http://127.0.0.1:9/hub"
    both = f"<atom:link rel='hub' href='{dead}'/>{links(hub.address, world.topic)}"
    site.pages["/feed"] = (200, {}, rss("First", links=both))
    world.poll()
    for _ in range(5):
        world.ask()
        world.ahead += timedelta(hours=1)
    assert len(hub.subscribers) == 1


def test_a_hub_may_deny_a_subscription_even_after_it_was_confirmed(world, hub):
    world.subscribe()
    callback = world.push.current.callback
    with capture_logs() as logs:
        for _ in range(3):
            answer = hub.call(callback, mode="denied", topic=world.topic, reason="no <b>more</b>\n")
    assert answer.status_code == 200
    assert not world.push.is_relied_on(world.now())
    assert "no <b>more</b>" in world.push.current.error
    assert [line["event"] for line in logs] == ["hub denies"]
    world.ask()
    assert len(hub.requests) == 1
    world.ahead = DAY + timedelta(minutes=1)
    world.ask()
    assert len(hub.requests) == 2
    assert world.push.current.is_confirmed(world.now())


def test_a_private_hub_is_refused_as_a_private_feed_is(world, hub, site):
    site.pages["/feed"] = (200, {}, in_rss("http://10.0.0.1/hub", world.topic))
    world.poll()
    world.ask()
    assert "private address" in world.push.current.error


def test_a_feed_that_leaves_the_configuration_is_unsubscribed(world, hub):
    world.subscribe()
    world.configure(feeds=())
    world.ask()
    assert hub.requests[-1]["hub.mode"] == "unsubscribe"
    assert hub.requests[-1]["hub.callback"] == hub.requests[0]["hub.callback"]
    assert hub.subscribers == {}
    assert world.store.pushes.all() == {}


def test_a_feed_that_names_another_hub_is_subscribed_there_and_unsubscribed_here(world, hub, site):
    world.subscribe()
    site.pages["/feed"] = (200, {}, in_rss(f"{hub.url}/second", world.topic))
    world.poll()
    world.ask()
    hub.wait(3)
    assert [(form["hub.mode"]) for form in hub.requests[1:]] == ["subscribe", "unsubscribe"]
    assert hub.paths == ["/hub", "/second", "/hub"]
    assert hub.requests[1]["hub.secret"] != hub.requests[0]["hub.secret"]
    assert len(hub.subscribers) == 1


def test_a_feed_that_names_no_hub_any_more_is_unsubscribed(world, hub, site):
    world.subscribe()
    site.pages["/feed"] = (200, {}, rss("First", "Second", "Third"))
    world.poll()
    world.ask()
    assert hub.subscribers == {}
    assert world.store.pushes.all() == {}


def test_a_scheduler_that_leads_learns_soon_what_the_feeds_of_all_schedulers_say(world, hub, site):
    world.configure(feeds=("/feed", "/other"))
    world.requests = HubRequests(world.store, clock=world.now)
    world.ask()
    assert hub.requests == []
    for feed, path in zip(world.runtime.config.feeds, ("/feed", "/other"), strict=True):
        site.pages[path] = (200, {}, in_rss(hub.address, feed.url))
        world.feed = feed
        world.poll()
        world.ask()
    assert len(hub.subscribers) == 2
    site.pages["/other"] = (200, {}, rss("One", "Two"))
    world.poll()
    world.ask()
    assert len(hub.subscribers) == 1
    # What nobody noted is found within ten minutes.
    site.pages["/other"] = (200, {}, in_rss(hub.address, world.feed.url))
    world.poll()
    world.redis.delete("presswatch:renamed_hubs")
    world.ask()
    assert len(hub.subscribers) == 1
    world.ahead += timedelta(minutes=11)
    world.ask()
    assert len(hub.subscribers) == 2


def test_a_large_feed_is_subscribed_to(world, hub, site):
    """It is read in a process of its own."""
    many = [f"{number:04} {'x' * 100}" for number in range(1500)]
    site.pages["/feed"] = (200, {}, rss(*many, links=world.links))
    assert world.poll().state.entries == 1500
    world.ask()
    assert len(hub.subscribers) == 1


def test_an_end_that_the_hub_does_not_confirm_is_given_up(world, hub):
    world.subscribe()
    hub.confirms = False
    world.configure(feeds=())
    for _ in range(8):
        world.ask()
        world.ahead += timedelta(hours=3)
    assert len(hub.requests) == 6
    assert world.store.pushes.all() == {}


def test_another_public_address_makes_another_subscription(world, hub):
    world.subscribe()
    elsewhere = world.url.replace("127.0.0.1", "localhost")
    config = world._directory / "config.yaml"
    config.write_text(config.read_text().replace(world.url, elsewhere))
    world.url = elsewhere
    world.configure()
    world.ask()
    hub.wait(3)
    (callback,) = hub.subscribers
    assert callback.startswith(elsewhere)


def test_neither_secret_nor_callback_is_ever_logged(world, hub):
    with capture_logs() as logs:
        hub.answer = 500
        world.subscribe()
        hub.answer = 202
        world.ahead = timedelta(hours=1)
        world.ask()
        hub.push(world.topic, b"<rss", "sha1")
        world.read()
        callback, (_, secret) = next(iter(hub.subscribers.items()))
        hub.call(callback, mode="denied", topic=world.topic)
    said = repr(logs) + repr(world.push)
    assert {line["event"] for line in logs} >= {"hub refuses", "hub confirms", "hub denies"}
    assert secret not in said
    assert callback.rpartition("/")[2] not in said


def test_a_hub_that_hangs_delays_no_other(world, hub, site, monkeypatch):
    monkeypatch.setattr("monitor.scheduler.hubs.TIMEOUT_S", 1.0)
    site.delays["/slow"] = 3
    world.configure(feeds=("/feed", "/other"))
    addresses = (f"{site.url}/slow", hub.address)
    for feed, address in zip(world.runtime.config.feeds, addresses, strict=True):
        path = urlsplit(feed.url).path
        site.pages[path] = (200, {}, in_rss(address, feed.url))
        world.feed = feed
        world.poll()
    started = time.monotonic()
    world.ask()
    assert time.monotonic() - started < 2.5
    assert len(hub.subscribers) == 1
