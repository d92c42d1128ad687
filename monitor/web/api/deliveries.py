"""Deliveries for programs: where alerts went, and what was answered."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel, Field
from starlette.responses import StreamingResponse

from monitor.archive.activity import LedgerFilter, LedgerLine, last_deliveries
from monitor.model import DeliveryEvent
from monitor.web.api.alerts import DeliveryLine
from monitor.web.api.answers import PERIOD_PATTERN, PROBLEMS, READERS
from monitor.web.api.files import Table, TableForm, answers_with_table, table_answer
from monitor.web.api.selection import Names, Since, Until
from monitor.web.backend import Backend, Served
from monitor.web.choosing import cursor, length, written_cursor

if TYPE_CHECKING:
    from monitor.archive.browse import Cursor

router = APIRouter(tags=["deliveries"], dependencies=READERS)

# Lines of the ledger that are read at once.
PAGE = 1_000
_COLUMNS = ("at", "alert", "title", "subscriber", "channel", "event", "detail")


class LedgerEntry(DeliveryLine):
    """An event of a delivery, and the alert that was delivered."""

    alert: str
    title: str = Field(description="That of the alert's article; empty if it is not known.")


class DeliveryPage(BaseModel):
    """A page of the ledger of all deliveries, newest first."""

    deliveries: list[LedgerEntry]
    older: str | None = Field(description="`before` of the next page; null at the end.")


def _selection(
    subscriber: Names = [],  # noqa: B006 - FastAPI copies it
    event: Annotated[list[DeliveryEvent], Query(max_length=4)] = [],  # noqa: B006
    since: Since = None,
    until: Until = None,
    period: Annotated[
        str | None,
        Query(
            pattern=PERIOD_PATTERN, description="Since so long ago: hours or days, as 24h or 7d."
        ),
    ] = None,
) -> LedgerFilter:
    ago = None if period is None else datetime.now(UTC) - length(period)
    begins = [moment for moment in (since, ago) if moment is not None]
    return LedgerFilter(tuple(subscriber), tuple(event), max(begins, default=None), until)


Selection = Annotated[LedgerFilter, Depends(_selection)]


@router.get("/deliveries", responses=PROBLEMS)
def list_deliveries(
    served: Served,
    selection: Selection,
    before: Annotated[
        str | None,
        Query(pattern="^[0-9]{1,15}-[0-9a-f]{1,64}$", description="`older` of the page before."),
    ] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> DeliveryPage:
    """Lists what happened to deliveries, newest first."""
    ledger = last_deliveries(served.reader, limit, selection, after=cursor(before))
    return DeliveryPage(
        deliveries=[
            LedgerEntry(
                alert=line.alert,
                title=line.title,
                **DeliveryLine.model_validate(line.note, from_attributes=True).model_dump(),
            )
            for line in ledger.lines
        ],
        older=written_cursor(ledger.older),
    )


@router.get(
    "/deliveries/export.{form}",
    **answers_with_table("A row for each line of the ledger, newest first"),
)
async def export_deliveries(
    request: Request, served: Served, form: TableForm, selection: Selection
) -> StreamingResponse:
    """Writes all lines of a selection as a table."""
    make = partial(_table, served, selection)
    return await table_answer(request, "deliveries", form, make)


def _table(served: Backend, selection: LedgerFilter) -> Table:
    lines = _all_lines(served, selection)
    rows = (
        (line.note.at, line.alert, line.title, line.note.subscriber, line.note.channel,
         line.note.event, line.note.detail)
        for line in lines
    )  # fmt: skip
    return Table(_COLUMNS, rows)


def _all_lines(served: Backend, selection: LedgerFilter) -> Iterator[LedgerLine]:
    after: Cursor | None = None
    while True:
        ledger = last_deliveries(served.reader, PAGE, selection, after=after)
        yield from ledger.lines
        after = ledger.older
        if after is None:
            return
