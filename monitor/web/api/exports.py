"""Selections of alerts as files: CSV, JSON Lines, and workbooks for Excel."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import BinaryIO, Literal, get_args

from fastapi import APIRouter, Request
from starlette.responses import StreamingResponse

from monitor.archive.alert_rows import read_alerts
from monitor.archive.browse import AlertFilter
from monitor.reports.figures import MatchRow
from monitor.reports.tables import write_csv, write_jsonl
from monitor.reports.workbook import write_matches
from monitor.web.api.answers import READERS
from monitor.web.api.files import answers_with_file, file_answer
from monitor.web.api.selection import Selection
from monitor.web.backend import Backend, Served

router = APIRouter(tags=["alerts"], dependencies=READERS)

Form = Literal["csv", "jsonl", "xlsx"]
_WRITERS: dict[Form, Callable[[Iterable[MatchRow], BinaryIO], int]] = {
    "csv": write_csv,
    "jsonl": write_jsonl,
    "xlsx": write_matches,
}


@router.get(
    "/alerts/export.{form}",
    **answers_with_file("A row for each alert, newest first", get_args(Form)),
)
async def export_alerts(
    request: Request, served: Served, form: Form, selection: Selection
) -> StreamingResponse:
    """Writes all alerts of a selection as a file."""
    return await file_answer(request, "alerts", form, partial(_write, served, form, selection))


def _write(served: Backend, form: Form, selection: AlertFilter, file: BinaryIO) -> None:
    rows = read_alerts(served.reader, selection, served.runtime.config.definitions)
    _WRITERS[form](rows, file)
