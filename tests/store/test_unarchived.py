"""The stream of what the archive has still to write."""

from datetime import UTC, datetime, timedelta

import pytest

from monitor.coverage import DeliveryRecord, Record
from monitor.model import DeliveryNote, as_json
from monitor.store import unarchived
from monitor.store.unarchived import Unarchived

AT_ONCE = timedelta(milliseconds=1)


def record(number):
    note = DeliveryNote(datetime(2026, 11, 23, tzinfo=UTC), "hook", "webhook", "held", str(number))
    return Record(delivery=DeliveryRecord(("a",), note))


@pytest.fixture
def stream(redis, store):
    def add(*numbers):
        with redis.pipeline() as pipe:
            for number in numbers:
                store.unarchived.add(record(number), pipe)
            pipe.execute()

    store.unarchived.add_all = add
    return store.unarchived


def other(redis, store):
    return Unarchived(redis, store.keys)


def take(archive, most=10):
    """Takes records; the first call ever only creates the group."""
    return archive.take(most, AT_ONCE) or archive.take(most, AT_ONCE)


def numbers(taken):
    return [stored.decode().rpartition('"detail":"')[2][0] for _, stored in taken]


def test_records_come_once_and_in_order_also_those_before_the_first_archive(stream, redis, store):
    stream.add_all(1, 2, 3)
    first = take(stream, 2)
    assert numbers(first) == ["1", "2"]
    assert numbers(take(other(redis, store))) == ["3"]
    assert take(stream) == []
    assert first[0][1].decode() == as_json(record(1))


def test_what_a_killed_archive_took_goes_to_another(stream, redis, store, monkeypatch):
    stream.add_all(1, 2)
    take(stream, 1)
    assert numbers(take(other(redis, store))) == ["2"]
    monkeypatch.setattr(unarchived, "PRESUMED_DEAD", timedelta(0))
    assert numbers(other(redis, store).take(10, AT_ONCE)) == ["1", "2"]


def test_what_is_written_is_gone_and_the_backlog_says_what_is_left(stream):
    assert stream.backlog().records == 0
    assert stream.backlog().oldest is None
    stream.add_all(1, 2)
    (stream_id, _), _ = take(stream)
    stream.settle([stream_id])
    backlog = stream.backlog()
    assert backlog.records == 1
    assert datetime.now(UTC) - backlog.oldest < timedelta(minutes=1)


def test_a_redis_that_lost_its_data_gets_a_new_group(stream, redis):
    stream.add_all(1)
    take(stream)
    redis.flushall()
    stream.add_all(2)
    assert numbers(take(stream)) == ["2"]


def test_a_foreign_entry_has_no_record_and_stops_nobody(stream, redis, store):
    redis.xadd(store.keys.unarchived, {"x": "y"})
    stream.add_all(1)
    assert [bool(stored) for _, stored in take(stream)] == [False, True]


def test_refused_records_are_kept_and_counted(stream, redis, store):
    stream.refuse(b"{}", "no record")
    assert stream.backlog().refused == 1
    ((_, fields),) = redis.xrange(store.keys.unarchivable)
    assert fields == {b"record": b"{}", b"error": b"no record"}


def test_archives_that_ended_are_forgotten(stream, redis, store, monkeypatch):
    take(stream)
    take(other(redis, store))
    monkeypatch.setattr(unarchived, "FORGOTTEN", timedelta(0))
    stream.add_all(1)
    assert len(take(stream)) == 1
    stream.forget_consumers()
    # One that has something left to write stays.
    assert len(redis.xinfo_consumers(store.keys.unarchived, "archive")) == 1
