"""Alerts on the stream and on the channels."""

import time
from datetime import UTC, datetime, timedelta

import pytest

from monitor.model import Alert


@pytest.fixture
def publish(redis, store):
    def put(*ids, watchlist="w", subscribers=()):
        for alert_id in ids:
            with redis.pipeline() as pipe:
                document = {"id": alert_id, "watchlist": watchlist}
                store.alerts.publish(Alert(alert_id, watchlist, subscribers, document), pipe)
                pipe.execute()

    return put


def ids(alerts):
    return [alert["id"] for alert in alerts]


def test_latest_returns_the_newest_first(store, publish):
    publish("a", "b")
    publish("c", watchlist="other")
    assert ids(store.alerts.latest()) == ["c", "b", "a"]
    assert ids(store.alerts.latest(limit=1)) == ["c"]


def test_follow_yields_the_alerts_after_an_id_in_order(store, publish):
    publish("a")
    newest = store.alerts.last_id()
    publish("b", "c")
    following = store.alerts.follow(after=newest, block=timedelta(milliseconds=10))
    assert ids([next(following), next(following)]) == ["b", "c"]
    assert next(following) is None


def test_trim_drops_old_alerts(redis, store, publish):
    publish("a", "b")
    assert store.alerts.trim(datetime.now(UTC)) == 0
    assert store.alerts.trim(datetime.now(UTC) + timedelta(days=31)) == 2


def test_trim_keeps_alerts_that_a_consumer_group_has_not_read_or_acknowledged(
    redis, store, publish
):
    publish("a", "b", "c", "d")
    redis.xgroup_create("presswatch:alerts", "archive", id="0")
    later = datetime.now(UTC) + timedelta(days=31)
    assert store.alerts.trim(later) == 0

    read = redis.xreadgroup("archive", "me", {"presswatch:alerts": ">"}, count=2)
    pages = read.values() if isinstance(read, dict) else [entries for _, entries in read]
    (first, _), (second, _) = [
        entry for page in pages for entry in (page[0] if isinstance(page[0], list) else page)
    ]
    redis.xack("presswatch:alerts", "archive", first)
    assert store.alerts.trim(later) == 1
    redis.xack("presswatch:alerts", "archive", second)
    assert store.alerts.trim(later) == 1
    assert ids(store.alerts.latest()) == ["d", "c"]


def test_an_alert_is_kept_for_its_deliveries_until_it_expires(redis, store, publish):
    publish("a", subscribers=("hook",))
    publish("c")
    (kept,) = store.alerts.get_all(["b", "a", "c"])
    assert kept.document == {"id": "a", "watchlist": "w"}
    assert 0 < redis.ttl("presswatch:alert:a") <= timedelta(days=30).total_seconds()


def test_channels_carry_each_alert(redis, store, publish):
    with redis.pubsub() as channel:
        channel.subscribe("presswatch:alerts", "presswatch:alerts:w")
        deadline = time.monotonic() + 5
        received = []
        published = False
        while len(received) < 2 and time.monotonic() < deadline:
            message = channel.get_message(timeout=0.1)
            if (
                message
                and message["type"] == "subscribe"
                and not published
                and message["data"] == 2
            ):
                publish("a")
                published = True
            elif message and message["type"] == "message":
                received.append(message["channel"])
    assert sorted(received) == [b"presswatch:alerts", b"presswatch:alerts:w"]
