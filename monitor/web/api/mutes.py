"""Mutes for programs: what is kept from alerting."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Body, Depends, Path, Query, Request
from pydantic import BaseModel, ConfigDict, Field
from typing_extensions import TypedDict

from monitor.alerts.mutes import Mute, MuteKind
from monitor.archive.muted import MutedFilter, muted_matches
from monitor.web.access import CSRF_HEADER, from_our_pages
from monitor.web.api.answers import ID_PATTERN, NOT_FOUND, PROBLEMS, READERS, VISITORS, problem
from monitor.web.api.articles import StoryArticle
from monitor.web.api.selection import Names, Since
from monitor.web.backend import Served, known_alert
from monitor.web.choosing import muted_cursor, written_muted_cursor
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
    by: str = Field(description="Who muted it; empty if that is not known.")


class ArchivedMutedMatch(BaseModel):
    """A watchlist's match of an article that led to no alert because of a mute."""

    model_config = ConfigDict(from_attributes=True)

    watchlist: str
    matched_at: datetime
    story: str = Field(description="The id of the article's story.")
    article: StoryArticle


class MutedMatchList(BaseModel):
    """A page of muted matches, newest first."""

    matches: list[ArchivedMutedMatch]
    older: str | None = Field(description="`before` of the next page; null at the end.")


class NewMute(TypedDict, total=False):
    """What of an alert to mute, and for how many days; without them, for good."""

    __pydantic_config__ = ConfigDict(extra="forbid", strict=True)  # type: ignore[misc]

    kind: MuteKind
    days: Annotated[float, Field(ge=0.01, le=MOST_DAYS)] | None


@router.get("/mutes", responses=PROBLEMS)
def list_mutes(served: Served) -> list[MuteInForce]:
    """Lists the mutes that have not ended, newest first."""
    return [_shown(mute) for mute in mutes(served)]


@router.get("/matches/muted", responses=PROBLEMS)
def list_muted_matches(
    served: Served,
    since: Since = None,
    watchlist: Names = [],  # noqa: B006 - FastAPI copies it
    before: Annotated[
        str | None,
        Query(
            pattern="^[0-9]{1,15}-[0-9a-f]{1,64}-.{1,200}$",
            description="`older` of the page before.",
        ),
    ] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> MutedMatchList:
    """Lists muted matches, newest first, also those of mutes that have ended."""
    selection = MutedFilter(since=since, watchlists=tuple(watchlist))
    found = muted_matches(served.reader, selection, after=muted_cursor(before), limit=limit)
    return MutedMatchList(
        matches=[ArchivedMutedMatch.model_validate(each) for each in found.matches],
        older=written_muted_cursor(found.older),
    )


@changes.post(
    "/alerts/{alert_id}/mutes",
    responses=_REFUSALS
    | {400: problem("The body is not JSON"), 413: problem("The request is too large")},
)
def mute_alert(
    request: Request,
    served: Served,
    alert_id: Annotated[str, Path(pattern=ID_PATTERN, description="An alert's id.")],
    wanted: Annotated[NewMute, Body()],
) -> MuteInForce:
    """Mutes an alert's story (unless `kind` says its source) for the alert's watchlist."""
    document = known_alert(served, alert_id)
    days = wanted.get("days")
    length = None if days is None else timedelta(days=days)
    return _shown(begin_mute(request, served, document, wanted.get("kind", "story"), length))


@changes.delete("/mutes/{mute_id}", responses=_REFUSALS, status_code=204)
def unmute(
    request: Request,
    served: Served,
    mute_id: Annotated[str, Path(pattern=ID_PATTERN, description="A mute's id.")],
) -> None:
    """Ends a mute."""
    end_mute(request, served, mute_id)


def _shown(mute: Mute) -> MuteInForce:
    return MuteInForce.model_validate(mute)
