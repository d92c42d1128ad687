"""Spikes and silences, as decided from hourly counts."""

import math
import random
from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.alerts.spikes import HOUR, SpikeState, decide, tail, usual
from monitor.model import Spike

START = datetime(2026, 6, 1, tzinfo=UTC)
PAST = 28 * 24
NEW = SpikeState("query", START)


def steady(hours, rate=1.0, seed=1):
    rng = random.Random(seed)
    return [sum(rng.random() < rate / 4 for _ in range(4)) for _ in range(hours)]


def told(counts, state=NEW, first=PAST):
    """What is told when hours come one after another, and the state at the end."""
    events = []
    for hours in range(first, len(counts) + 1):
        state, event = decide(state, counts[:hours], Spike(), START + hours * HOUR)
        if event:
            events.append((event.kind, hours - first))
    return events, state


def test_a_spike_is_told_once_and_its_end_once():
    counts = steady(PAST) + [10] * 24 + steady(48, seed=2)
    events, state = told(counts)
    assert [kind for kind, _ in events] == ["spike", "spike over"]
    assert events[0][1] <= 3
    assert 24 < events[1][1] <= 36
    assert state.started_at is None


def test_ordinary_coverage_tells_nothing():
    assert told(steady(PAST + 24 * 14))[0] == []


def test_a_silence_is_told_once_and_its_end_once():
    events, _ = told(steady(PAST) + [0] * 72 + [1] * 3)
    assert [kind for kind, _ in events] == ["silence", "silence over"]
    assert events[1][1] == 73


def test_nothing_is_told_in_the_first_week():
    state = SpikeState("query", START + timedelta(hours=PAST) - timedelta(days=6))
    counts = steady(PAST) + [50] * 12
    assert told(counts, state)[0] == []


def test_a_spike_that_lasts_becomes_the_usual():
    events, state = told(steady(PAST) + [10] * 24 * 16)
    assert [kind for kind, _ in events] == ["spike", "spike over"]
    assert state.since >= START + PAST * HOUR


def test_the_rhythm_of_the_day_is_no_spike():
    counts = [12 if hour % 24 == 8 else 0 for hour in range(PAST + 24 * 7)]
    assert told(counts)[0] == []


@settings(max_examples=20)
@given(st.lists(st.integers(0, 1000), max_size=900), st.integers(0, 200))
def test_a_state_decided_twice_tells_nothing_more(counts, age):
    now = START + len(counts) * HOUR
    state, _ = decide(SpikeState("query", now - 900 * HOUR), counts, Spike(), now)
    again, event = decide(state, counts, Spike(), now)
    assert event is None or event.kind not in {"spike", "silence"} or state.ended_at == now
    assert again.subject == "query"


@given(st.integers(0, 300), st.floats(0.01, 200), st.floats(0, 5))
def test_a_tail_is_a_probability_and_falls(count, mean, excess):
    higher = tail(count, mean, mean * (1 + excess))
    assert 0 <= tail(count + 1, mean, mean * (1 + excess)) <= higher * (1 + 1e-6) <= 1 + 1e-6


def test_a_tail_is_that_of_poisson_where_counts_vary_no_more():
    exact = 1 - sum(math.exp(-2) * 2**k / math.factorial(k) for k in range(6))
    assert math.isclose(tail(6, 2.0, 2.0), exact, rel_tol=1e-4)


@settings(max_examples=20)
@given(st.lists(st.integers(0, 50), min_size=168, max_size=400))
def test_rates_are_positive_and_finite(counts):
    model = usual(counts, 1000)
    assert all(0 < rate < math.inf for rate in model.rates)
    assert model.dispersion >= 1
