"""Mutes: what is kept from alerting, muted matches, and the forms that begin and end a mute."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, get_args
from urllib.parse import quote

from fastapi import APIRouter, Depends, Form, HTTPException, Query, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from monitor.alerts.mutes import MuteKind
from monitor.archive.muted import MutedFilter, count_muted, muted_matches
from monitor.web.access import from_our_pages
from monitor.web.backend import Served, known_alert
from monitor.web.choosing import (
    EARLIEST,
    PERIODS,
    length,
    muted_cursor,
    written_muted_cursor,
)
from monitor.web.muting import begin_mute, end_mute, mutes
from monitor.web.paging import sheet
from monitor.web.rendering import page

router = APIRouter(dependencies=[Depends(from_our_pages)])

MUTES_SHOWN, MATCHES_SHOWN = 20, 40
KINDS: tuple[MuteKind, ...] = get_args(MuteKind)
# How long a mute may hold; an empty one holds for good.
LENGTHS = {"1d": "a day", "7d": "a week", "30d": "30 days", "": "good"}


@router.get("/mutes")
def list_mutes(
    request: Request,
    served: Served,
    watchlist: Annotated[str, Query(max_length=100)] = "",
    mute: str = "",
    period: str = "30d",
    before: str = "",
    number: Annotated[int, Query(alias="page", ge=1, le=1_000_000)] = 1,
) -> HTMLResponse:
    """Shows the mutes and the muted matches, of one watchlist or all.

    With the id of a `mute`, shows only that one and its matches.
    """
    in_force = mutes(served, watchlist)
    chosen = next((each for each in in_force if each.id == mute), None)
    if mute and chosen is None:
        raise HTTPException(404, "There is no such mute, or it has ended.")
    try:
        since, after = datetime.now(UTC) - length(period), muted_cursor(before)
    except ValueError as error:
        raise HTTPException(422, f"{error}.") from error
    selection = MutedFilter(
        since=max(since, EARLIEST), watchlists=(watchlist,) if watchlist else (), mute=chosen
    )
    listed = muted_matches(served.reader, selection, after=after, limit=MATCHES_SHOWN)
    shown = sheet([chosen] if chosen else in_force, number, MUTES_SHOWN)
    return page(
        request,
        "mutes.html",
        rows=[(each, count_muted(served.reader, MutedFilter(mute=each))) for each in shown.rows],
        sheet=shown,
        chosen=chosen,
        muted=listed.matches,
        total=count_muted(served.reader, selection),
        older=written_muted_cursor(listed.older),
        watchlist=watchlist,
        period=period,
        periods=PERIODS,
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
    begin_mute(request, served, document, wanted, length(until) if until else None)
    return RedirectResponse(f"/alerts/{alert_id}?{request.url.query}", 303)


@router.post("/mutes/{mute_id}/end")
def end(
    request: Request,
    served: Served,
    mute_id: str,
    back: Annotated[str, Form(max_length=100)] = "",
    watchlist: Annotated[str, Form(max_length=100)] = "",
) -> Response:
    """Ends a mute.

    `back` is the id of the alert whose page the form was on, or else `watchlist` the name of the
    watchlist whose mutes it listed.
    """
    end_mute(request, served, mute_id)
    if back.isascii() and back.isalnum():
        return RedirectResponse(f"/alerts/{back}", 303)
    only = f"?watchlist={quote(watchlist, safe='')}" if watchlist else ""
    return RedirectResponse(f"/mutes{only}", 303)
