"""The choice among feeds that are due."""

from monitor.scheduler.candidates import Candidates
from monitor.store.claims import Place

LARGE = [Place(f"large {number}", "large.example") for number in range(1000)]
SMALL = [Place(f"small {number}", f"h{number}.example") for number in range(3)]


def test_a_host_with_many_feeds_delays_no_other():
    candidates = Candidates(LARGE + SMALL)
    assert candidates.take(4, per_host=2) == [LARGE[0], *SMALL]
    assert candidates.take(4, per_host=2) == LARGE[1:3]


def test_a_busy_host_is_left_out_until_it_is_free():
    candidates = Candidates(LARGE[:3] + SMALL[:1])
    taken = candidates.take(3, per_host=2)
    candidates.put_back([LARGE[0], LARGE[1]], busy=True)
    assert taken == [LARGE[0], SMALL[0], LARGE[1]]
    assert candidates.take(3, per_host=2) == []
    candidates.free("large.example")
    assert candidates.take(3, per_host=2) == LARGE[:2]


def test_what_is_put_back_keeps_its_turn():
    candidates = Candidates(LARGE[:4])
    candidates.put_back(candidates.take(3, per_host=3), busy=False)
    assert candidates.take(9, per_host=9) == LARGE[:4]


def test_a_host_without_waiting_feeds_may_become_free():
    candidates = Candidates(SMALL[:1])
    candidates.take(1, per_host=1)
    candidates.free(SMALL[0].host)
    candidates.free("other.example")
    assert candidates.take(1, per_host=1) == []
