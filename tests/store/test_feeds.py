"""Feeds in Redis."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from monitor.feeds.entries import Seen
from monitor.model import Feed, FeedState
from monitor.store import Store, feeds
from monitor.store.feeds import REMEMBER, Reading

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
ONE, TWO = Feed("https://one.example/"), Feed("https://two.example/")
NEW = FeedState()


def commit(store, seen, now=NOW, due=NOW, state=NEW):
    """Write down a document in which these are listed (identity → version)."""
    remember = {name: Seen(version) for name, version in seen.items()}
    store.feeds.commit_document(ONE, lambda *_: Reading(state, due, remember), now=now)


def known(store):
    return {name: seen.version for name, seen in store.feeds.seen(ONE.id).items()}


def test_scheduled_feeds_are_due_at_once_and_those_removed_never(store):
    store.feeds.schedule([ONE, TWO], NOW)
    later = NOW + timedelta(seconds=5)
    assert set(store.feeds.due(later)) == {ONE.id, TWO.id}
    store.feeds.schedule([ONE], NOW)
    assert store.feeds.due(later) == [ONE.id]


def test_scheduling_again_leaves_due_times_alone(store):
    store.feeds.schedule([ONE], NOW)
    commit(store, {}, due=NOW + timedelta(hours=1))
    store.feeds.schedule([ONE, TWO], NOW)
    assert store.feeds.due(NOW + timedelta(minutes=1)) == [TWO.id]


def test_a_poll_that_ends_after_its_feed_was_removed_does_not_bring_it_back(store):
    commit(store, {})
    assert store.feeds.due(NOW + timedelta(days=1)) == []


def test_state_and_what_was_seen_come_back_as_written(store):
    state = FeedState(title="T", etag='"1"', polled_at=NOW, failures=2)
    remember = {"a": Seen("v1"), "b": Seen("v2", edits=3)}
    store.feeds.commit_document(ONE, lambda *_: Reading(state, NOW, remember), now=NOW)
    assert store.feeds.state(ONE.id) == replace(state, listed_on=NOW.date())
    assert store.feeds.seen(ONE.id) == remember


def test_a_state_that_cannot_be_read_is_learned_anew(store, redis):
    redis.set(store.keys.feed(ONE.id), '{"failures": "many"}')
    assert store.feeds.state(ONE.id) == FeedState()


def test_a_decision_is_made_again_where_another_scheduler_wrote_in_between(store, queues):
    looks = []

    def decide(seen, _pipe):
        looks.append({name: one.version for name, one in seen.items()})
        if len(looks) == 1:
            commit(store, {"theirs": "v"})
        return Reading(FeedState(), NOW, {"ours": Seen("v")})

    store.feeds.commit_document(ONE, decide, now=NOW)
    assert looks == [{}, {"theirs": "v"}]


def test_entries_are_forgotten_long_after_they_left_the_feed(store):
    commit(store, {"old": "v", "both": "v"})
    left = NOW + timedelta(days=10)
    commit(store, {"both": "v"}, now=left)
    for day, expected in ((0, {"old", "both"}), (90, {"old", "both"}), (91, {"both"})):
        # The feed changes every day; what has left it does not count as listed.
        today = left + timedelta(days=day)
        commit(store, {"both": "v", f"{day}": "v"}, now=today)
        store.feeds.forget_old(ONE, today.date())
        assert expected <= known(store).keys()
    assert "old" not in known(store)


def test_what_is_still_in_a_feed_that_does_not_change_is_never_forgotten(store):
    commit(store, {"a": "v"})
    store.feeds.commit(ONE, store.feeds.state(ONE.id), NOW)
    later = NOW + 2 * REMEMBER
    assert store.feeds.forget_old(ONE, later.date()) == 0
    # It was there until the feed changed, and is remembered from then on.
    commit(store, {"b": "v"}, now=later)
    assert store.feeds.forget_old(ONE, (later + REMEMBER - timedelta(days=1)).date()) == 0
    assert store.feeds.forget_old(ONE, (later + REMEMBER + timedelta(days=1)).date()) == 1
    assert known(store) == {"b": "v"}


def test_what_was_written_before_the_day_was_known_counts_as_listed(store, redis):
    redis.hset(store.keys.seen(ONE.id), "a", "v 2026-01-01")
    assert store.feeds.forget_old(ONE, NOW.date()) == 0
    commit(store, {"b": "v"})
    assert store.feeds.forget_old(ONE, (NOW + timedelta(days=30)).date()) == 0
    assert known(store) == {"a": "v", "b": "v"}


def test_an_unchanged_entry_costs_no_write(store, redis):
    commit(store, {"a": "v", "b": "v"})
    before = redis.info("commandstats")["cmdstat_hset"]["calls"]
    commit(store, {"a": "v", "b": "v"})
    assert redis.info("commandstats")["cmdstat_hset"]["calls"] == before


def test_of_too_many_identities_those_that_left_first_are_forgotten_first(store, monkeypatch):
    monkeypatch.setattr(feeds, "MOST_REMEMBERED", 2)
    for day, name in enumerate("abcd"):
        commit(store, {name: "v", f"{name}2": "v"}, now=NOW + timedelta(days=day))
    assert store.feeds.forget_old(ONE, NOW.date()) == 6
    assert known(store).keys() == {"d", "d2"}


def test_more_entries_than_fit_into_a_command_are_remembered_and_forgotten(store, monkeypatch):
    monkeypatch.setattr(feeds, "AT_A_TIME", 3)
    many = {f"{number}": "v" for number in range(10)}
    commit(store, many)
    assert known(store) == many
    commit(store, {}, now=NOW + timedelta(days=1))
    assert store.feeds.forget_old(ONE, (NOW + 2 * REMEMBER).date()) == 10


@pytest.mark.parametrize("prefix", ["presswatch:", "[a]*:"])
def test_a_feed_that_was_removed_is_forgotten_after_a_while_and_not_before(redis, prefix):
    store = Store(redis, prefix, keep=timedelta(days=30))
    commit(store, {"a": "v"}, state=FeedState(polled_at=NOW))
    redis.set("a:feed:other", "not ours")
    assert store.feeds.forget_removed([], NOW + REMEMBER) == 0
    assert store.feeds.forget_removed([ONE], NOW + 2 * REMEMBER) == 0
    assert store.feeds.forget_removed([], NOW + REMEMBER + timedelta(days=1)) == 1
    assert redis.keys() == [b"a:feed:other"]
