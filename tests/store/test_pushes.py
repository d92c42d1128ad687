"""Subscriptions at hubs and what they push, in Redis."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

from monitor.feeds.pushes import NO_PUSH, Push, Subscription, pushed
from monitor.store.pushes import MAX_DOCUMENT_BYTES, MOST_DOCUMENTS, MOST_OF_A_FEED, Pushed

NOW = datetime(2026, 12, 1, 12, 0, tzinfo=UTC)
SUBSCRIPTION = Subscription(
    "https://hub.example/", "https://a.example/feed", "https://me.example/websub/1/x", "s", NOW
)


def test_what_is_stored_is_read_again(store):
    assert store.pushes.of("1") == NO_PUSH
    push = Push(SUBSCRIPTION, (SUBSCRIPTION,), pushed_at=NOW)
    assert store.pushes.change("1", lambda _: push) == push
    assert store.pushes.of("1") == push
    assert store.pushes.all() == {"1": push}
    assert store.pushes.all() == {"1": push}
    store.pushes.change("1", lambda _: NO_PUSH)
    assert store.pushes.all() == {}


def test_of_many_changes_at_once_none_is_lost(store):
    def add(number):
        each = Subscription("", "", f"{number}", "", NOW)
        store.pushes.change("1", lambda push: Push(push.current, (*push.ended, each)))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(add, range(60)))
    assert {each.callback for each in store.pushes.of("1").ended} == set(map(str, range(60)))


def test_what_cannot_be_read_is_as_if_it_were_not_there(store, redis):
    redis.hset("presswatch:pushes", "1", b'{"current": 7}')
    assert store.pushes.of("1") == NO_PUSH
    assert store.pushes.all() == {"1": NO_PUSH}
    assert store.pushes.change("1", lambda push: pushed(push, NOW)).pushed_at == NOW


def push(feed_id="1", seconds=0, document=b"<rss/>"):
    at = NOW + timedelta(seconds=seconds)
    return Pushed(feed_id, at, "https://a.example/feed", "text/xml", document)


def test_what_was_pushed_first_is_read_first_and_byte_for_byte(store):
    store.pushes.add(push("2", 1, b"\x00\n\xff" * 10))
    store.pushes.add(push("1", 2))
    store.pushes.add(push("3", 0, b""))
    fields = store.pushes.waiting()
    assert list(fields) == ["2", "1", "3"]
    first, second, third = (store.pushes.read(field) for (field,) in fields.values())
    assert (first.document, first.received_at) == (
        b"\x00\n\xff" * 10,
        NOW + timedelta(seconds=1),
    )
    assert (second.feed_id, second.content_type) == ("1", "text/xml")
    assert (third.feed_id, third.document) == ("3", b"")
    store.pushes.done(second, "known")
    assert list(store.pushes.waiting()) == ["2", "3"]
    assert store.pushes.read(second.field) is None
    assert store.counters.read().pushes == {"known": 1}


def test_what_waits_takes_a_bounded_part_of_the_memory(store):
    for second in range(100):
        store.pushes.add(push("1", second))
        store.pushes.add(push(f"9{second}", second))
    store.pushes.add(push("large", document=b"x" * (MAX_DOCUMENT_BYTES + 1)))
    documents = {
        feed_id: sum(bool(store.pushes.read(field).document) for field in fields)
        for feed_id, fields in store.pushes.waiting().items()
    }
    assert documents["1"] == MOST_OF_A_FEED
    assert sum(documents.values()) == MOST_DOCUMENTS
    # Of each feed it is known that there is news.
    assert len(documents) == 102


def test_feeds_that_name_other_hubs_are_noted_once(store):
    store.pushes.note_hubs("1")
    store.pushes.note_hubs("1")
    assert store.pushes.take_noted() == ["1"]
    assert store.pushes.take_noted() == []
