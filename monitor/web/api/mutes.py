"""Mutes for programs: what is kept from alerting."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Body, Depends, Path
from pydantic import BaseModel, ConfigDict, Field
from typing_extensions import TypedDict

from monitor.alerts.mutes import Mute, MuteKind
from monitor.web.access import CSRF_HEADER, from_our_pages
from monitor.web.api.answers import ID_PATTERN, NOT_FOUND, PROBLEMS, READERS, VISITORS, problem
from monitor.web.backend import Served, known_alert
from monitor.web.muting import begin_mute, end_mute, mutes

router = APIRouter(tags=["mutes"], dependencies=READERS)
# What changes something: nobody does so with a token.
changes = APIRouter(tags=["mutes"], dependencies=[*VISITORS, Depends(from_our_pages)])

MOST_DAYS = 3650
_REFUSALS = PROBLEMS | NOT_FOUND | {403: problem(f"A token, or not the session's {CSRF_HEADER}")}


class MuteInForce(BaseModel):
    """A story or a source that a watchlist does not alert on; `until` is null for good."""

    model_config = ConfigDict(from_attributes=True)

    id: str
    watchlist: str
    kind: MuteKind
    subject: str = Field(description="The id of the story, or the name of the source.")
    title: str
    since: datetime
    until: datetime | None


class NewMute(TypedDict, total=False):
    """What of an alert to mute, and for how many days; without them, for good."""

    __pydantic_config__ = ConfigDict(extra="forbid", strict=True)  # type: ignore[misc]

    kind: MuteKind
    days: Annotated[float, Field(ge=0.01, le=MOST_DAYS)] | None


@router.get("/mutes", responses=PROBLEMS)
def list_mutes(served: Served) -> list[MuteInForce]:
    """Lists the mutes that have not ended, newest first."""
    return [_shown(mute) for mute in mutes(served)]


@changes.post(
    "/alerts/{alert_id}/mutes",
    responses=_REFUSALS
    | {400: problem("The body is not JSON"), 413: problem("The request is too large")},
)
def mute_alert(
    served: Served,
    alert_id: Annotated[str, Path(pattern=ID_PATTERN, description="An alert's id.")],
    wanted: Annotated[NewMute, Body()],
) -> MuteInForce:
    """Mutes an alert's story (unless `kind` says its source) for the alert's watchlist."""
    document = known_alert(served, alert_id)
    days = wanted.get("days")
    length = None if days is None else timedelta(days=days)
    return _shown(begin_mute(served, document, wanted.get("kind", "story"), length))


@changes.delete("/mutes/{mute_id}", responses=_REFUSALS, status_code=204)
def unmute(
    served: Served,
    mute_id: Annotated[str, Path(pattern=ID_PATTERN, description="A mute's id.")],
) -> None:
    """Ends a mute."""
    end_mute(served, mute_id)


def _shown(mute: Mute) -> MuteInForce:
    return MuteInForce.model_validate(mute)
