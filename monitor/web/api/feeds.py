"""Feeds for programs: which are ill, and why."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request
from pydantic import BaseModel, Field
from starlette.responses import StreamingResponse

from monitor.model import FeedGaps
from monitor.overview.feeds import FeedOverview, Health, Pushing, feed_overviews, find_feeds
from monitor.web.access import CSRF_HEADER, from_our_pages
from monitor.web.api.answers import NOT_FOUND, PROBLEMS, READERS, VISITORS, PublicUrl, problem
from monitor.web.api.files import Table, TableForm, answers_with_table, table_answer
from monitor.web.backend import Backend, Served, known_feed
from monitor.web.polling import poll_now

router = APIRouter(tags=["feeds"], dependencies=READERS)
# What changes something: nobody does so with a token.
changes = APIRouter(tags=["feeds"], dependencies=[*VISITORS, Depends(from_our_pages)])

OfHealth = Annotated[Health | None, Query(description="Only those of this health.")]
Words = Annotated[str, Query(max_length=200, description="Words of the name, address or tags.")]
FeedId = Annotated[str, Path(pattern="^[0-9a-f]{1,64}$", description="A feed's id.")]


class FeedGapCounts(BaseModel):
    """Polls that shared no entry with those before, so that some may be missing."""

    found: int
    filled: int = Field(description="Those whose entries were found on older pages of the feed.")
    last_at: datetime | None


class FeedInUse(BaseModel):
    """A feed of the configuration, and how it fares."""

    id: str
    url: PublicUrl
    moved_to: PublicUrl | None = Field(
        description="Where it has moved for good and is polled, in place of its configured address."
    )
    title: str | None = Field(description="Its name, or the title that it gives itself.")
    tags: list[str]
    health: Health
    problem: str | None = Field(description="What is wrong, if anything.")
    failures: int = Field(description="Failed polls in a row.")
    held_back: int = Field(description="Entries that wait for a later poll.")
    gaps: FeedGapCounts
    pushing: Pushing = Field(description="Whether a hub pushes its entries (WebSub).")
    pushed_at: datetime | None = Field(description="When the hub last pushed.")
    entries: int = Field(description="Entries that it listed last.")
    polled_at: datetime | None
    succeeded_at: datetime | None
    changed_at: datetime | None = Field(description="When it last listed something else.")
    due_at: datetime | None
    stopped_at: datetime | None = Field(
        description="When its server said that it is gone; it is polled no more."
    )


class FeedList(BaseModel):
    """Feeds in the order of the configuration; `total` counts all that were asked for."""

    feeds: list[FeedInUse]
    total: int


@router.get("/feeds", responses=PROBLEMS)
def list_feeds(
    served: Served,
    health: OfHealth = None,
    q: Words = "",
    skip: Annotated[int, Query(ge=0, le=1_000_000)] = 0,
    limit: Annotated[int, Query(ge=1, le=1_000)] = 100,
) -> FeedList:
    """Lists feeds with their health."""
    found = _chosen(served, health, q)
    return FeedList(feeds=list(map(_shown, found[skip : skip + limit])), total=len(found))


@router.get(
    "/feeds/export.{form}",
    **answers_with_table("A row for each feed, in the order of the configuration"),
)
async def export_feeds(
    request: Request, served: Served, form: TableForm, health: OfHealth = None, q: Words = ""
) -> StreamingResponse:
    """Writes all feeds that were asked for as a table."""
    return await table_answer(request, "feeds", form, partial(_table, served, health, q))


@router.get("/feeds/{feed_id}", responses=PROBLEMS | NOT_FOUND)
def show_feed(served: Served, feed_id: FeedId) -> FeedInUse:
    """Shows a feed with its health."""
    (overview,) = feed_overviews([known_feed(served, feed_id)], served.runtime.store)
    return _shown(overview)


@changes.post(
    "/feeds/{feed_id}/poll",
    status_code=202,
    responses=PROBLEMS
    | NOT_FOUND
    | {
        403: problem(f"A token, or not the session's {CSRF_HEADER}"),
        429: problem("The feed was polled just now"),
    },
)
def poll_feed(served: Served, feed_id: FeedId) -> None:
    """Makes a feed due; a scheduler polls it within seconds."""
    poll_now(served, feed_id)


def _chosen(served: Backend, health: Health | None, words: str) -> list[FeedOverview]:
    overviews = feed_overviews(served.runtime.config.feeds, served.runtime.store)
    return [each for each in find_feeds(overviews, words) if health in (None, each.health)]


def _table(served: Backend, health: Health | None, words: str) -> Table:
    feeds = map(_shown, _chosen(served, health, words))
    return Table(list(FeedInUse.model_fields), (list(each.model_dump().values()) for each in feeds))


def _shown(overview: FeedOverview) -> FeedInUse:
    feed, state = overview.feed, overview.state
    gaps = state.gaps or FeedGaps()
    return FeedInUse(
        id=feed.id,
        url=feed.public_url,
        moved_to=overview.address,
        title=overview.title,
        tags=list(feed.tags),
        health=overview.health,
        problem=(state.error if state.failures else overview.problem) or None,
        failures=state.failures,
        held_back=state.held_back,
        gaps=FeedGapCounts(found=gaps.found, filled=gaps.filled, last_at=gaps.last_at),
        pushing=overview.pushing,
        pushed_at=overview.push.pushed_at,
        entries=state.entries,
        polled_at=state.polled_at,
        succeeded_at=state.succeeded_at,
        changed_at=state.changed_at,
        due_at=overview.due_at,
        stopped_at=state.stopped_at,
    )
