"""How much a feed publishes, by the dates of what it lists."""

from datetime import UTC, datetime, timedelta

import pytest

from monitor.feeds.pace import entries_a_day

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("ages_h", "expected"),
    [
        (range(1, 25), 23),
        (range(12, 24 * 30, 12), 2),
        ([24 * 400, 24], 1 / 7),
        ([24 * 400], 0),
        ([1, -5, None], 4),
        ([None, -3], None),
        ([], None),
    ],
)
def test_entries_a_day_are_those_of_the_last_week_or_of_what_is_listed(ages_h, expected):
    dates = [None if age is None else NOW - age * HOUR for age in ages_h]
    found = entries_a_day(dates, NOW)
    assert found == (expected if expected is None else pytest.approx(expected, rel=0.1))
