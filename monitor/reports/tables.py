"""Writes matches as CSV and JSON Lines, one row for each, as they come. Pure but for the file.

People open CSV in spreadsheets, which run a cell that begins with `=`, `+`, `-` or `@` as a
formula. An apostrophe before it makes it text. What follows a semicolon is treated in the same way:
in many countries it separates the cells of a CSV file. Tabs and line breaks become spaces.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import fields
from datetime import UTC, datetime
from io import TextIOWrapper
from typing import BinaryIO

from monitor.reports.figures import MatchRow
from monitor.untrusted import mail_line, terminal_json

COLUMNS = tuple(field.name for field in fields(MatchRow))

# Also the full-width forms, which some spreadsheets read as the others.
_FORMULA = re.compile("(^|;)(?=\\s*[=+\\-@\uff1d\uff0b\uff0d\uff20])")


def write_csv(rows: Iterable[MatchRow], file: BinaryIO) -> int:
    """Writes matches as CSV (RFC 4180), with a header; returns how many there were."""
    count = 0
    with utf8(file) as text:
        writer = csv.writer(text, quoting=csv.QUOTE_ALL)
        writer.writerow(COLUMNS)
        for count, row in enumerate(rows, 1):  # noqa: B007
            writer.writerow(list(map(cell, texts(row))))
    return count


def write_jsonl(rows: Iterable[MatchRow], file: BinaryIO) -> int:
    """Writes matches as JSON, one object a line; returns how many there were."""
    count = 0
    with utf8(file) as text:
        for count, row in enumerate(rows, 1):  # noqa: B007
            described = {name: getattr(row, name) for name in COLUMNS} | {
                "matched_at": _utc(row.matched_at),
                "published_at": _utc(row.published_at) if row.published_at else None,
            }
            text.write(f"{terminal_json(described)}\n")
    return count


@contextmanager
def utf8(file: BinaryIO) -> Iterator[TextIOWrapper]:
    """Yields a file to write text to, which stays open afterwards."""
    text = TextIOWrapper(file, "utf-8", newline="")
    try:
        yield text
    finally:
        text.detach()


def cell(text: str) -> str:
    """Returns a text as one line that no spreadsheet takes for a formula."""
    # Most cells are plain, and to look at each character takes longer than to write them.
    plain = text if text.isascii() and text.isprintable() else mail_line(text)
    return _FORMULA.sub(r"\1'", plain)


def texts(row: MatchRow) -> list[str]:
    """Returns a match's values as text, in the order of the columns."""
    return [
        _utc(row.matched_at),
        row.watchlist,
        _yes(row.later),
        row.title,
        row.url,
        row.source,
        row.site,
        row.language or "",
        ", ".join(row.authors),
        _utc(row.published_at) if row.published_at else "",
        row.quality,
        _yes(row.paywalled),
        row.story,
        row.article,
        row.alert or "",
    ]


def _yes(value: bool) -> str:
    return "yes" if value else "no"


def _utc(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
