"""Tests of when a feed is polled next."""

import random
from datetime import UTC, datetime, timedelta

import pytest

from monitor.config import PollSettings
from monitor.feeds.cadence import JITTER, RAREST, next_poll
from monitor.feeds.rhythm import Rhythm
from monitor.model import Feed, FeedHints, FeedState

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
FEED = Feed("https://a.example/feed")
SETTINGS = PollSettings(slowest=timedelta(hours=6))


def wait(state, feed=FEED, seed=1, settings=SETTINGS, now=NOW, **more):
    return next_poll(feed, state, settings, now=now, rng=random.Random(seed), **more) - now


def about(minutes):
    return pytest.approx(minutes * 60, rel=JITTER)


def test_a_feed_of_unknown_rhythm_is_polled_at_the_starting_interval():
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


def test_retry_after_is_obeyed_up_to_a_day():
    failed = FeedState(failures=1)
    assert wait(failed, retry_after=timedelta(hours=1)).total_seconds() == about(60)
    for_ever = wait(failed, retry_after=timedelta(days=365))
    assert timedelta(days=1) <= for_ever <= timedelta(days=1) * (1 + JITTER)


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


def publishing(per_hour, days=10, *, hours=range(24)):
    """A feed that has published at this pace until now."""
    step = timedelta(hours=1) / per_hour
    first = NOW - timedelta(days=days)
    moments = [first + number * step for number in range(int(days * 24 * per_hour))]
    rhythm = Rhythm(at=first)
    for day in range(days):
        end = first + timedelta(days=day + 1)
        within = [each for each in moments if timedelta(0) < end - each <= timedelta(days=1)]
        rhythm = rhythm.with_publications((each for each in within if each.hour in hours), end)
    return FeedState(rhythm=rhythm.pack(), changed_at=NOW - timedelta(hours=3))


@pytest.mark.parametrize("per_hour", [1, 2, 4, 10])
def test_a_feed_is_polled_within_half_of_its_usual_gap(per_hour):
    quiet_for = timedelta(hours=3)
    half_gap = 30 / per_hour
    found = wait(publishing(per_hour), now=NOW + quiet_for).total_seconds() / 60
    assert found == pytest.approx(half_gap, rel=0.25)


def test_the_interval_stays_between_the_fastest_and_the_slowest():
    assert wait(publishing(600, days=1)).total_seconds() == about(1)
    assert wait(FeedState(rhythm=Rhythm(NOW - timedelta(days=30)).pack())).total_seconds() == about(
        360
    )
    often = PollSettings(slowest=timedelta(minutes=20))
    assert wait(publishing(0.1), settings=often).total_seconds() == about(20)


def test_an_interval_in_the_settings_is_the_longest_and_rhythm_can_only_shorten_it():
    settings = PollSettings(every=timedelta(minutes=10))
    assert wait(publishing(0.01), settings=settings).total_seconds() == about(10)
    assert wait(publishing(20), settings=settings).total_seconds() < 3 * 60


def test_a_feed_that_publishes_by_day_is_polled_rarely_at_night_and_in_time_in_the_morning():
    state = publishing(4, days=20, hours=range(8, 18))
    night, noon = NOW.replace(hour=21) + timedelta(days=1), NOW + timedelta(days=1)
    assert wait(state, now=noon) < timedelta(minutes=10)
    assert wait(state, now=night) > timedelta(hours=2)
    early = NOW.replace(hour=5) + timedelta(days=1)
    assert early + wait(state, now=early) < early.replace(hour=8, minute=45)


@pytest.mark.parametrize(
    ("failure", "first", "longest"),
    [
        ("timeout", 15, 30), ("unreachable", 15, 30), ("connection", 15, 30), ("http_503", 15, 30),
        ("http_500", 15, 30), ("empty", 15, 30), ("dns", 15, 360), ("not_a_feed", 15, 360),
        ("http_429", 15, 360), ("http_404", 30, 360), ("http_403", 30, 360), ("tls", 30, 360),
        ("fault", 15, 360), ("too_large", 30, 360),
    ],
)  # fmt: skip
def test_failures_back_off_by_their_kind(failure, first, longest):
    waits = [
        wait(FeedState(failures=count), settings=PollSettings(), failure=failure).total_seconds()
        for count in (1, 2, 60)
    ]
    assert waits == [about(first), about(min(2 * first, longest)), about(longest)]


def test_a_feed_is_never_given_up():
    rare = PollSettings(slowest=timedelta(hours=6))
    gone = FeedState(failures=100_000)
    assert wait(gone, settings=rare, failure="dns") <= RAREST * (1 + JITTER)


def test_a_hint_may_double_the_interval_up_to_a_limit():
    busy, hour = publishing(6), timedelta(hours=1)
    alone = wait(busy)
    assert wait(busy, fresh_for=hour) == 2 * alone
    assert wait(busy, fresh_for=alone * 1.5) < 2 * alone
    assert wait(busy, fresh_for=timedelta(seconds=1)) == alone
    asked = FeedState(rhythm=busy.rhythm, hints=FeedHints(every_s=3600))
    assert wait(asked) == 2 * alone
    daily = FeedState(hints=FeedHints(every_s=86_400))
    assert wait(daily).total_seconds() == about(15)


def test_hours_and_days_that_a_feed_wants_to_be_skipped_are_skipped_within_limits():
    skipping = FeedState(hints=FeedHints(skip_hours=(12, 13)))
    assert wait(skipping).total_seconds() == about(120)
    always = FeedState(hints=FeedHints(skip_hours=tuple(range(24))))
    assert wait(always).total_seconds() == about(360)
    monday = FeedState(hints=FeedHints(skip_weekdays=(0,)))
    assert wait(monday).total_seconds() == about(360)


def test_a_broken_rhythm_is_an_unknown_one():
    assert wait(FeedState(rhythm="?")).total_seconds() == about(15)


def test_feeds_that_were_added_together_spread_after_their_first_poll():
    waits = [wait(FeedState(), seed=seed, is_first=True).total_seconds() / 60 for seed in range(50)]
    assert min(waits) < 9
    assert max(waits) > 14
