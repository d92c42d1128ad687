"""Mutes: what is kept from alerting, what that held back, and the forms that begin and end it."""

from __future__ import annotations

from typing import Annotated, get_args

from fastapi import APIRouter, Depends, Form, HTTPException, Query, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from monitor.alerts.mutes import MuteKind
from monitor.archive.muted import held_back
from monitor.web.access import from_our_pages
from monitor.web.backend import Served, known_alert
from monitor.web.choosing import length
from monitor.web.muting import begin_mute, end_mute, mutes
from monitor.web.rendering import page

router = APIRouter(dependencies=[Depends(from_our_pages)])

SHOWN = 20
KINDS: tuple[MuteKind, ...] = get_args(MuteKind)
# How long a mute may hold; an empty one holds for good.
LENGTHS = {"1d": "a day", "7d": "a week", "30d": "30 days", "": "good"}


@router.get("/mutes")
def list_mutes(
    request: Request, served: Served, watchlist: Annotated[str, Query(max_length=100)] = ""
) -> HTMLResponse:
    """Shows what is muted, for one watchlist or all, with what was held back."""
    return page(
        request,
        "mutes.html",
        rows=[(mute, held_back(served.reader, mute, SHOWN)) for mute in mutes(served, watchlist)],
        watchlist=watchlist,
    )


@router.post("/alerts/{alert_id}/mutes")
def mute_alert(
    request: Request,
    served: Served,
    alert_id: str,
    kind: Annotated[str, Form()] = "",
    until: Annotated[str, Form(alias="for", max_length=10)] = "",
) -> Response:
    """Mutes an alert's story or source for its watchlist."""
    document = known_alert(served, alert_id)
    wanted = next((each for each in KINDS if each == kind), None)
    if wanted is None or until not in LENGTHS:
        raise HTTPException(422, "Say what to mute, and for how long.")
    begin_mute(served, document, wanted, length(until) if until else None)
    return RedirectResponse(f"/alerts/{alert_id}?{request.url.query}", 303)


@router.post("/mutes/{mute_id}/end")
def end(served: Served, mute_id: str, back: Annotated[str, Form(max_length=100)] = "") -> Response:
    """Ends a mute; `back` is the id of the alert whose page the form was on, if any."""
    end_mute(served, mute_id)
    return RedirectResponse(f"/alerts/{back}" if back.isalnum() else "/mutes", 303)
