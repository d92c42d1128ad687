"""Matches as CSV and JSON Lines."""

import csv
import io
import json
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from monitor.reports.tables import COLUMNS, cell, write_csv, write_jsonl

FORMULA = tuple("=+-@\t\r＝＋－＠")


def written(write, *rows):
    file = io.BytesIO()
    assert write(iter(rows), file) == len(rows)
    return file.getvalue().decode()


def test_csv_has_a_header_and_a_row_for_each_match(match_row):
    header, row = csv.reader(io.StringIO(written(write_csv, match_row(title='He said "no", and'))))
    assert tuple(header) == COLUMNS
    assert dict(zip(header, row, strict=True)) == {
        "matched_at": "2026-11-23T07:00:00Z", "watchlist": "nato", "later": "no",
        "title": 'He said "no", and', "url": "https://herald.example/1", "source": "Herald",
        "site": "herald.example", "language": "en", "authors": "Jane Doe",
        "published_at": "2026-11-23T06:00:00Z", "quality": "full", "paywalled": "no", "story": "s1",
        "article": "a1", "alert": "x1",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "expected"),
    [("=HYPERLINK(1)", "'=HYPERLINK(1)"), ("-5 degrees", "'-5 degrees"), ("\t=1", "'=1"),
     ("＝1+1", "'＝1+1"), ("a; =1", "a;' =1"), ("a - b", "a - b"), ("2+2=4", "2+2=4")],
)  # fmt: skip
def test_no_cell_begins_as_a_formula(text, expected):
    assert cell(text) == expected


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    title=st.text(st.sampled_from("=+-@\t\r\n;,\"' ａ＝＋－＠x\u202e\ud800") | st.characters()),
    delimiter=st.sampled_from(",;"),
)
def test_whatever_a_title_holds_no_program_sees_a_formula(match_row, title, delimiter):
    text = written(write_csv, match_row(title=title, source=title, authors=(title,)))
    for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter):
        for value in row:
            assert not value.lstrip(" ").startswith(FORMULA)
    rows = list(csv.reader(io.StringIO(text, newline="")))
    assert [len(row) for row in rows] == [len(COLUMNS)] * 2
    # One line each, however it is read.
    assert len(text.splitlines()) == 2


def test_json_lines_keep_what_is_there_and_obey_no_terminal(match_row):
    hostile = "a\x1b[2J\u202eb"
    row = match_row(title=hostile, published_at=None, language=None, alert=None)
    text = written(write_jsonl, row)
    assert "\x1b" not in text
    assert "\u202e" not in text
    read = json.loads(text)
    assert tuple(read) == COLUMNS
    assert read["title"] == hostile
    assert (read["published_at"], read["language"], read["alert"]) == (None, None, None)
    assert read["authors"] == ["Jane Doe"]
    assert read["later"] is False


def test_dates_outside_of_what_spreadsheets_know_are_written(match_row):
    text = written(write_csv, match_row(published_at=datetime(1, 1, 1, tzinfo=UTC)))
    assert "0001-01-01T00:00:00Z" in text
