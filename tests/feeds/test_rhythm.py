"""Tests of how a feed's rhythm is learned."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.feeds.rhythm import FADING, Rhythm, rhythm_after

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def test_the_dates_of_a_first_document_suggest_the_rhythm():
    rhythm = Rhythm.of_document([NOW - number * HOUR for number in range(1, 21)], NOW)
    assert rhythm.usual_gap(NOW) == pytest.approx(HOUR, rel=0.1)


def test_entries_that_are_pinned_for_years_and_dates_to_come_say_nothing():
    dates = [NOW - number * HOUR for number in range(1, 21)]
    odd = [None, NOW - 900 * DAY, NOW - 20 * DAY, NOW + DAY]
    assert Rhythm.of_document(dates + odd, NOW).usual_gap(NOW) == pytest.approx(HOUR, rel=0.2)


def test_a_document_without_dates_leaves_the_rhythm_unknown_for_a_day():
    rhythm = Rhythm.of_document([None, None], NOW)
    assert rhythm.usual_gap(NOW + HOUR) is None
    assert rhythm.time_until(0.5, NOW + HOUR, DAY) is None
    assert rhythm.usual_gap(NOW + 2 * DAY) > DAY


def test_entries_of_one_minute_are_one_publication():
    rhythm = Rhythm(NOW - 2 * DAY).with_publications([NOW - DAY] * 50, NOW)
    assert rhythm.usual_gap(NOW) > DAY


def test_a_feed_that_falls_silent_slows_down():
    rhythm = Rhythm(NOW - 10 * DAY).with_publications([NOW - n * HOUR for n in range(240)], NOW)
    gaps = [rhythm.usual_gap(NOW + days * DAY) for days in (0, 30, 300)]
    assert gaps[0] < 1.2 * HOUR
    assert gaps[1] > 3 * HOUR
    assert gaps[2] > 24 * HOUR


def test_a_publication_fades():
    rhythm = Rhythm(NOW).with_publications([NOW], NOW)
    later = rhythm.with_publications([], NOW + FADING)
    assert sum(later.by_hour) == pytest.approx(0.5)


def test_a_burst_is_followed_and_then_forgotten():
    quiet = Rhythm(NOW - 28 * DAY).with_publications([NOW - 5 * DAY], NOW - HOUR)
    burst = quiet.with_publications([NOW - number * MINUTE for number in range(20)], NOW)
    assert quiet.time_until(0.5, NOW, 6 * HOUR) == 6 * HOUR
    assert burst.time_until(0.5, NOW, 6 * HOUR) < 4 * MINUTE
    assert burst.time_until(0.5, NOW + 12 * HOUR, 6 * HOUR) > HOUR


def test_entries_count_when_they_appeared_whatever_they_say():
    stored = Rhythm(NOW - 2 * DAY).pack()
    since = NOW - HOUR
    new = [None, NOW - 700 * DAY, NOW - 30 * MINUTE]
    rhythm = rhythm_after(stored, since, listed=[], new=new, now=NOW)
    assert sum(rhythm.by_hour) == pytest.approx(2, rel=0.01)
    assert rhythm_after(stored, since, listed=[], new=[], now=NOW) == Rhythm.unpack(stored)


counts = st.floats(0, 60_000, width=16)


@given(
    observed_h=counts,
    recent=counts,
    by_hour=st.lists(counts, min_size=24, max_size=24),
    by_weekday=st.lists(counts, min_size=7, max_size=7),
    later=st.timedeltas(timedelta(0), 1000 * DAY),
)
def test_any_rhythm_can_be_stored_and_gives_a_time_within_limits(
    observed_h, recent, by_hour, by_weekday, later
):
    rhythm = Rhythm(NOW, observed_h, recent, tuple(by_hour), tuple(by_weekday))
    assert Rhythm.unpack(rhythm.pack()) == rhythm
    assert len(rhythm.pack()) <= 96
    wait = rhythm.time_until(0.5, NOW + later, 6 * HOUR)
    assert wait is None or timedelta(0) <= wait <= 6 * HOUR


@pytest.mark.parametrize("stored", [None, "", "?", "AAAA", "é"])
def test_what_cannot_be_read_is_no_rhythm(stored):
    assert Rhythm.unpack(stored) is None
