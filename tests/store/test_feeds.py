"""Feeds in Redis."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.feeds.entries import Seen, decide, listed
from monitor.feeds.rhythm import Rhythm
from monitor.model import Entry, Feed, FeedState
from monitor.store import Store, feeds
from monitor.store.feeds import REMEMBER, PollRecord, StateRecord
from monitor.store.seen import SeenRecord, StoredSeen

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
FIRST, SECOND = Feed("https://one.example/"), Feed("https://two.example/")
NEW = FeedState()
DAY = timedelta(days=1)


def digits(name):
    """Returns an identity or a version: 16 hex digits, which `name_of` reads."""
    return name.encode().ljust(8, b"\0").hex()


def name_of(identity):
    return bytes.fromhex(identity).rstrip(b"\0").decode()


def commit(store, seen, now=NOW, due=NOW, state=NEW):
    """Writes down a document that lists these identities (identity → version)."""
    remember = {digits(name): Seen(digits(version)) for name, version in seen.items()}
    store.feeds.commit_document(FIRST, lambda *_: PollRecord(state, due, remember), now=now)


def known(store):
    return named(store.feeds.seen(FIRST.id))


def named(seen):
    return {name_of(identity): name_of(record.version) for identity, record in seen.items()}


def test_scheduled_feeds_are_due_at_once_and_removed_feeds_never(store):
    store.feeds.schedule([FIRST, SECOND], NOW)
    assert set(store.feeds.due(NOW)) == {FIRST.id, SECOND.id}
    store.feeds.schedule([FIRST], NOW)
    assert store.feeds.due(NOW) == [FIRST.id]


def test_the_next_due_time_is_that_of_the_first_feed_that_is_not_due_yet(store):
    assert store.feeds.next_due(NOW) is None
    store.feeds.schedule([FIRST, SECOND], NOW)
    assert store.feeds.next_due(NOW) is None
    commit(store, {}, due=NOW + timedelta(minutes=3))
    assert store.feeds.next_due(NOW) == NOW + timedelta(minutes=3)


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
    remember = {digits("a"): Seen(digits("v1")), digits("b"): Seen(digits("v2"), edits=3)}
    store.feeds.commit_document(FIRST, lambda *_: PollRecord(state, NOW, remember), now=NOW)
    assert store.feeds.state(FIRST.id) == replace(state, listed_on=NOW.date())
    assert store.feeds.seen(FIRST.id) == remember


def test_an_invalid_stored_state_counts_as_empty(store, redis):
    redis.set(store.keys.feed(FIRST.id), '{"failures": "many"}')
    assert store.feeds.state(FIRST.id) == FeedState()


def test_a_decision_is_made_again_if_another_scheduler_wrote_in_between(store, queues):
    calls = []

    def decide(seen, _pipe):
        calls.append(named(seen))
        if len(calls) == 1:
            commit(store, {"theirs": "v"})
        return PollRecord(FeedState(), NOW, {digits("ours"): Seen(digits("v"))})

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
    store.feeds.commit([StateRecord(FIRST, store.feeds.state(FIRST.id), NOW)])
    later = NOW + 2 * REMEMBER
    assert store.feeds.forget_old(FIRST, later.date()) == 0
    # The entry was listed until the feed changed, and is remembered from then on.
    commit(store, {"b": "v"}, now=later)
    assert store.feeds.forget_old(FIRST, (later + REMEMBER - timedelta(days=1)).date()) == 0
    assert store.feeds.forget_old(FIRST, (later + REMEMBER + timedelta(days=1)).date()) == 1
    assert known(store) == {"b": "v"}


def test_entries_stored_before_the_day_was_known_count_as_listed(store, redis):
    redis.hset(store.keys.seen(FIRST.id), digits("a"), f"{digits('v')} 2026-01-01")
    assert store.feeds.forget_old(FIRST, NOW.date()) == 0
    commit(store, {"b": "v"})
    assert store.feeds.forget_old(FIRST, (NOW + timedelta(days=30)).date()) == 0
    assert known(store) == {"a": "v", "b": "v"}


OLD_FORM = {
    digits("one"): f"{digits('v')} 2026-09-01",
    digits("link"): f"{digits('v')} 2026-09-01",
    digits("two"): f"{digits('w')} 2026-11-20 24",
}


def test_records_in_the_form_of_earlier_versions_are_known_and_replaced_by_the_next_document(
    store, redis
):
    key = store.keys.seen(FIRST.id)
    redis.hset(key, mapping=OLD_FORM)
    listed_on = FeedState(listed_on=date(2026, 11, 20))
    store.feeds.commit([StateRecord(FIRST, listed_on, NOW)])
    before = store.feeds.seen(FIRST.id)
    assert before == {
        digits("one"): Seen(digits("v")),
        digits("link"): Seen(digits("v")),
        digits("two"): Seen(digits("w"), edits=24),
    }
    commit(store, {"new": "v"})
    assert store.feeds.seen(FIRST.id) == before | {digits("new"): Seen(digits("v"))}
    assert not {name.encode() for name in OLD_FORM} & set(redis.hkeys(key))
    # The days were kept as well: what had left the feed in September is forgotten first.
    assert store.feeds.forget_old(FIRST, date(2026, 12, 5)) == 2
    assert known(store) == {"two": "w", "new": "v"}


def test_old_records_in_the_form_of_earlier_versions_are_forgotten_in_time(store, redis):
    redis.hset(store.keys.seen(FIRST.id), mapping=OLD_FORM)
    listed_on = FeedState(listed_on=date(2026, 11, 20))
    store.feeds.commit([StateRecord(FIRST, listed_on, NOW)])
    assert store.feeds.forget_old(FIRST, date(2026, 12, 5)) == 2
    assert known(store) == {"two": "w"}


@given(
    st.lists(
        st.dictionaries(
            st.integers(0, 40), st.tuples(st.integers(0, 3), st.integers(0, 300)), max_size=40
        ),
        max_size=6,
    )
)
def test_records_are_stored_exactly_however_they_come_to_share_fields(versions):
    stored = {}
    for day, wanted in enumerate(versions):
        records = {
            digits(str(name)): SeenRecord(Seen(digits(str(version)), edits), NOW.date() + day * DAY)
            for name, (version, edits) in wanted.items()
        }
        changed, deleted = StoredSeen(stored).changes(records)
        stored = {key: value for key, value in (stored | changed).items() if key not in deleted}
        capped = {
            name: record._replace(seen=record.seen._replace(edits=min(record.seen.edits, 255)))
            for name, record in records.items()
        }
        assert StoredSeen(stored).records == capped
        assert all(len(key) <= 64 for key in stored)
        again, gone = StoredSeen(stored).changes(capped)
        assert not again
        assert not gone


def test_a_feed_of_thirty_entries_takes_less_than_two_kilobytes(store, redis):
    store.feeds.schedule([FIRST], NOW)
    entries = [
        Entry(f"urn:{n}", f"https://one.example/news/{n}", f"T {n}", published_at=NOW)
        for n in range(30)
    ]
    document, _ = listed(entries)
    state = FeedState(
        title="The Herald", language="en", etag='"5e8f-64a1"', body_hash=64 * "a", entries=30,
        last_modified="Mon, 23 Nov 2026 12:00:00 GMT", polled_at=NOW, succeeded_at=NOW, changed_at=NOW,
        rhythm=Rhythm(NOW).pack(),
    )  # fmt: skip
    store.feeds.commit_document(
        FIRST,
        lambda seen, _: PollRecord(state, NOW, decide(document, seen, now=NOW).remember),
        now=NOW,
    )
    assert len(store.feeds.seen(FIRST.id)) == 90
    keys = (store.keys.feed(FIRST.id), store.keys.seen(FIRST.id), store.keys.due)
    assert sum(redis.memory_usage(key) for key in keys) < 2_000


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
    assert set(redis.keys()) == {b"a:feed:other", f"{prefix}counters".encode()}


def test_states_and_due_times_of_many_feeds_are_read_at_once(store):
    others = [Feed(f"https://a.example/{number}") for number in range(3)]
    store.feeds.schedule(others, NOW)
    state = FeedState(title="Second")
    store.feeds.commit([StateRecord(others[1], state, NOW + timedelta(hours=1))])
    assert store.feeds.states([each.id for each in others]) == [FeedState(), state, FeedState()]
    assert store.feeds.states([]) == []
    assert store.feeds.all_due() == {
        others[0].id: NOW, others[1].id: NOW + timedelta(hours=1), others[2].id: NOW,
    }  # fmt: skip


def test_a_state_that_changed_since_it_was_read_is_read_again(store):
    feeds = [Feed(f"https://a.example/{number}") for number in range(2)]
    ids = [each.id for each in feeds]
    for failures in range(3):
        state = FeedState(failures=failures)
        store.feeds.commit([StateRecord(feeds[1], state, NOW)])
        assert store.feeds.states(ids) == [FeedState(), state]
