"""The page of queues, which answers whether the work is done."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Query, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from monitor.archive.activity import AlertLag, Rates, alert_lag, rates
from monitor.errors import PresswatchError
from monitor.jobs.liveness import living
from monitor.overview.concerns import told_concerns
from monitor.overview.readiness import unready_reasons
from monitor.web.access import from_our_pages
from monitor.web.backend import Backend, Served
from monitor.web.failed_jobs import failed_jobs, settle
from monitor.web.rendering import page

router = APIRouter(dependencies=[Depends(from_our_pages)])

RATE = timedelta(hours=1)
LAG_OF = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Pace:
    """How much was done in the last hour, and how late the alerts of the last day were."""

    rates: Rates
    lag: AlertLag | None


@router.get("/queues")
def queues(
    request: Request, served: Served, done: Annotated[str, Query(max_length=100)] = ""
) -> HTMLResponse:
    """Shows whether the work is done, how much waits, and what was given up."""
    now = datetime.now(UTC)
    runtime = served.runtime
    pace, archive_error = _pace(served, now)
    depths = runtime.queues.depths()
    return page(
        request,
        "queues.html",
        reasons=unready_reasons(runtime, now),
        concerns=told_concerns(runtime.store),
        workers=len(living(runtime.redis)),
        depths=depths,
        waiting_since={kind: runtime.queues.waiting_since(kind) for kind in depths},
        backlog=runtime.store.unarchived.backlog(),
        pace=pace,
        archive_error=archive_error,
        failed=failed_jobs(served, "articles"),
        failed_deliveries=depths["deliveries"].failed,
        done=done,
    )


@router.post("/queues/failed")
def settle_jobs(
    served: Served, action: Annotated[str, Form()] = "", job: Annotated[str, Form()] = ""
) -> Response:
    """Retries or drops jobs of entries that were given up."""
    count = settle(served, "articles", action, job)
    return RedirectResponse(f"/queues?done={action}-{count}#failed", 303)


def _pace(served: Backend, now: datetime) -> tuple[Pace | None, str | None]:
    try:
        engine = served.reader
        return Pace(rates(engine, now - RATE), alert_lag(engine, now - LAG_OF)), None
    except PresswatchError as error:
        return None, str(error)
