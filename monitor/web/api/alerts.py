"""Alerts for programs: lists, one alert, and all new ones as they come."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Header, HTTPException, Path, Query
from fastapi.sse import EventSourceResponse, ServerSentEvent
from pydantic import AwareDatetime, BaseModel, Field
from starlette.concurrency import run_in_threadpool

from monitor.archive.browse import AlertFilter, alerts_page
from monitor.archive.history import find_alerts, ledger
from monitor.model import Priority
from monitor.web.backend import Served
from monitor.web.choosing import cursor, written_cursor

router = APIRouter(tags=["alerts"])

# How often a connection looks for new alerts; a blocking read would hold a thread for each.
LOOK_S = 1.0
AT_ONCE = 100

AlertId = Annotated[str, Path(pattern="^[0-9a-f]{32}$", description="An alert's id.")]
Names = Annotated[list[str], Query(max_length=50)]


class AlertList(BaseModel):
    """A page of alerts, newest first."""

    alerts: list[dict[str, Any]] = Field(description="Documents of alerts, version 1.")
    older: str | None = Field(description="`before` of the next page; null at the end.")


class DeliveryLine(BaseModel):
    """An event of an alert's delivery to a subscriber."""

    at: datetime
    subscriber: str
    channel: str
    event: Literal["held", "delivered", "failed", "given up"]
    detail: str


class AlertWithDeliveries(BaseModel):
    """An alert, and where it went."""

    alert: dict[str, Any] = Field(description="The document of the alert, version 1.")
    deliveries: list[DeliveryLine]


class Problem(BaseModel):
    """What was wrong with a request."""

    detail: str


_PROBLEMS: dict[int | str, dict[str, Any]] = {
    401: {"model": Problem, "description": "Neither logged in nor a valid token"},
    503: {"model": Problem, "description": "The archive or Redis does not answer"},
}


@router.get("/alerts", responses=_PROBLEMS)
def list_alerts(
    served: Served,
    since: AwareDatetime | None = None,
    until: AwareDatetime | None = None,
    watchlist: Names = [],  # noqa: B006 - FastAPI copies it
    source: Names = [],  # noqa: B006
    priority: Annotated[list[Priority], Query(max_length=3)] = [],  # noqa: B006
    language: Names = [],  # noqa: B006
    q: Annotated[str, Query(max_length=2_000, description="A query of watchlists")] = "",
    before: Annotated[str | None, Query(description="`older` of the page before")] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> AlertList:
    """Lists alerts, newest first."""
    try:
        begin = cursor(before)
    except ValueError as error:
        raise HTTPException(422, f"{error}.") from error
    selection = AlertFilter(
        since=since,
        until=until,
        watchlists=tuple(watchlist),
        sources=tuple(source),
        priorities=tuple(priority),
        languages=tuple(language),
        query=q.strip(),
    )
    listed = alerts_page(
        served.reader,
        selection,
        after=begin,
        limit=limit,
        definitions=served.runtime.config.definitions,
    )
    return AlertList(
        alerts=[each.document for each in listed.alerts], older=written_cursor(listed.older)
    )


@router.get("/alerts/live", response_class=EventSourceResponse, responses=_PROBLEMS)
async def live_alerts(
    served: Served,
    watchlist: Names = [],  # noqa: B006
    after: Annotated[str | None, Query(pattern=r"^\d{1,20}(-\d{1,20})?$")] = None,
    last_event_id: Annotated[str | None, Header(pattern=r"^\d{1,20}(-\d{1,20})?$")] = None,
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


@router.get("/alerts/{alert_id}", responses=_PROBLEMS | {404: {"model": Problem}})
def show_alert(served: Served, alert_id: AlertId) -> AlertWithDeliveries:
    """Shows an alert, and where it was delivered."""
    found = find_alerts(served.reader, alert_id, 1)
    if not found:
        raise HTTPException(404, "There is no such alert in the archive.")
    notes = ledger(served.reader, alert_id)
    return AlertWithDeliveries(
        alert=found[0],
        deliveries=[DeliveryLine.model_validate(note, from_attributes=True) for note in notes],
    )
