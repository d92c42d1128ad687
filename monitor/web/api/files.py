"""Answers with files: whole tables as CSV and JSON Lines, and what else a route writes.

A file is written to disk before it is sent. So an export takes little memory, and one that fails
halfway is an error, not a shorter file.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from tempfile import TemporaryFile
from typing import Any, BinaryIO, Literal

from anyio import CapacityLimiter, to_thread
from fastapi import Request
from starlette.responses import StreamingResponse

from monitor.alerts.build import rfc3339
from monitor.reports.tables import cell, utf8
from monitor.untrusted import terminal_json
from monitor.web.api.answers import PROBLEMS, beside_other_media

# More at once would keep the pages waiting.
MOST_EXPORTS = 2
# Large enough that `app.create` has each compressed in a thread, beside the event loop.
CHUNK_BYTES = 256 * 1024

# A workbook is compressed already.
WORKBOOK = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
MEDIA_TYPES = {
    "csv": "text/csv; charset=utf-8",
    "jsonl": "application/x-ndjson",
    "xlsx": WORKBOOK,
}
TableForm = Literal["csv", "jsonl"]
# What a cell may hold; None is an empty one.
Cell = str | int | float | datetime | Sequence[str] | None


@dataclass(frozen=True, slots=True)
class Table:
    """The names of a table's columns, and its rows, which may be read as they are written."""

    columns: Sequence[str]
    rows: Iterable[Sequence[Cell]]


def limiter() -> CapacityLimiter:
    """Returns what keeps exports to a few at once; the others wait for their turn."""
    return CapacityLimiter(MOST_EXPORTS)


def answers_with_file(description: str, forms: Iterable[str]) -> dict[str, Any]:
    """Describes a route that answers with a file in one of these forms."""
    content = {
        MEDIA_TYPES[form]: {"schema": {"type": "string", "format": "binary"}} for form in forms
    }
    answers = beside_other_media(PROBLEMS) | {200: {"description": description, "content": content}}
    return {"responses": answers, "response_class": StreamingResponse}


def answers_with_table(description: str) -> dict[str, Any]:
    """Describes a route that answers with a table."""
    return answers_with_file(description, ("csv", "jsonl"))


async def table_answer(
    request: Request, name: str, form: TableForm, make: Callable[[], Table]
) -> StreamingResponse:
    """Answers with a table, which `make` returns when it is this export's turn."""
    return await file_answer(request, name, form, partial(_write_table, make, form))


async def file_answer(
    request: Request, name: str, form: str, write: Callable[[BinaryIO], object]
) -> StreamingResponse:
    """Answers with a file that `write` writes when it is this export's turn."""
    file = await to_thread.run_sync(_written, write, limiter=request.app.state.exports)
    disposition = f'attachment; filename="{name}.{form}"'
    return StreamingResponse(
        _chunks(file), headers={"Content-Disposition": disposition}, media_type=MEDIA_TYPES[form]
    )


def _written(write: Callable[[BinaryIO], object]) -> BinaryIO:
    """Returns a file that was written, which has no name and ends when it is closed."""
    with ExitStack() as until_written:
        file = until_written.enter_context(TemporaryFile())
        write(file)
        file.seek(0)
        until_written.pop_all()
    return file


def _chunks(file: BinaryIO) -> Iterator[bytes]:
    with file:
        while chunk := file.read(CHUNK_BYTES):
            yield chunk


def _write_table(make: Callable[[], Table], form: TableForm, file: BinaryIO) -> None:
    """Writes a table as JSON Lines, or as CSV (RFC 4180) none of whose cells is a formula."""
    table = make()
    with utf8(file) as text:
        if form == "csv":
            writer = csv.writer(text)
            writer.writerow(list(map(cell, table.columns)))
            writer.writerows(list(map(_shown, row)) for row in table.rows)
        else:
            for row in table.rows:
                named = zip(table.columns, map(_plain, row), strict=True)
                text.write(f"{terminal_json(dict(named))}\n")


def _plain(value: Cell) -> Any:
    return rfc3339(value) if isinstance(value, datetime) else value


def _shown(value: Cell) -> str | int | float:
    match value:
        case None:
            return ""
        case datetime():
            return rfc3339(value)
        case str():
            return cell(value)
        case int() | float():
            return value
        case _:
            return cell(", ".join(value))
