"""The page of deliveries, which answers whether the alerts arrived."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, get_args

from fastapi import APIRouter, Depends, Form, HTTPException, Query, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from monitor.archive.activity import LedgerFilter, LedgerPage, delivery_counts, last_deliveries
from monitor.archive.browse import Cursor
from monitor.errors import PresswatchError
from monitor.model import DeliveryEvent, Subscriber, SubscriberState
from monitor.web.access import from_our_pages
from monitor.web.backend import Backend, Served
from monitor.web.choosing import cursor, written_cursor
from monitor.web.failed_jobs import failed_jobs, settle
from monitor.web.rendering import page

router = APIRouter(dependencies=[Depends(from_our_pages)])

COUNTED = timedelta(hours=24)
LINES = 50
EVENTS: tuple[DeliveryEvent, ...] = get_args(DeliveryEvent)


@dataclass(frozen=True, slots=True)
class SubscriberOverview:
    """A subscriber, its state, its held alerts, and the events of a day by name."""

    subscriber: Subscriber
    state: SubscriberState
    held: int
    events: Mapping[str, int]


@router.get("/deliveries")
def deliveries(
    request: Request,
    served: Served,
    subscriber: Annotated[str, Query(max_length=200)] = "",
    event: Annotated[str, Query(max_length=20)] = "",
    before: Annotated[str | None, Query(max_length=100)] = None,
    done: Annotated[str, Query(max_length=100)] = "",
) -> HTMLResponse:
    """Shows the subscribers, what was given up, and the last deliveries."""
    events = tuple(each for each in EVENTS if each == event)
    if event and not events:
        raise HTTPException(422, f"{event!r} is not one of {', '.join(EVENTS)}.")
    try:
        begin = cursor(before)
    except ValueError as error:
        raise HTTPException(422, f"{error}.") from error
    counts, ledger, archive_error = _ledger(
        served, LedgerFilter((subscriber,) if subscriber else (), events), begin
    )
    overviews = _subscribers(served, counts)
    # Those that need help first.
    overviews.sort(key=lambda each: (each.state.paused_at is None, not each.state.failures))
    return page(
        request,
        "deliveries.html",
        subscribers=overviews,
        failed=failed_jobs(served, "deliveries"),
        lines=ledger.lines,
        before=before,
        older=written_cursor(ledger.older),
        chosen=subscriber,
        event=event,
        events=EVENTS,
        archive_error=archive_error,
        now=datetime.now(UTC),
        done=done,
    )


@router.post("/deliveries/failed")
def settle_deliveries(
    served: Served, action: Annotated[str, Form()] = "", job: Annotated[str, Form()] = ""
) -> Response:
    """Retries or drops deliveries that were given up."""
    count = settle(served, "deliveries", action, job)
    return RedirectResponse(f"/deliveries?done={action}-{count}#failed", 303)


def _subscribers(
    served: Backend, counts: Mapping[tuple[str, str], int]
) -> list[SubscriberOverview]:
    store = served.runtime.store.subscribers
    return [
        SubscriberOverview(
            subscriber,
            store.state(subscriber.name),
            store.held(subscriber.name),
            {each: counts.get((subscriber.name, each), 0) for each in EVENTS},
        )
        for subscriber in served.runtime.config.subscribers
    ]


def _ledger(
    served: Backend,
    selection: LedgerFilter,
    begin: Cursor | None,
) -> tuple[dict[tuple[str, str], int], LedgerPage, str | None]:
    """Returns the counts of a day, a page of the ledger, and why they are not known, if so."""
    try:
        engine = served.reader
        counts = delivery_counts(engine, datetime.now(UTC) - COUNTED)
        ledger = last_deliveries(engine, LINES, selection, after=begin)
    except PresswatchError as error:
        return {}, LedgerPage((), None), str(error)
    return counts, ledger, None
