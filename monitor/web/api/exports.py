"""Selections of alerts as files: CSV, JSON Lines, and workbooks for Excel.

A file is written to disk before it is sent. So an export takes little memory, and one that fails
halfway is an error, not a shorter file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from functools import partial
from tempfile import TemporaryFile
from typing import BinaryIO, Literal

from anyio import to_thread
from fastapi import APIRouter, Request
from starlette.responses import StreamingResponse

from monitor.archive.alert_rows import read_alerts
from monitor.archive.browse import AlertFilter
from monitor.reports.figures import MatchRow
from monitor.reports.tables import write_csv, write_jsonl
from monitor.reports.workbook import write_matches
from monitor.web.api.answers import PROBLEMS, READERS, beside_other_media
from monitor.web.api.selection import Selection
from monitor.web.backend import Backend, Served

router = APIRouter(tags=["alerts"], dependencies=READERS)

# In this process; the others wait for their turn, since more at once would keep the pages waiting.
MOST_EXPORTS = 2
_CHUNK_BYTES = 64 * 1024

Form = Literal["csv", "jsonl", "xlsx"]
_MEDIA_TYPES: dict[Form, str] = {
    "csv": "text/csv; charset=utf-8",
    "jsonl": "application/x-ndjson",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
_WRITERS: dict[Form, Callable[[Iterable[MatchRow], BinaryIO], int]] = {
    "csv": write_csv,
    "jsonl": write_jsonl,
    "xlsx": write_matches,
}
_ANSWERS = beside_other_media(PROBLEMS) | {
    200: {
        "description": "A row for each alert, newest first",
        "content": {
            media_type: {"schema": {"type": "string", "format": "binary"}}
            for media_type in _MEDIA_TYPES.values()
        },
    }
}


@router.get("/alerts/export.{form}", responses=_ANSWERS, response_class=StreamingResponse)
async def export_alerts(
    request: Request, served: Served, form: Form, selection: Selection
) -> StreamingResponse:
    """Writes all alerts of a selection as a file."""
    write = partial(_written, served, form, selection)
    file = await to_thread.run_sync(write, limiter=request.app.state.exports)
    name = f'attachment; filename="alerts.{form}"'
    return StreamingResponse(
        _chunks(file), headers={"Content-Disposition": name}, media_type=_MEDIA_TYPES[form]
    )


def _written(served: Backend, form: Form, selection: AlertFilter) -> BinaryIO:
    """Returns a file with the rows of a selection, which has no name and ends when it is closed."""
    rows = read_alerts(served.reader, selection, served.runtime.config.definitions)
    with ExitStack() as until_written:
        file = until_written.enter_context(TemporaryFile())
        _WRITERS[form](rows, file)
        file.seek(0)
        until_written.pop_all()
    return file


def _chunks(file: BinaryIO) -> Iterator[bytes]:
    with file:
        while chunk := file.read(_CHUNK_BYTES):
            yield chunk
