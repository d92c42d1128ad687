"""Moments, as feeds and pages write them."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.articles.dates import FeedDates, published

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


def utc(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("Tue, 24 Nov 2026 10:00:00 GMT", "2026-11-24T10:00:00"),
        ("Tue, 24 Nov 2026 10:00:00 +0100", "2026-11-24T09:00:00"),
        ("Tue, 24 Nov 26 10:00 EST", "2026-11-24T15:00:00"),
        ("Tue, 24 Nov 2026 10:00:00 CET", "2026-11-24T09:00:00"),
        ("Tue, 24 Nov 2026 10:00:00 MSK", "2026-11-24T07:00:00"),
        ("Tue, 24 Nov 2026 10:00:00 JST", "2026-11-24T01:00:00"),
        ("Tue, 24 Nov 2026 10:00:00 AEDT", "2026-11-23T23:00:00"),
        ("Wed, 24 Jun 2026 10:00:00 BST", "2026-06-24T09:00:00"),
        ("Tue, 24 Nov 2026 1:55 PM EST", "2026-11-24T18:55:00"),
        ("Thu,23 Jul 2020 1:2:3 GMT+1", "2020-07-23T00:02:03"),
        ("Tue Nov 24 2026 10:00:00 GMT+0100 (CET)", "2026-11-24T09:00:00"),
        ("Fri Apr 28 19:20:36 CEST 2023", "2023-04-28T17:20:36"),
        ("1520932969", "2018-03-13T09:22:49"),
        ("1520932969000", "2018-03-13T09:22:49"),
        (1520932969, "2018-03-13T09:22:49"),
        (1520932969.0, "2018-03-13T09:22:49"),
        ("2026-11-24T10:00:00Z", "2026-11-24T10:00:00"),
        ("2026-11-24T10:00:00+01:0", "2026-11-24T09:00:00"),
        ("2026-11-24 7:00:00 -0500", "2026-11-24T12:00:00"),
        ("Di, 23 Jan 2018 10:11:12 +0100", "2018-01-23T09:11:12"),
        ("mar., 23 janv. 2018 10:11:12 +0100", "2018-01-23T09:11:12"),
        ("вт, 23 янв 2018 10:11:12 +0300", "2018-01-23T07:11:12"),
        ("Πεμ, 24 Σεπ 2026 10:00:00 +0300", "2026-09-24T07:00:00"),
    ],
)
def test_a_moment_with_a_zone_is_read_and_is_sure(written, meant):
    assert FeedDates(NOW).read(written) == (utc(meant), False)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("Tue, 24 Nov 2026 10:00:00", "2026-11-24T10:00:00"),  # no zone
        ("2026-11-24T10:00:00", "2026-11-24T10:00:00"),
        ("2026/11/24 10:00:00", "2026-11-24T10:00:00"),
        ("24.11.2026 10:00", "2026-11-24T10:00:00"),
        ("24.11.2026", "2026-11-24T00:00:00"),
        ("2026年11月24日 10:00", "2026-11-24T10:00:00"),
        ("Tue, 24 Nov 2026 10:00:00 XYZ", "2026-11-24T10:00:00"),  # a zone that nobody knows
        ("Tue, 24 Nov 2026 10:00:00 IST", "2026-11-24T04:30:00"),  # Indian, Israeli or Irish
        ("03/04/2026 10:00 GMT", "2026-04-03T10:00:00"),  # or the fourth of March
        ("Thu, 26 Nov 2026 10:00:00 GMT", "2026-11-26T10:00:00"),  # the day after tomorrow
        ("Tue, 24 Nov 1987 10:00:00 GMT", "1987-11-24T10:00:00"),
    ],
)  # fmt: skip
def test_a_doubtful_moment_is_marked_as_such(written, meant):
    assert FeedDates(NOW).read(written) == (utc(meant), True)


@pytest.mark.parametrize(
    "written",
    [
        "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "0000-00-00 00:00:00", "Wed, 30 Nov -0001 00:00:00 +0000",
        "Thu, 01 Jan 1970 00:00:00 +0000", "yesterday", "3 hours ago", "vor 9 Stunden", "now", "2026", "Nov 2026",
        "10:00", "Monday", "24", "99999999999999999999", "Tue, 31 Nov 2026 10:00:00 GMT", "", None, True, [], {},
        float("nan"), float("inf"), 10**400, -5,
    ],
)  # fmt: skip
def test_what_is_no_moment_is_none(written):
    assert FeedDates(NOW).read(written) == (None, False)


def test_the_first_date_that_can_be_read_counts():
    assert FeedDates(NOW).read("soon", None, "2026-11-24T10:00:00Z")[0] == utc(
        "2026-11-24T10:00:00"
    )


def test_a_page_whose_day_may_be_its_month_says_nothing():
    assert published(["03/04/2026 10:00"]) is None
    assert published(["03/04/2026 10:00", "2026-04-03T10:00:00Z"]) == utc("2026-04-03T10:00:00")


def test_another_claim_adds_the_zone_that_a_page_leaves_out():
    assert published(["24.11.2026 10:00", "2026-11-24T10:00:00+01:00"]) == utc(
        "2026-11-24T09:00:00"
    )


PIECES = st.sampled_from(
    "24 11 2026 Nov Di jan. 10:00 PM GMT CET +0100 / - . , T Z 年 月 日 г. 99".split()
)


@given(
    st.lists(PIECES, max_size=12).map(" ".join) | st.text(max_size=70) | st.floats() | st.integers()
)
def test_whatever_is_written_is_a_moment_with_a_zone_or_none(written):
    at, _ = FeedDates(NOW).read(written)
    assert at is None or (at.utcoffset().total_seconds() == 0 and 1700 <= at.year <= 2100)
