"""Numbers with their units and periods."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from monitor.reports.figures import Tally
from monitor.reports.periods import Period
from monitor.reports.wording import (
    compared,
    counted,
    duration,
    period_name,
    share,
    step_names,
    step_note,
)

BRUSSELS = ZoneInfo("Europe/Brussels")
WEEK = timedelta(days=7)


def test_a_change_names_its_period():
    assert compared(Tally(38, 26), WEEK) == "12 more than in the 7 days before"
    assert compared(Tally(1, 3), WEEK) == "2 fewer than in the 7 days before"
    assert compared(Tally(3, 3), WEEK) == "as many as in the 7 days before"
    assert compared(Tally(2, 1), timedelta(days=1)) == "1 more than in the day before"
    assert compared(Tally(3), WEEK) == "no comparison: the archive does not reach back 14 days"


@pytest.mark.parametrize(
    ("number", "noun", "expected"),
    [(1, "story", "1 story"), (2, "story", "2 stories"), (0, "match", "0 matches"),
     (1200, "day", "1,200 days")],
)  # fmt: skip
def test_nouns_agree_with_their_numbers(number, noun, expected):
    assert counted(number, noun) == expected


@pytest.mark.parametrize(
    ("hours", "expected"),
    [(24, "1 day"), (7 * 24, "7 days"), (28 * 24, "4 weeks"), (36, "36 hours"), (1.5, "90 minutes"),
     (169, "7 days"), (25, "25 hours"),
     (24 * 9.5 + 0.01, "9.5 days")],
)  # fmt: skip
def test_lengths_are_told_in_whole_units(hours, expected):
    assert duration(timedelta(hours=hours)) == expected


def test_a_period_of_whole_local_days_is_told_in_days():
    def name(since, until):
        return period_name(since, until, BRUSSELS)

    midnight = datetime(2026, 11, 16, tzinfo=BRUSSELS).astimezone(UTC)
    assert name(midnight, midnight + WEEK) == "16 November to 22 November 2026"
    assert name(midnight, midnight + timedelta(days=1)) == "16 November 2026"
    morning = midnight + timedelta(hours=8)
    assert name(morning, morning + WEEK) == "16 November, 08:00 to 23 November 2026, 08:00"


@pytest.mark.parametrize(
    ("length", "steps", "note"),
    [(timedelta(hours=24), 24, "by hour"), (WEEK, 7, "by day, from 08:00 to 08:00"),
     (timedelta(days=7, minutes=1), 7, "by day, from 07:59 to 07:59"),
     (timedelta(days=7, hours=2), 8, "by day, from 06:00 to 06:00"),
     (timedelta(days=365), 53, "in steps of 7 days"), (timedelta(minutes=5), 1, "by hour"),
     (timedelta(days=36500), 101, "in steps of 52 weeks")],
)  # fmt: skip
def test_a_period_has_as_many_steps_as_a_chart_can_show(figures, length, steps, note):
    until = datetime(2026, 11, 23, 7, tzinfo=UTC)
    period = Period(until - length, until)
    assert period.steps == steps
    report = figures(since=period.since, until=until, steps=(0,) * steps, steps_before=())
    assert len(step_names(report, BRUSSELS)) == steps
    if length < timedelta(days=10):
        assert step_note(report, BRUSSELS) == note


def test_a_small_share_is_not_none():
    assert [share(0, 9), share(1, 1000), share(1, 3)] == ["0 %", "under 1 %", "33 %"]
