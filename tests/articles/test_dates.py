"""Moments, as feeds and pages write them."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.articles import dates
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
        ("Tue, 24 Nov 2026 10:00:00 +0530 (IST)", "2026-11-24T04:30:00"),
        ("Tue, 24 Nov 2026 10:00:00 +0800 (CST)", "2026-11-24T02:00:00"),
        (
            "Tue Nov 24 2026 10:00:00 GMT+0100 (Central European Standard Time)",
            "2026-11-24T09:00:00",
        ),
        ("2026-11-23T24:00:00Z", "2026-11-24T00:00:00"),
        ("2026-11-23T23:59:60Z", "2026-11-23T23:59:59"),
        ("2026-11-24 10:00:00 America/New_York", "2026-11-24T15:00:00"),
        ("2026-07-24 10:00:00 America/New_York", "2026-07-24T14:00:00"),
        ("2026-11-24 10.00.00 GMT", "2026-11-24T10:00:00"),
        ("3. Dezember 2025 um 10:00 CET", "2025-12-03T09:00:00"),
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
        ("Tue, 24 Nov 2026 10:00:00 AST", "2026-11-24T14:00:00"),  # Atlantic or Arabian
        ("2026-11-24 10:00:00 Nowhere/Town", "2026-11-24T10:00:00"),
        ("2026-11-24 10:00:00 America/Argentina", "2026-11-24T10:00:00"),  # a folder of zones
        ("11/24/2026 10:00", "2026-11-24T10:00:00"),
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


class Costly:
    """Stands in for dateparser, and adds up what it would take."""

    def __init__(self, monkeypatch):
        self.ms = 0
        self._read = dates._other.__wrapped__
        monkeypatch.setattr(dates, "_other", self)

    def __call__(self, text, language=""):
        stamp = self._read(text, language)
        self.ms += 2 if language else 10 if stamp else 45
        return stamp


@pytest.mark.parametrize(
    "form",
    [
        "2026-11-24T10:{:02}:{:02}+125:00",
        "26-11-24 10:{:02}:{:02} +125:00 2026",
        "{} blub 2026 {}",
        "{} de agosto de 2022 {}:00 hodina",
    ],
)
def test_no_document_costs_much_for_what_is_not_a_date(form, monkeypatch):
    costly = Costly(monkeypatch)
    feed_dates = FeedDates(NOW)
    for number in range(1_500):
        feed_dates.read(form.format(number % 60, number // 60))
    assert costly.ms <= 550


def test_what_looks_like_iso_8601_and_is_impossible_costs_nothing(monkeypatch):
    costly = Costly(monkeypatch)
    for written in ("2026-11-24T10:00:00+125:00", "2026-13-24 10:00", "2026-11-24T25:00:00Z"):
        assert FeedDates(NOW).read(written) == (None, False)
    assert costly.ms == 0


@pytest.mark.parametrize(
    "form",
    [
        "Di, {} Dez 2025 {:02}:{:02}:00 +0100",
        "{} août 2022 à {}h{:02}",
        "{}.11.2025 {}:{:02}",
        "2025年11月{}日 {}:{:02}",
    ],
)
def test_a_document_in_one_foreign_form_is_read_whole_and_cheaply(form, monkeypatch):
    costly = Costly(monkeypatch)
    feed_dates = FeedDates(NOW)
    written = [form.format(n % 28 + 1, n // 60 % 24, n % 60) for n in range(2_400)]
    assert all(feed_dates.read(text)[0] for text in written)
    assert costly.ms == 0


def test_the_language_of_the_last_odd_date_is_tried_first(monkeypatch):
    costly = Costly(monkeypatch)
    feed_dates = FeedDates(NOW)
    written = [f"{n % 28 + 1} de agosto de {2000 + n // 28} 10:00" for n in range(200)]
    assert all(feed_dates.read(text)[0] for text in written)
    assert costly.ms == 10 + 199 * 2


@pytest.mark.parametrize(
    "written",
    [
        "24.11.2025 10:00", "11/24/2025 10:00:05", "3/4/2025", "2025/11/24 10:00", "2025年11月24日",
        "2025年11月24日 10:00", "24-11-2025, 10:00 CET", "3. Dezember 2025 10:00", "Mi, 3 Dez 2025 10:00:00 +0100",
        "mar., 23 janv. 2018 10:11:12 +0100", "st, 3 pro 2025 10:00:00 +0100", "3 aralık 2025 10:00",
        "Wed, 3 Dec 2025 10:00:00 +01:00", "Wed,3 Dec 2025 4:35:5 GMT+9", "3 Dec 2025 10:00 UTC-3", "3 Dec 2025 10:00:00 GMT+05:30",
        "Wed, 3 Dec 2025 10:00:00 GMT-0330", "Wed, 3 Dec 2025", "3 December 2025", "3. Dezember 2025", "mar. 23 janv. 2018",
    ],
)  # fmt: skip
def test_the_quick_forms_mean_what_dateparser_reads(written):
    quick, slow = dates._quick(written), dates._other(written)
    assert quick._replace(language="") == slow._replace(language="")
