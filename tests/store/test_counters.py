"""What is counted for metrics, by everybody who does something."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from monitor.errors import (
    BadStatus,
    CleanError,
    FeedError,
    FetchError,
    TooLarge,
    Unreachable,
    error_kind,
)
from monitor.model import Alert, Feed, FeedState
from monitor.store.counters import BEYOND, AlertedCount, Lags
from monitor.store.feeds import PollRecord, StateRecord

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
FEED = Feed("https://a.example/feed")


@pytest.fixture
def count(redis):
    """Run what adds to a transaction."""

    def run(add, *arguments):
        with redis.pipeline() as pipe:
            add(*arguments, pipe)
            pipe.execute()

    return run


def test_nothing_is_counted_at_first(store):
    counts = store.counters.read()
    assert counts.polls == {"failed": 0}
    assert not any((counts.entries, counts.articles, counts.alerted, counts.alerts))
    assert not any((counts.deliveries, counts.errors))


def test_polls_are_counted_by_result_and_failures_by_kind(store):
    failing = replace(FeedState(), failures=1)
    store.feeds.commit(
        [
            StateRecord(FEED, FeedState(), NOW),
            StateRecord(FEED, FeedState(), NOW),
            StateRecord(FEED, failing, NOW, "http_404"),
            StateRecord(FEED, failing, NOW, "timeout"),
        ]
    )
    store.feeds.commit_document(FEED, lambda *_: PollRecord(FeedState(), NOW, {}, 3, 1), now=NOW)
    store.feeds.commit_document(FEED, lambda *_: PollRecord(FeedState(), NOW, {}, 2), now=NOW)
    counts = store.counters.read()
    assert counts.polls == {"changed": 2, "unchanged": 2, "failed": 2}
    assert counts.entries == {"new": 5, "edited": 1}
    assert counts.errors == {("poll", "http_404"): 1, ("poll", "timeout"): 1}


def test_lags_are_counted_in_buckets_together(store, count):
    add = store.counters.article
    on_the_bound = Lags(timedelta(minutes=5), timedelta(seconds=2))
    late = Lags(timedelta(days=3), timedelta(hours=2))
    early = Lags(timedelta(seconds=-30), timedelta(0))
    for lags in (on_the_bound, on_the_bound, late, early, Lags(None, None)):
        count(add, "page", lags)
    count(add, "feed", None)
    counts = store.counters.read()
    assert counts.articles == {"page": 5, "feed": 1}
    assert set(counts.alerted) == {
        AlertedCount("300", "2", 2),
        AlertedCount(BEYOND, BEYOND, 1),
        AlertedCount("60", "0.5", 1),
        AlertedCount(None, None, 1),
    }


def test_alerts_are_counted_by_watchlist_until_it_is_gone(store, count):
    for name in ("cod", "cod", "a:b"):
        count(store.alerts.publish, Alert(name, name, (), {"id": name}))
    assert store.counters.read().alerts == {"cod": 2, "a:b": 1}
    store.counters.forget_watchlists({"cod"})
    assert store.counters.read().alerts == {"cod": 2}


def test_deliveries_are_counted_by_channel_and_event(store, count):
    for event in ("delivered", "delivered", "given up"):
        count(store.counters.delivery, "slack", event)
    assert store.counters.read().deliveries == {
        ("slack", "delivered"): 2,
        ("slack", "given up"): 1,
    }


def test_pages_that_failed_are_counted_by_kind(store):
    store.counters.failed_page("http_403")
    assert store.counters.read().errors == {("page", "http_403"): 1}


def test_a_count_takes_one_command(redis, store):
    with redis.pipeline() as pipe:
        store.counters.article("page", Lags(None, None), pipe)
        assert len(pipe) == 1
        store.counters.changed_poll(1, 0, pipe)
        assert len(pipe) == 3


def test_errors_have_kinds():
    url = "https://a.example"
    late = FetchError(url, "no answer within 20 s", retryable=True)
    late.__cause__ = TimeoutError()
    kinds = {
        "http_404": BadStatus(url, 404),
        "timeout": late,
        "unreachable": Unreachable(url, "the name does not resolve"),
        "too_large": TooLarge(url, 10),
        "connection": FetchError(url, "cut off", retryable=True),
        "not_a_feed": FeedError("a web page"),
        "no_article": CleanError("a list"),
        "fault": ZeroDivisionError(),
    }
    assert {name: error_kind(error) for name, error in kinds.items()} == {
        name: name for name in kinds
    }
