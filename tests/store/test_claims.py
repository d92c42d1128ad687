"""Claims: of several schedulers each polls other feeds, and no host gets too many polls."""

import random
import threading
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from monitor.model import Feed, FeedState
from monitor.store.claims import Place, Refusal
from monitor.store.feeds import StateRecord

# Redis expires the places of hosts by its own clock, long after the test.
NOW = datetime.now(UTC) + timedelta(hours=1)
LEASE = timedelta(seconds=30)
FEEDS = [Feed(f"https://h{number % 3}.example/{number}") for number in range(9)]
PLACES = [Place(feed.id, f"h{number % 3}.example") for number, feed in enumerate(FEEDS)]


@pytest.fixture
def claim(store):
    store.feeds.schedule(FEEDS, NOW)

    def claim(places=PLACES, wanted=9, per_host=3, now=NOW):
        return store.claims.claim(places, wanted, per_host=per_host, now=now, until=now + LEASE)

    return claim


def test_a_claim_returns_the_states_of_as_many_feeds_as_are_wanted(claim, store):
    state = FeedState(title="Herald", polled_at=NOW)
    store.feeds.commit([StateRecord(FEEDS[1], state, NOW)])
    assert claim(wanted=2) == [FeedState(), state]
    assert set(store.feeds.due(NOW)) == {feed.id for feed in FEEDS[2:]}


def test_what_is_claimed_is_not_due_for_others_until_its_lease_ends(claim):
    assert claim(PLACES[:1]) == [FeedState()]
    assert claim(PLACES[:1]) == [Refusal.NOT_DUE]
    assert claim(PLACES[:1], now=NOW + LEASE) == [FeedState()]


def test_what_left_the_configuration_is_not_claimed(claim, store):
    store.feeds.schedule(FEEDS[1:], NOW)
    assert claim(PLACES[:2]) == [Refusal.NOT_DUE, FeedState()]


def test_a_host_has_only_so_many_places_until_one_is_left_or_its_lease_ends(claim, store):
    same_host = PLACES[::3]
    assert claim(same_host, per_host=2) == [FeedState(), FeedState(), Refusal.HOST_BUSY]
    assert claim(PLACES[1:2], per_host=2) == [FeedState()]
    store.claims.leave(same_host[:1])
    assert claim(same_host[2:], per_host=2) == [FeedState()]
    later = NOW + LEASE
    assert claim(same_host, per_host=2, now=later) == [FeedState(), FeedState(), Refusal.HOST_BUSY]


def test_places_and_leases_can_be_kept_longer(claim, store):
    same_host = PLACES[::3]
    claim(same_host[:2], per_host=2)
    longer = NOW + 2 * LEASE
    leases = {place.feed_id: (NOW + LEASE, longer) for place in same_host[:2]}
    assert store.claims.move(leases) == leases.keys()
    store.claims.keep_places(same_host[:2], longer)
    refusals = [Refusal.NOT_DUE, Refusal.NOT_DUE, Refusal.HOST_BUSY]
    assert claim(same_host, per_host=2, now=longer - timedelta(seconds=1)) == refusals


def test_a_place_that_was_left_is_not_kept(claim, store):
    claim(PLACES[:1])
    store.claims.leave(PLACES[:1])
    store.claims.keep_places(PLACES[:1], NOW + LEASE)
    assert claim(PLACES[3:4], per_host=1) == [FeedState()]


def test_a_lease_that_was_lost_or_given_back_is_not_moved(claim, store):
    claim(PLACES[:2])
    next_poll = NOW + timedelta(hours=1)
    store.feeds.commit([StateRecord(FEEDS[0], FeedState(), next_poll)])
    leases = {place.feed_id: (NOW + LEASE, NOW) for place in PLACES[:2]}
    assert store.claims.move(leases) == {FEEDS[1].id}
    assert store.feeds.due_at(FEEDS[0].id) == next_poll
    assert store.feeds.due_at(FEEDS[1].id) == NOW


def test_claims_at_the_same_time_share_the_feeds(claim):
    claimed = Counter()

    def work(seed):
        places = random.Random(seed).sample(PLACES, len(PLACES))
        answers = claim(places, wanted=4)
        claimed.update(
            place.feed_id
            for place, answer in zip(places, answers, strict=False)
            if isinstance(answer, FeedState)
        )

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert claimed == Counter(feed.id for feed in FEEDS)


def test_a_feed_is_hastened_unless_it_is_claimed_or_soon_due(store):
    store.feeds.schedule(FEEDS[:1], NOW)
    claims, feed = store.claims, FEEDS[0].id
    assert not claims.hasten(feed, NOW)
    store.feeds.commit([StateRecord(FEEDS[0], FeedState(), NOW + LEASE)])
    assert not claims.hasten(feed, NOW)
    store.feeds.commit([StateRecord(FEEDS[0], FeedState(), NOW + timedelta(hours=1))])
    assert claims.hasten(feed, NOW)
    assert store.feeds.due(NOW) == [feed]
    assert not claims.hasten("unknown", NOW)
    assert store.feeds.due_at("unknown") is None
