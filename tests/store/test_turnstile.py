"""Limits on the requests to one destination."""

from datetime import UTC, datetime, timedelta

import pytest

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


@pytest.fixture
def enter(store):
    def ask(holder, *, after=0.0, at_once=2, delay=1.0):
        return store.turnstile.enter(
            "a.example",
            holder,
            at_once=at_once,
            delay=timedelta(seconds=delay),
            lease=timedelta(seconds=40),
            now=NOW + timedelta(seconds=after),
        )

    return ask


def test_requests_are_spaced_in_the_order_in_which_they_arrive(enter):
    assert [enter("one"), enter("two"), enter("three")] == [0, 1, 2]
    assert enter("three", after=1) == 1
    assert enter("two", after=1) == 0


def test_at_most_the_allowed_number_of_requests_is_under_way(store, enter):
    assert [enter("one", delay=0), enter("two", delay=0)] == [0, 0]
    assert enter("three", delay=0) > 0
    store.turnstile.leave("a.example", "one")
    assert enter("three", delay=0, after=0.1) == 0


def test_the_request_of_a_killed_worker_ends_with_its_lease(enter):
    enter("one", at_once=1)
    assert enter("two", at_once=1, after=2) > 0
    assert enter("two", at_once=1, after=41) == 0


def test_every_key_expires(redis, store, enter):
    enter("one")
    enter("two")
    assert all(redis.ttl(key) > 0 for key in redis.scan_iter())
