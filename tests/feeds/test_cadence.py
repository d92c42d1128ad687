"""Tests of when a feed is polled next."""

import random
from datetime import UTC, datetime, timedelta

import pytest

from monitor.config import PollSettings
from monitor.feeds.cadence import JITTER, next_poll
from monitor.model import Feed, FeedState

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
FEED = Feed("https://a.example/feed")
SETTINGS = PollSettings(
    every=timedelta(minutes=15), fastest=timedelta(minutes=1), slowest=timedelta(hours=6)
)


def wait(state, feed=FEED, seed=1, **more):
    return next_poll(feed, state, SETTINGS, now=NOW, rng=random.Random(seed), **more) - NOW


def about(minutes):
    return pytest.approx(minutes * 60, rel=JITTER)


def test_a_quiet_feed_is_polled_at_the_usual_interval():
    assert wait(FeedState()).total_seconds() == about(15)
    assert wait(FeedState(changed_at=NOW - timedelta(days=3))).total_seconds() == about(15)


def test_a_feed_that_just_had_news_is_polled_again_soon():
    assert wait(FeedState(changed_at=NOW)).total_seconds() == about(1)
    assert wait(FeedState(changed_at=NOW - timedelta(minutes=10))).total_seconds() == about(5)


def test_a_feed_with_its_own_interval_keeps_it():
    feed = Feed(FEED.url, every=timedelta(minutes=5))
    assert wait(FeedState(changed_at=NOW), feed).total_seconds() == about(5)


def test_failures_back_off_to_the_slowest_interval_and_no_further():
    waits = [wait(FeedState(failures=count)).total_seconds() for count in (1, 2, 3, 60)]
    assert waits == [about(15), about(30), about(60), about(360)]


def test_retry_after_is_obeyed_up_to_a_limit():
    failed = FeedState(failures=1)
    assert wait(failed, retry_after=timedelta(hours=1)).total_seconds() == about(60)
    assert wait(failed, retry_after=timedelta(days=365)).total_seconds() == about(360)


@pytest.mark.parametrize("seed", range(20))
def test_a_server_is_never_asked_before_its_retry_after(seed):
    asked = timedelta(hours=1)
    assert wait(FeedState(failures=1), seed=seed, retry_after=asked) >= asked
    longer = wait(FeedState(failures=1), seed=seed, retry_after=timedelta(days=365))
    assert longer >= SETTINGS.slowest


def test_held_back_entries_are_fetched_soon_whatever_the_interval_of_the_feed():
    hourly = Feed(FEED.url, every=timedelta(hours=1))
    assert wait(FeedState(held_back=7), hourly).total_seconds() == about(1)
    assert wait(FeedState(held_back=7, failures=1), hourly).total_seconds() == about(60)


def test_a_feed_that_takes_long_to_read_is_read_less_often():
    busy = FeedState(changed_at=NOW)
    assert wait(busy, reading=timedelta(seconds=30)).total_seconds() == about(5)
