"""Alerts for programs: lists, one alert, and all new ones as they come."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable
from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Body, Depends, Header, Path, Query
from fastapi.sse import EventSourceResponse, ServerSentEvent
from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool
from typing_extensions import TypedDict

from monitor.alerts.document import whole
from monitor.archive.browse import alerts_page
from monitor.archive.history import ledger
from monitor.archive.marks import MAX_NOTE_LENGTH, UNMARKED, change_mark, marks_of
from monitor.model import DeliveryEvent
from monitor.web.access import CSRF_HEADER, from_our_pages
from monitor.web.api.answers import (
    ID_PATTERN,
    NOT_FOUND,
    PROBLEMS,
    READERS,
    VISITORS,
    AlertDocument,
    problem,
)
from monitor.web.api.selection import Names, Selection
from monitor.web.backend import Served, known_alert
from monitor.web.choosing import cursor, written_cursor

router = APIRouter(tags=["alerts"], dependencies=READERS)
# What changes something: nobody does so with a token.
changes = APIRouter(tags=["alerts"], dependencies=[*VISITORS, Depends(from_our_pages)])

# How often a connection looks for new alerts; a blocking read would hold a thread for each.
LOOK_S = 1.0
AT_ONCE = 100

AlertId = Annotated[str, Path(pattern=ID_PATTERN, description="An alert's id.")]
# Redis reads larger numbers as ids, too, but never makes them.
_STREAM_ID = "^[0-9]{1,18}(-[0-9]{1,18})?$"


class AlertList(BaseModel):
    """A page of alerts, newest first."""

    alerts: list[AlertDocument]
    older: str | None = Field(description="`before` of the next page; null at the end.")


class DeliveryLine(BaseModel):
    """An event of an alert's delivery to a subscriber."""

    at: datetime
    subscriber: str
    channel: str
    event: DeliveryEvent
    detail: str


class AlertWithDeliveries(BaseModel):
    """An alert, and where it went."""

    alert: AlertDocument
    deliveries: list[DeliveryLine]


class AlertMark(BaseModel):
    """What readers noted about an alert; `relevant` is null until somebody has said so."""

    model_config = ConfigDict(from_attributes=True)

    read: bool
    starred: bool
    relevant: bool | None
    note: str


class MarkChange(TypedDict, total=False):
    """What to change of a mark; the rest stays."""

    __pydantic_config__ = ConfigDict(extra="forbid", strict=True)  # type: ignore[misc]

    read: bool
    starred: bool
    relevant: bool | None
    note: Annotated[str, Field(max_length=MAX_NOTE_LENGTH)]


@router.get("/alerts", responses=PROBLEMS, response_model_exclude_unset=True)
def list_alerts(
    served: Served,
    selection: Selection,
    before: Annotated[
        str | None,
        Query(pattern="^[0-9]{1,15}-[0-9a-f]{1,64}$", description="`older` of the page before."),
    ] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> AlertList:
    """Lists alerts, newest first."""
    listed = alerts_page(
        served.reader,
        selection,
        after=cursor(before),
        limit=limit,
        definitions=served.runtime.config.definitions,
    )
    return AlertList(
        alerts=[AlertDocument.model_validate(whole(each.document)) for each in listed.alerts],
        older=written_cursor(listed.older),
    )


@router.get("/alerts/live", response_class=EventSourceResponse, responses=PROBLEMS)
async def live_alerts(
    served: Served,
    watchlist: Names = [],  # noqa: B006
    after: Annotated[str | None, Query(pattern=_STREAM_ID)] = None,
    last_event_id: Annotated[str | None, Header(pattern=_STREAM_ID)] = None,
) -> AsyncIterable[ServerSentEvent]:
    """Sends each alert as it is published, as server-sent events.

    Resumes after `Last-Event-ID`, which browsers send by themselves, or else after the event
    `after`; without either, begins with the next alert.
    """
    store = served.runtime.store.alerts
    position = last_event_id or after
    if position is None:
        position = await run_in_threadpool(store.last_id)
    while True:
        new = await run_in_threadpool(store.after, position, AT_ONCE)
        for stream_id, document in new:
            position = stream_id
            if not watchlist or document.get("watchlist") in watchlist:
                yield ServerSentEvent(data=document, id=stream_id)
        if len(new) < AT_ONCE:
            await asyncio.sleep(LOOK_S)


@router.get("/alerts/{alert_id}", responses=PROBLEMS | NOT_FOUND, response_model_exclude_unset=True)
def show_alert(served: Served, alert_id: AlertId) -> AlertWithDeliveries:
    """Shows an alert, and where it was delivered."""
    document = known_alert(served, alert_id)
    notes = ledger(served.reader, alert_id)
    return AlertWithDeliveries(
        alert=AlertDocument.model_validate(document),
        deliveries=[DeliveryLine.model_validate(note, from_attributes=True) for note in notes],
    )


@router.get("/alerts/{alert_id}/marks", responses=PROBLEMS | NOT_FOUND)
def show_mark(served: Served, alert_id: AlertId) -> AlertMark:
    """Shows what readers noted about an alert."""
    known_alert(served, alert_id)
    mark = marks_of(served.reader, [alert_id]).get(alert_id, UNMARKED)
    return AlertMark.model_validate(mark)


@changes.patch(
    "/alerts/{alert_id}/marks",
    responses=PROBLEMS
    | NOT_FOUND
    | {
        400: problem("The body is not JSON"),
        403: problem(f"A token, or not the session's {CSRF_HEADER}"),
        413: problem("The request is too large"),
    },
)
def change_marks(
    served: Served, alert_id: AlertId, change: Annotated[MarkChange, Body()]
) -> AlertMark:
    """Changes what readers noted about an alert, for all of them.

    The header `X-CSRF-Token` must hold the token that the session's pages hold in
    `<meta name="csrf">`.
    """
    known_alert(served, alert_id)
    values: dict[str, bool | str | None] = {**change}  # type: ignore[dict-item]
    mark = change_mark(served.archive, alert_id, values, datetime.now(UTC))
    return AlertMark.model_validate(mark)
