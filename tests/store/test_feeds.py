"""Feeds in Redis."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from monitor.feeds.entries import Seen
from monitor.model import Feed, FeedState
from monitor.store import Store, feeds
from monitor.store.feeds import REMEMBER, PollRecord

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
FIRST, SECOND = Feed("https://one.example/"), Feed("https://two.example/")
NEW = FeedState()


def commit(store, seen, now=NOW, due=NOW, state=NEW):
    """Writes down a document that lists these identities (identity → version)."""
    remember = {name: Seen(version) for name, version in seen.items()}
    store.feeds.commit_document(FIRST, lambda *_: PollRecord(state, due, remember), now=now)


def known(store):
    return {name: seen.version for name, seen in store.feeds.seen(FIRST.id).items()}


def test_scheduled_feeds_are_due_at_once_and_removed_feeds_never(store):
    store.feeds.schedule([FIRST, SECOND], NOW)
    later = NOW + timedelta(seconds=5)
    assert set(store.feeds.due(later)) == {FIRST.id, SECOND.id}
    store.feeds.schedule([FIRST], NOW)
    assert store.feeds.due(later) == [FIRST.id]


def test_scheduling_again_keeps_due_times(store):
    store.feeds.schedule([FIRST], NOW)
    commit(store, {}, due=NOW + timedelta(hours=1))
    store.feeds.schedule([FIRST, SECOND], NOW)
    assert store.feeds.due(NOW + timedelta(minutes=1)) == [SECOND.id]


def test_a_poll_that_ends_after_its_feed_was_removed_does_not_bring_it_back(store):
    commit(store, {})
    assert store.feeds.due(NOW + timedelta(days=1)) == []


def test_state_and_seen_entries_are_read_as_written(store):
    state = FeedState(title="T", etag='"1"', polled_at=NOW, failures=2)
    remember = {"a": Seen("v1"), "b": Seen("v2", edits=3)}
    store.feeds.commit_document(FIRST, lambda *_: PollRecord(state, NOW, remember), now=NOW)
    assert store.feeds.state(FIRST.id) == replace(state, listed_on=NOW.date())
    assert store.feeds.seen(FIRST.id) == remember


def test_an_invalid_stored_state_counts_as_empty(store, redis):
    redis.set(store.keys.feed(FIRST.id), '{"failures": "many"}')
    assert store.feeds.state(FIRST.id) == FeedState()


def test_a_decision_is_made_again_if_another_scheduler_wrote_in_between(store, queues):
    calls = []

    def decide(seen, _pipe):
        calls.append({name: entry.version for name, entry in seen.items()})
        if len(calls) == 1:
            commit(store, {"theirs": "v"})
        return PollRecord(FeedState(), NOW, {"ours": Seen("v")})

    store.feeds.commit_document(FIRST, decide, now=NOW)
    assert calls == [{}, {"theirs": "v"}]


def test_entries_are_forgotten_long_after_they_left_the_feed(store):
    commit(store, {"old": "v", "both": "v"})
    left = NOW + timedelta(days=10)
    commit(store, {"both": "v"}, now=left)
    for day, expected in ((0, {"old", "both"}), (90, {"old", "both"}), (91, {"both"})):
        # The feed changes every day; entries that have left it do not count as listed.
        today = left + timedelta(days=day)
        commit(store, {"both": "v", f"{day}": "v"}, now=today)
        store.feeds.forget_old(FIRST, today.date())
        assert expected <= known(store).keys()
    assert "old" not in known(store)


def test_entries_still_in_an_unchanged_feed_are_never_forgotten(store):
    commit(store, {"a": "v"})
    store.feeds.commit(FIRST, store.feeds.state(FIRST.id), NOW)
    later = NOW + 2 * REMEMBER
    assert store.feeds.forget_old(FIRST, later.date()) == 0
    # The entry was listed until the feed changed, and is remembered from then on.
    commit(store, {"b": "v"}, now=later)
    assert store.feeds.forget_old(FIRST, (later + REMEMBER - timedelta(days=1)).date()) == 0
    assert store.feeds.forget_old(FIRST, (later + REMEMBER + timedelta(days=1)).date()) == 1
    assert known(store) == {"b": "v"}


def test_entries_stored_before_the_day_was_known_count_as_listed(store, redis):
    redis.hset(store.keys.seen(FIRST.id), "a", "v 2026-01-01")
    assert store.feeds.forget_old(FIRST, NOW.date()) == 0
    commit(store, {"b": "v"})
    assert store.feeds.forget_old(FIRST, (NOW + timedelta(days=30)).date()) == 0
    assert known(store) == {"a": "v", "b": "v"}


def test_an_unchanged_entry_costs_no_write(store, redis):
    commit(store, {"a": "v", "b": "v"})
    before = redis.info("commandstats")["cmdstat_hset"]["calls"]
    commit(store, {"a": "v", "b": "v"})
    assert redis.info("commandstats")["cmdstat_hset"]["calls"] == before


def test_beyond_the_limit_the_identities_that_left_first_are_forgotten_first(store, monkeypatch):
    monkeypatch.setattr(feeds, "MAX_IDENTITIES", 2)
    for day, name in enumerate("abcd"):
        commit(store, {name: "v", f"{name}2": "v"}, now=NOW + timedelta(days=day))
    assert store.feeds.forget_old(FIRST, NOW.date()) == 6
    assert known(store).keys() == {"d", "d2"}


def test_more_entries_than_fit_into_one_command_are_remembered_and_forgotten(store, monkeypatch):
    monkeypatch.setattr(feeds, "BATCH", 3)
    many = {f"{number}": "v" for number in range(10)}
    commit(store, many)
    assert known(store) == many
    commit(store, {}, now=NOW + timedelta(days=1))
    assert store.feeds.forget_old(FIRST, (NOW + 2 * REMEMBER).date()) == 10


@pytest.mark.parametrize("prefix", ["presswatch:", "[a]*:"])
def test_a_removed_feed_is_forgotten_after_the_retention_and_not_before(redis, prefix):
    store = Store(redis, prefix, keep=timedelta(days=30))
    commit(store, {"a": "v"}, state=FeedState(polled_at=NOW))
    redis.set("a:feed:other", "not ours")
    assert store.feeds.forget_removed([], NOW + REMEMBER) == 0
    assert store.feeds.forget_removed([FIRST], NOW + 2 * REMEMBER) == 0
    assert store.feeds.forget_removed([], NOW + REMEMBER + timedelta(days=1)) == 1
    assert redis.keys() == [b"a:feed:other"]
