"""Writes a report as a workbook of Excel: the figures with charts, then one row for each match.

XlsxWriter writes each row as it comes, so a workbook of a million matches needs little memory. It
is told to take no text for a formula or a link.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import closing
from datetime import UTC
from itertools import islice
from typing import Any, BinaryIO
from zoneinfo import ZoneInfo

from xlsxwriter import Workbook
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from monitor.reports.figures import Figures, MatchRow, NamedTally, Tally
from monitor.reports.tables import COLUMNS, texts
from monitor.reports.wording import period_name, step_names, with_language_names
from monitor.untrusted import mail_line

# Limits of Excel: rows of a sheet, and characters of a cell.
MAX_ROWS = 1_048_576
MAX_CHARS = 32_767
# Excel knows no date before 1900.
_FIRST_YEAR = 1900
_WIDTHS = {
    "title": 60,
    "url": 40,
    "source": 24,
    "watchlist": 20,
    "matched_at": 18,
    "published_at": 18,
}
_OPTIONS = {
    "constant_memory": True,
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
    "remove_timezone": True,
}
_ACCENT, _BEFORE = "#2B5C8A", "#B9C3CD"


def write_workbook(
    figures: Figures, rows: Iterable[MatchRow], file: BinaryIO, timezone: str
) -> int:
    """Writes a workbook; returns how many matches there were."""
    with closing(Workbook(file, _OPTIONS)) as workbook:
        return _Sheets(workbook, timezone).write(figures, rows)


def write_matches(rows: Iterable[MatchRow], file: BinaryIO) -> int:
    """Writes a workbook without figures; returns how many matches there were."""
    with closing(Workbook(file, _OPTIONS)) as workbook:
        return _Sheets(workbook, "UTC").write_matches(rows)


class _Sheets:
    """The sheets of a workbook, each written from its first row to its last."""

    def __init__(self, workbook: Workbook, timezone: str) -> None:
        self._workbook = workbook
        self._zone = ZoneInfo(timezone)
        self._timezone = timezone
        self._bold: Format = workbook.add_format({"bold": True})
        self._head: Format = workbook.add_format({"bold": True, "bottom": 1})
        self._moment: Format = workbook.add_format({"num_format": "yyyy-mm-dd hh:mm"})
        self._count: Format = workbook.add_format({"num_format": "#,##0"})

    def write(self, figures: Figures, rows: Iterable[MatchRow]) -> int:
        """Writes all sheets; returns how many matches there were."""
        self._summary(figures)
        self._over_time(figures)
        self._tallies("Watchlists", "Watchlist", figures.voices, "bar")
        self._tallies("Sources", "Source", figures.sources, "bar")
        languages = with_language_names(figures.languages)
        self._tallies("Languages", "Language", languages, "bar")
        return self.write_matches(rows)

    def _summary(self, figures: Figures) -> None:
        sheet = self._sheet("Summary", (28, 16, 24))
        period = period_name(figures.since, figures.until, self._zone)
        sheet.write_string(0, 0, "Presswatch report", self._bold)
        sheet.write_string(1, 0, f"{period} ({self._timezone})")
        self._header(sheet, 3, ("", "In the period", "In the period before"))
        named = (
            ("Articles", figures.articles),
            ("Matches", figures.matches),
            ("Alerts", figures.alerts),
            ("Stories", figures.stories),
            ("Sources", figures.source_count),
        )
        for number, (name, tally) in enumerate(named, 4):
            self._tally(sheet, number, name, tally)
        later = 4 + len(named)
        sheet.write_string(later, 0, "Matches found by looking back")
        sheet.write_number(later, 1, figures.later, self._count)

    def _over_time(self, figures: Figures) -> None:
        sheet = self._sheet("Over time", (24, 16, 24))
        self._header(sheet, 0, (f"From ({self._timezone})", "Articles", "In the period before"))
        names = step_names(figures, self._zone)
        for number, name in enumerate(names):
            sheet.write_string(number + 1, 0, name)
            sheet.write_number(number + 1, 1, figures.steps[number], self._count)
            if figures.is_compared:
                sheet.write_number(number + 1, 2, figures.steps_before[number], self._count)
        self._chart(sheet, "column", len(names), is_compared=figures.is_compared)

    def _tallies(self, name: str, column: str, tallies: Sequence[NamedTally], kind: str) -> None:
        sheet = self._sheet(name, (36, 16, 24))
        self._header(sheet, 0, (column, "Articles", "In the period before"))
        for number, each in enumerate(tallies, 1):
            self._tally(sheet, number, each.name, each.articles)
        is_compared = any(each.articles.before is not None for each in tallies)
        self._chart(sheet, kind, len(tallies), is_compared=is_compared)

    def write_matches(self, rows: Iterable[MatchRow]) -> int:
        """Writes all matches; those that do not fit into a sheet go into a further one."""
        rows = iter(rows)
        count, sheets = 0, 0
        while sheets == 0 or count == sheets * (MAX_ROWS - 1):
            sheets += 1
            sheet = self._sheet("Matches" if sheets == 1 else f"Matches {sheets}", ())
            for number, name in enumerate(COLUMNS):
                sheet.set_column(number, number, _WIDTHS.get(name, 12))
            self._header(sheet, 0, COLUMNS)
            sheet.freeze_panes(1, 0)
            for number, row in enumerate(islice(rows, MAX_ROWS - 1), 1):
                self._match(sheet, number, row)
                count += 1
        return count

    def _match(self, sheet: Worksheet, number: int, row: MatchRow) -> None:
        moments = {"matched_at": row.matched_at, "published_at": row.published_at}
        for column, (name, text) in enumerate(zip(COLUMNS, texts(row), strict=True)):
            moment = moments.get(name)
            if moment is not None and moment.year >= _FIRST_YEAR:
                sheet.write_datetime(number, column, moment.astimezone(UTC), self._moment)
            else:
                sheet.write_string(number, column, _cell(text))

    def _sheet(self, name: str, widths: Sequence[int]) -> Worksheet:
        sheet = self._workbook.add_worksheet(name)
        for number, width in enumerate(widths):
            sheet.set_column(number, number, width)
        return sheet

    def _header(self, sheet: Worksheet, row: int, names: Sequence[str]) -> None:
        for column, name in enumerate(names):
            sheet.write_string(row, column, name, self._head)

    def _tally(self, sheet: Worksheet, row: int, name: str, tally: Tally) -> None:
        sheet.write_string(row, 0, _cell(name))
        sheet.write_number(row, 1, tally.now, self._count)
        if tally.before is None:
            sheet.write_string(row, 2, "no comparison")
        else:
            sheet.write_number(row, 2, tally.before, self._count)

    def _chart(self, sheet: Worksheet, kind: str, rows: int, *, is_compared: bool) -> None:
        """Adds a chart beside the first `rows` rows below the header."""
        if not rows:
            return
        chart: Any = self._workbook.add_chart({"type": kind})
        columns = ((1, _ACCENT), (2, _BEFORE)) if is_compared else ((1, _ACCENT),)
        for column, colour in columns:
            chart.add_series(
                {
                    "name": [sheet.name, 0, column],
                    "categories": [sheet.name, 1, 0, rows, 0],
                    "values": [sheet.name, 1, column, rows, column],
                    "fill": {"color": colour},
                    "gap": 60,
                }
            )
        chart.set_legend({"position": "bottom"})
        chart.set_size({"width": 720, "height": max(288, 22 * rows if kind == "bar" else 0)})
        if kind == "bar":
            # Excel draws the first bar at the bottom otherwise.
            chart.set_y_axis({"reverse": True})
            chart.set_x_axis({"major_gridlines": {"visible": False}})
        sheet.insert_chart(0, 4, chart)


def _cell(text: str) -> str:
    return mail_line(text)[:MAX_CHARS]
