"""Feeds in Redis."""

from datetime import UTC, datetime, timedelta

from monitor.model import Feed, FeedState
from monitor.store.feeds import REMEMBER

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
ONE, TWO = Feed("https://one.example/"), Feed("https://two.example/")


def commit(store, seen, now=NOW, due=NOW):
    store.feeds.commit(ONE, FeedState(), due, now=now, decide=lambda _seen, _pipe: seen)


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
    store.feeds.commit(ONE, state, NOW, now=NOW, decide=lambda _seen, _pipe: {"a": "v1"})
    assert store.feeds.state(ONE.id) == state
    assert store.feeds.seen(ONE.id) == {"a": "v1"}


def test_a_decision_is_made_again_where_another_scheduler_wrote_in_between(store, queues):
    looks = []

    def decide(seen, _pipe):
        looks.append(dict(seen))
        if len(looks) == 1:
            commit(store, {"theirs": "v"})
        return {"ours": "v"}

    store.feeds.commit(ONE, FeedState(), NOW, now=NOW, decide=decide)
    assert looks == [{}, {"theirs": "v"}]


def test_entries_are_forgotten_long_after_they_left_the_feed(store):
    commit(store, {"old": "v", "both": "v"}, now=NOW - REMEMBER - timedelta(days=1))
    commit(store, {"both": "v"})
    assert store.feeds.forget_old(ONE, NOW.date()) == 1
    assert store.feeds.seen(ONE.id) == {"both": "v"}
