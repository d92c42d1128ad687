"""The workbook, read back by another library."""

import io
import zipfile
from datetime import UTC, datetime

from openpyxl import load_workbook

from monitor.reports import workbook
from monitor.reports.tables import COLUMNS
from monitor.reports.workbook import write_workbook


def written(figures, *rows):
    file = io.BytesIO()
    assert write_workbook(figures, iter(rows), file, "Europe/Brussels") == len(rows)
    return file


def values(sheet):
    return [
        [value for value in row if value is not None] for row in sheet.iter_rows(values_only=True)
    ]


def test_a_workbook_has_figures_charts_and_matches(figures, match_row):
    book = load_workbook(written(figures(), match_row()))
    assert book.sheetnames == [
        "Summary",
        "Over time",
        "Watchlists",
        "Sources",
        "Languages",
        "Matches",
    ]
    assert ["Articles", 12, 7] in values(book["Summary"])
    assert ["Matches found by looking back", 1] in values(book["Summary"])
    assert values(book["Over time"])[1] == ["Mon 16 Nov", 3, 1]
    assert values(book["Languages"])[1:] == [["English", 12, 7], ["unknown", 0, 0]]
    head, row = values(book["Matches"])
    assert tuple(head) == COLUMNS
    assert row[:2] == [datetime(2026, 11, 23, 7), "nato"]  # noqa: DTZ001 - Excel knows no zones
    charts = {name: len(book[name]._charts) for name in book.sheetnames}
    assert charts == {
        "Summary": 0,
        "Over time": 1,
        "Watchlists": 1,
        "Sources": 1,
        "Languages": 1,
        "Matches": 0,
    }


def test_no_text_becomes_a_formula_or_a_link(figures, match_row):
    rows = [match_row(title=text, source=text, url=text)
            for text in ("=1+1", "{=SUM(1)}", "https://evil.example/", "mailto:a@b.example", "1e9")]  # fmt: skip
    file = written(figures(title="=1+1", source="=2+2"), *rows)
    for sheet in load_workbook(file):
        for cells in sheet.iter_rows():
            for cell in cells:
                assert cell.data_type != "f", cell.value
                assert cell.hyperlink is None
    with zipfile.ZipFile(file) as archive:
        assert not any("hyperlink" in archive.read(name).decode() for name in archive.namelist())


def test_strange_texts_and_dates_do_not_break_it(figures, match_row):
    title = "x\x00\x1b\ufffe\u202e" + "long " * 20_000
    book = load_workbook(
        written(
            figures(title=title), match_row(title=title, published_at=datetime(1, 1, 1, tzinfo=UTC))
        )
    )
    (_, row) = values(book["Matches"])
    # The reader leaves the escape of what XML cannot hold as it is.
    assert len(row[3].replace("_xFFFE_", "?")) == workbook.MAX_CHARS
    assert "0001-01-01T00:00:00Z" in row


def test_without_a_comparison_and_without_coverage(figures):
    book = load_workbook(written(figures(compared=False, sources=(), languages=())))
    assert ["Articles", 12, "no comparison"] in values(book["Summary"])
    assert values(book["Matches"]) == [list(COLUMNS)]


def test_matches_that_do_not_fit_into_a_sheet_go_into_the_next(figures, match_row, monkeypatch):
    monkeypatch.setattr(workbook, "MAX_ROWS", 3)
    book = load_workbook(written(figures(), *(match_row(article=f"a{n}") for n in range(5))))
    sheets = [name for name in book.sheetnames if name.startswith("Matches")]
    assert sheets == ["Matches", "Matches 2", "Matches 3"]
    assert [len(values(book[name])) for name in sheets] == [3, 3, 2]
