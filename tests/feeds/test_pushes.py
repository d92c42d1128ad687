"""When hubs are asked, what of their answers counts, and when they are relied upon."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest

from monitor.feeds import pushes
from monitor.feeds.pushes import (
    NO_PUSH,
    asked,
    broken_since,
    confirmed,
    denied,
    due_requests,
    missed,
    planned,
    pushed,
    refused,
)
from monitor.model import FeedHubs

NOW = datetime(2026, 12, 1, 12, 0, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
TOPIC = "https://a.example/feed"
WANTED = FeedHubs(TOPIC, ("https://hub.example/",))
BASE = "https://me.example/websub/0123"
NUMBERS = count()


def token():
    return f"token{next(NUMBERS)}"


def plan(push=NO_PUSH, wanted=WANTED, now=NOW, base=BASE):
    return planned(push, wanted, base, now, token)


def name(push):
    return push.current.callback.rpartition("/")[2]


def confirm(push, now=NOW, lease="864000"):
    push = asked(push, push.current.callback, now)
    return confirmed(push, name(push), "subscribe", TOPIC, lease, now)


@pytest.fixture
def subscribed():
    return confirm(plan())


def test_what_is_planned_stays_until_something_else_is_wanted(subscribed):
    assert plan(subscribed) == subscribed
    assert plan(plan()).current is not None
    first = plan()
    assert plan(first) == first


def test_a_renewal_is_due_after_three_quarters_of_the_lease(subscribed):
    assert list(due_requests(subscribed, NOW + 7 * DAY)) == []
    (request,) = due_requests(subscribed, NOW + 7.5 * DAY)
    assert request.mode == "subscribe"
    assert request.form["hub.secret"] == subscribed.current.secret


def test_a_hub_that_grants_seconds_is_not_asked_each_second():
    push = confirm(plan(), lease="1")
    assert push.current.lease_until == NOW + timedelta(seconds=1)
    assert push.current.ask_at == NOW + 10 * MINUTE


def test_whoever_confirms_while_the_request_fails_has_confirmed(subscribed):
    callback = subscribed.current.callback
    assert refused(subscribed, callback, "HTTP 500") == subscribed


def test_a_refusal_counts_for_the_subscription_that_it_was_for():
    push = plan()
    other = refused(asked(push, push.current.callback, NOW), "https://me.example/other", "HTTP 403")
    assert other.current.error is None


def test_a_denied_subscription_is_not_relied_on(subscribed):
    relied = pushed(subscribed, NOW)
    assert relied.is_relied_on(NOW)
    push = denied(relied, name(relied), TOPIC, "quota", NOW)
    assert not push.is_relied_on(NOW)
    assert push.current.error == "the hub denies the subscription: quota"
    assert denied(relied, "guess", TOPIC, "", NOW) is None
    assert denied(relied, name(relied), "https://b.example/", "", NOW) is None
    assert denied(NO_PUSH, "x", TOPIC, "", NOW) is None


@pytest.mark.parametrize(
    "topic", [f"{TOPIC}/", "https://a.example/%66eed"], ids=["slash", "escaped"]
)
def test_hubs_may_write_the_topic_a_little_differently(topic):
    push = plan()
    push = asked(push, push.current.callback, NOW)
    assert confirmed(push, name(push), "subscribe", topic, "60", NOW)


def test_nothing_is_confirmed_that_was_never_asked_for():
    push = plan()
    assert confirmed(push, name(push), "subscribe", TOPIC, "60", NOW) is None
    assert confirmed(push, name(push), "unsubscribe", TOPIC, "60", NOW) is None


def test_hubs_take_turns_as_long_as_none_confirms():
    wanted = FeedHubs(TOPIC, ("https://one.example/", "https://two.example/"))
    push, now, hubs = plan(wanted=wanted), NOW, []
    for _ in range(8):
        push = plan(push, wanted, now)
        hubs.append(push.current.hub[8:11])
        push = asked(push, push.current.callback, now)
        now = push.current.ask_at
    assert hubs == ["one"] * 3 + ["two"] * 2 + ["one"] * 2 + ["two"]
    push = confirmed(push, name(push), "subscribe", TOPIC, "864000", now)
    assert plan(push, wanted, now) == push


def test_a_feed_that_changes_its_hub_at_each_poll_does_not_make_us_ask_more_often():
    push, now, requests = NO_PUSH, NOW, 0
    for minute in range(24 * 60):
        now = NOW + minute * MINUTE
        push = plan(push, FeedHubs(TOPIC, (f"https://hub{minute}.example/",)), now)
        for request in due_requests(push, now):
            push = asked(push, request.subscription.callback, now)
            requests += 1
    assert requests < 12


def test_few_ended_subscriptions_are_remembered(subscribed):
    push = subscribed
    for number in range(10):
        push = confirm(plan(push, FeedHubs(TOPIC, (f"https://hub{number}.example/",))))
    assert len(push.ended) == pushes.MOST_ENDED


def test_an_unconfirmed_subscription_needs_no_end():
    assert plan(plan(), None) == NO_PUSH


def test_what_is_ended_is_forgotten_with_its_lease(subscribed):
    push = plan(subscribed, None)
    (request,) = due_requests(push, NOW)
    assert request.mode == "unsubscribe"
    assert "hub.secret" not in request.form
    assert plan(push, None, NOW + 10 * DAY) == NO_PUSH


def test_a_hub_is_relied_on_from_its_first_push_to_the_end_of_the_lease(subscribed):
    assert not subscribed.is_relied_on(NOW)
    push = pushed(subscribed, NOW)
    assert push.is_relied_on(NOW + 10 * DAY - MINUTE)
    assert not push.is_relied_on(NOW + 10 * DAY)


def test_new_entries_count_as_missed_if_the_subscription_covers_all_the_time(subscribed):
    push = pushed(subscribed, NOW)
    assert missed(push, NOW - MINUTE, NOW + HOUR) == push
    assert missed(push, None, NOW + HOUR) == push
    assert missed(NO_PUSH, NOW, NOW + HOUR) == NO_PUSH
    assert missed(push, NOW, NOW + HOUR).missed_at == NOW + HOUR
    pinged = pushed(subscribed, NOW, pinged_at=NOW + MINUTE)
    assert missed(pinged, NOW, NOW + HOUR) == pinged
    lapsed = NOW + 11 * DAY
    assert missed(push, NOW, lapsed) == push


def test_a_hub_is_broken_when_it_does_not_tell_late_either(subscribed):
    push = missed(pushed(subscribed, NOW), NOW, NOW + HOUR)
    assert broken_since(push, NOW + HOUR + 9 * MINUTE) is None
    assert broken_since(push, NOW + 2 * HOUR) == NOW + HOUR
    assert broken_since(pushed(push, NOW + 2 * HOUR), NOW + 3 * HOUR) is None
    # One that never pushed was no help before, and is no fault now.
    assert broken_since(missed(subscribed, NOW, NOW + HOUR), NOW + DAY) is None


def test_secrets_are_not_in_the_representation(subscribed):
    shown = repr(subscribed)
    assert subscribed.current.secret not in shown
    assert name(subscribed) not in shown
    assert replace(subscribed) == subscribed
