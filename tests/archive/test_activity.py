"""What operators are told of the last hours, in both databases."""

from datetime import timedelta

import pytest

from monitor.archive.activity import (
    AlertLag,
    LedgerFilter,
    Rates,
    WatchlistActivity,
    alert_lag,
    articles_by_day,
    delivery_counts,
    last_deliveries,
    rates,
    watchlist_activity,
)
from monitor.coverage import DeliveryRecord, Record
from monitor.model import DeliveryNote, content_id

HOUR = timedelta(hours=1)


@pytest.fixture
def filled(writer, engine, publication, delivery, morning):
    """Three articles with alerts, the last one a day before the others, and two deliveries."""
    records = [
        publication("one", at=morning, published_at=morning - 10 * timedelta(minutes=1)),
        publication(
            "two", at=morning - HOUR, published_at=morning - HOUR - 30 * timedelta(minutes=1)
        ),
        publication("old", at=morning - 25 * HOUR, feed_url="https://gazette.example/feed"),
        delivery("one", at=morning),
        delivery("two", at=morning - 30 * HOUR),
    ]
    assert writer.write(records) == []
    return engine


def test_a_watchlists_activity_is_its_alerts_and_the_last_one(filled, morning):
    assert watchlist_activity(filled, morning - 24 * HOUR) == {
        "nato": WatchlistActivity(2, morning)
    }
    assert watchlist_activity(filled, morning + HOUR) == {"nato": WatchlistActivity(0, morning)}


def test_articles_are_counted_by_feed_and_day(filled, morning):
    today = int(morning.timestamp()) // 86_400
    assert articles_by_day(filled, morning - 48 * HOUR) == {
        "https://herald.example/feed": {today: 2},
        "https://gazette.example/feed": {today - 1: 1},
    }
    assert articles_by_day(filled, morning - HOUR / 2) == {
        "https://herald.example/feed": {today: 1}
    }


def test_rates_count_since_a_moment(filled, morning):
    assert rates(filled, morning - 2 * HOUR) == Rates(2, 2)
    assert rates(filled, morning + HOUR) == Rates(0, 0)


def test_the_lag_of_alerts_is_that_to_their_publication(filled, morning):
    lag = alert_lag(filled, morning - 24 * HOUR)
    assert lag == AlertLag(2, timedelta(minutes=20), timedelta(minutes=28))
    assert alert_lag(filled, morning) == AlertLag(1, timedelta(minutes=10), timedelta(minutes=10))
    assert alert_lag(filled, morning + HOUR) is None


def test_what_feeds_held_before_the_first_article_was_found_has_no_lag(
    writer, engine, publication, morning
):
    held = publication("held", at=morning, published_at=morning - HOUR)
    assert writer.write([held]) == []
    assert alert_lag(engine, morning - 24 * HOUR) is None


def test_deliveries_are_listed_newest_first_with_titles(filled):
    lines = last_deliveries(filled, 10).lines
    assert [line.title for line in lines] == ["The title of one", "The title of two"]
    assert {line.note.subscriber for line in lines} == {"desk"}
    assert len(last_deliveries(filled, 1).lines) == 1
    assert last_deliveries(filled, 10, LedgerFilter(("nobody",))).lines == ()
    assert last_deliveries(filled, 10, LedgerFilter(events=("given up",))).lines == ()
    assert len(last_deliveries(filled, 10, LedgerFilter(("desk",), ("delivered",))).lines) == 2


def test_deliveries_are_counted_by_subscriber_and_event(filled, morning):
    assert delivery_counts(filled, morning - 24 * HOUR) == {("desk", "delivered"): 1}


def test_the_ledger_is_read_page_by_page_without_loss(writer, engine, morning):
    """Also where several lines have the same moment."""
    notes = [
        DeliveryNote(
            morning + timedelta(seconds=number // 4), "desk", "slack", "failed", f"{number}"
        )
        for number in range(22)
    ]
    alert = content_id("alert")
    assert writer.write([Record(delivery=DeliveryRecord((alert,), note)) for note in notes]) == []
    found, after = [], None
    while True:
        page = last_deliveries(engine, 5, after=after)
        found += [line.note.detail for line in page.lines]
        after = page.older
        if after is None:
            break
    assert sorted(map(int, found)) == list(range(22))
    moments = [int(detail) // 4 for detail in found]
    assert moments == sorted(moments, reverse=True)
