"""Begins and ends mutes for pages and programs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import structlog
from fastapi import HTTPException

from monitor.alerts.mutes import Mute, MuteKind, mute_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request

    from monitor.web.backend import Backend

log = structlog.stdlib.get_logger(__name__)


def mutes(served: Backend, watchlist: str = "") -> list[Mute]:
    """Returns the mutes in force of a watchlist, or of all, newest first."""
    found = served.runtime.store.mutes.all(datetime.now(UTC))
    return [mute for mute in found if watchlist in ("", mute.watchlist)]


def begin_mute(
    request: Request,
    served: Backend,
    document: Mapping[str, Any],
    kind: MuteKind,
    length: timedelta | None,
) -> Mute:
    """Mutes an alert's story or source for its watchlist, for good without a `length`.

    Raises HTTPException for an alert that no article caused.
    """
    by = request.state.visitor.name
    try:
        mute = mute_of(document, kind, now=datetime.now(UTC), length=length, by=by)
    except ValueError as error:
        raise HTTPException(422, f"{error}.") from error
    served.runtime.store.mutes.add(mute)
    until = mute.until.isoformat() if mute.until else None
    log.info(
        "watchlist muted", watchlist=mute.watchlist, kind=kind, title=mute.title, until=until, by=by
    )
    return mute


def end_mute(request: Request, served: Backend, mute_id: str) -> None:
    """Ends a mute. Raises HTTPException if it does not exist, or has been ended before."""
    if not served.runtime.store.mutes.remove(mute_id):
        raise HTTPException(404, "There is no such mute, or it has ended.")
    log.info("mute ended", mute=mute_id, by=request.state.visitor.name)
