"""What operators are told of, when it has lasted, once, and when it is well again."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.alerts.concerns import (
    DAYS,
    Concern,
    ConcernsState,
    Readings,
    collapse,
    decide,
    overdue,
    with_day,
)

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
ONE = Concern("page:a", "a web page is where the feed A was", "Look.")
TWO = Concern("network", "all 9 feeds fail", "Look.")
TODAY = 100


def test_a_concern_is_told_once_when_it_has_lasted_and_once_when_it_is_over():
    state = ConcernsState()
    events = []
    for minute, found in enumerate([[ONE], [ONE], [ONE, TWO], [ONE, TWO], [TWO], [TWO], []]):
        state, told, over = decide(state, found, NOW + minute * MINUTE)
        events.append((told, over))
    assert events == [
        ([], []), ([ONE], []), ([], []), ([TWO], []), ([], [ONE]), ([], []), ([], [TWO]),
    ]  # fmt: skip
    assert state.known == ()


def test_what_is_gone_at_the_next_look_is_never_told():
    state, *_ = decide(ConcernsState(), [ONE], NOW)
    state, told, over = decide(state, [], NOW + MINUTE)
    assert (told, over, state.known) == ([], [], ())


def test_a_concern_shows_what_it_says_now_and_is_known_since_it_began():
    state, *_ = decide(ConcernsState(), [ONE], NOW)
    later = Concern(ONE.key, "another title", "Another.")
    state, told, _ = decide(state, [later], NOW + MINUTE)
    assert told == [later]
    (known,) = state.told
    assert (known.concern, known.since) == (later, NOW)


def days(pattern: str) -> set[int]:
    """Returns the days before today that have an `x`; the last character is yesterday."""
    return {TODAY - len(pattern) + at for at, mark in enumerate(pattern) if mark == "x"}


@pytest.mark.parametrize(
    ("pattern", "silent"),
    [
        ("xxxxxxxxxxxxxx", 0),
        ("xxxxxxxxxxxxx.", 1),
        ("xxxxxxxxxxx...", 3),
        # At weekends, it rests.
        ("xxxxx..xxxxx..", 0),
        ("xxxxx..xxxxx..xx....", 0),
        ("xxxxx..xxxxx..xx.....", 5),
        # Seldom, at odd times: nothing can be said.
        ("x.....x.........", 0),
        ("x...x.x..x...x.x...x......", 0),
        ("", 0),
        ("..............", 0),
    ],
)
def test_what_has_a_rhythm_is_overdue_after_more_than_twice_its_longest_pause(pattern, silent):
    working = set(range(TODAY - DAYS, TODAY + 1))
    assert overdue(days(pattern), working, TODAY) == silent
    assert overdue(days(pattern) | {TODAY}, working, TODAY) == 0


def test_days_on_which_presswatch_did_not_work_are_no_silence():
    active = days("xxxxxxxxxx.......")
    assert overdue(active, active | {TODAY}, TODAY) == 0
    assert overdue(active, active | {TODAY - 1, TODAY}, TODAY) == 1


@given(st.sets(st.integers(60, 99)), st.sets(st.integers(60, 100)))
def test_more_news_never_makes_anything_overdue_today(active, working):
    assert overdue(active | {TODAY}, working, TODAY) == 0
    assert 0 <= overdue(active, working, TODAY) <= len(working)


def test_the_days_at_work_are_kept_for_as_long_as_they_matter():
    state = ConcernsState(days=(TODAY - DAYS - 1, TODAY - DAYS, TODAY - 1))
    assert with_day(with_day(state, TODAY), TODAY).days == (TODAY - DAYS, TODAY - 1, TODAY)


@pytest.mark.parametrize(
    ("usual", "late", "says"),
    [
        (Readings(100, 98, 3000), Readings(10, 10, 2500), ""),
        (Readings(100, 98, 3000), Readings(10, 10, 700), "are 23% as long as usual"),
        (Readings(100, 98, 3000), Readings(10, 1, 2900), "can no longer be read in full: 1 of"),
        # Few say little.
        (Readings(100, 98, 3000), Readings(4, 0, 100), ""),
        (Readings(19, 19, 3000), Readings(10, 0, 100), ""),
        # It was never read in full.
        (Readings(100, 3, 400), Readings(10, 0, 390), ""),
        (Readings(100, 100, 0), Readings(10, 10, 0), ""),
    ],
)
def test_articles_that_suddenly_come_shorter_or_unread_are_said_so(usual, late, says):
    said = collapse(usual, late)
    assert says in said
    assert bool(said) == bool(says)
