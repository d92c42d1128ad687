"""Tests of where a feed is polled that has moved for good."""

from dataclasses import replace

import pytest

from monitor.feeds.moves import (
    DOUBTED_AFTER,
    SETTLED_AFTER,
    address_of,
    after_answer,
    after_failure,
)
from monitor.model import Feed, FeedState

FEED = Feed("https://a.example/feed")
NEW = "https://new.example/feed"


def after(feed, *answers, state=None):
    state = state or FeedState()
    for moved_to in answers:
        state = after_answer(feed, state, moved_to)
    return state


def test_a_feed_is_polled_elsewhere_once_enough_polls_were_led_there():
    assert address_of(FEED, after(FEED, *[NEW] * (SETTLED_AFTER - 1))) == FEED.url
    settled = after(FEED, *[NEW] * SETTLED_AFTER)
    assert address_of(FEED, settled) == NEW
    assert after(FEED, None, None, state=settled) == settled


def test_redirects_that_change_or_end_settle_nothing():
    other = "https://other.example/feed"
    assert address_of(FEED, after(FEED, *[NEW, other] * SETTLED_AFTER)) == FEED.url
    interrupted = [NEW] * (SETTLED_AFTER - 1) + [None]
    assert after(FEED, *interrupted * 3) == FeedState()


def test_a_feed_moves_on_and_back():
    settled = after(FEED, *[NEW] * SETTLED_AFTER)
    next_one = "https://newer.example/feed"
    assert after(FEED, *[next_one] * SETTLED_AFTER, state=settled).address == next_one
    assert after(FEED, *[FEED.url] * SETTLED_AFTER, state=settled) == FeedState()


def test_if_the_new_address_fails_the_configured_one_is_asked_again():
    settled = after(FEED, *[NEW] * SETTLED_AFTER)
    for failures in range(1, DOUBTED_AFTER):
        assert after_failure(replace(settled, failures=failures)).address == NEW
    assert after_failure(replace(settled, failures=DOUBTED_AFTER)).address is None


@pytest.mark.parametrize(
    ("feed", "new"),
    [
        (Feed("https://me:hunter2@a.example/feed"), "https://a.example/new"),
        (
            Feed("https://a.example/?key=s3cret-key", secrets=(("s3cret-key", "${KEY}"),)),
            "https://new.example/?key=s3cret-key",
        ),
        (FEED, "http://a.example/feed"),
    ],
)
def test_a_secret_is_not_stored_and_tls_is_not_given_up(feed, new):
    assert after(feed, *[new] * 2 * SETTLED_AFTER) == FeedState()
