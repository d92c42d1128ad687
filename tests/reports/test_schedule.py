"""When reports by mail are due."""

from datetime import UTC, datetime, timedelta

import pytest

from monitor.model import ReportSchedule
from monitor.reports.schedule import ReportState, decide, latest_due, period_of

WEEK = timedelta(days=7)
MONDAYS = ReportSchedule("monday", "08:00", WEEK, "Europe/Brussels")
DAILY = ReportSchedule("day", "08:00", timedelta(days=1), "Europe/Brussels")


def utc(*parts):
    return datetime(*parts, tzinfo=UTC)


def sent(schedule, *moments):
    """The dates of the reports that are sent by a process that looks at these moments."""
    state, dues = None, []
    for moment in moments:
        state, due = decide(state, schedule, moment)
        dues += [due] if due else []
    return dues


def test_a_report_is_due_on_its_weekday_by_the_local_clock():
    # 08:00 in Brussels is 07:00 UTC in winter and 06:00 in summer.
    assert latest_due(MONDAYS, utc(2026, 11, 23, 7)) == utc(2026, 11, 23, 7)
    assert latest_due(MONDAYS, utc(2026, 11, 23, 6, 59)) == utc(2026, 11, 16, 7)
    assert latest_due(MONDAYS, utc(2026, 7, 12, 23)) == utc(2026, 7, 6, 6)
    assert latest_due(DAILY, utc(2026, 11, 24, 6)) == utc(2026, 11, 23, 7)


def test_the_local_day_counts_where_it_is_not_that_of_utc():
    tokyo = ReportSchedule("monday", "03:00", WEEK, "Asia/Tokyo")
    assert latest_due(tokyo, utc(2026, 11, 22, 18)) == utc(2026, 11, 22, 18)


@pytest.mark.parametrize(
    ("day", "at", "expected"),
    [
        # Skipped in spring: an hour later. Repeated in autumn: the first of the two.
        (utc(2026, 3, 29, 12), "02:30", utc(2026, 3, 29, 1, 30)),
        (utc(2026, 10, 25, 12), "02:30", utc(2026, 10, 25, 0, 30)),
    ],
)
def test_a_change_of_the_clocks_makes_neither_none_nor_two(day, at, expected):
    schedule = ReportSchedule("day", at, timedelta(days=1), "Europe/Brussels")
    assert latest_due(schedule, day) == expected
    hours = [day - timedelta(hours=36) + timedelta(minutes=10 * number) for number in range(36 * 6)]
    assert [due.date() for due in sent(schedule, *hours)].count(day.date()) == 1


@pytest.mark.parametrize(
    "monday", [utc(2026, 3, 30, 6), utc(2026, 10, 26, 7), utc(2026, 11, 23, 7)]
)
def test_between_two_reports_no_hour_is_left_out_and_none_is_in_both(monday):
    before = latest_due(MONDAYS, monday - timedelta(minutes=1))
    assert latest_due(MONDAYS, monday) == monday
    assert period_of(MONDAYS, monday).since == before
    assert period_of(MONDAYS, monday).steps == 7


def test_a_new_report_begins_with_its_next_moment():
    assert sent(MONDAYS, utc(2026, 11, 23, 7, 30), utc(2026, 11, 29)) == []
    assert sent(MONDAYS, utc(2026, 11, 29), utc(2026, 11, 30, 7)) == [utc(2026, 11, 30, 7)]


def test_of_the_reports_that_were_missed_one_is_sent_once():
    looks = [utc(2026, 11, 16, 6), utc(2026, 11, 23, 10), utc(2026, 11, 23, 10, 1)]
    assert sent(DAILY, *looks) == [utc(2026, 11, 23, 7)]


def test_a_changed_schedule_begins_anew():
    state, _ = decide(None, MONDAYS, utc(2026, 11, 18))
    tuesdays = ReportSchedule("tuesday", "08:00", WEEK, "Europe/Brussels")
    state, due = decide(state, tuesdays, utc(2026, 11, 18))
    assert due is None
    assert decide(state, tuesdays, utc(2026, 11, 24, 7))[1] == utc(2026, 11, 24, 7)


def test_a_clock_that_was_set_back_sends_nothing_again():
    state = ReportState(decide(None, DAILY, utc(2026, 11, 23, 8))[0].schedule, utc(2026, 11, 23, 7))
    assert decide(state, DAILY, utc(2026, 11, 22, 8)) == (state, None)
