"""The page of feeds, which answers whether any is ill."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Form, HTTPException, Query, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from monitor.archive.activity import articles_by_day
from monitor.errors import PresswatchError
from monitor.overview.feeds import HEALTHS, feed_overviews, find_feeds
from monitor.overview.readiness import NO_LEADER, has_leader
from monitor.web.access import from_our_pages
from monitor.web.backend import Backend, Served
from monitor.web.paging import sheet
from monitor.web.polling import poll_now
from monitor.web.rendering import page

router = APIRouter(dependencies=[Depends(from_our_pages)])

DAYS = 14


@router.get("/feeds")
def feeds(
    request: Request,
    served: Served,
    health: Annotated[str, Query()] = "",
    q: Annotated[str, Query(max_length=200)] = "",
    number: Annotated[int, Query(alias="page", ge=1, le=1_000_000)] = 1,
    asked: Annotated[str, Query(max_length=64)] = "",
) -> HTMLResponse:
    """Shows the feeds, ill ones first."""
    if health and health not in HEALTHS:
        raise HTTPException(422, f"{health!r} is not one of {', '.join(HEALTHS)}.")
    overviews = feed_overviews(served.runtime.config.feeds, served.runtime.store)
    found = find_feeds(overviews, q)
    counts = Counter(each.health for each in found)
    chosen = [each for each in found if health in ("", each.health)]
    chosen.sort(key=lambda each: HEALTHS.index(each.health))
    by_day, archive_error = _articles(served)
    today = int(datetime.now(UTC).timestamp()) // 86_400
    return page(
        request,
        "feeds.html",
        sheet=sheet(chosen, number),
        total=len(overviews),
        healths=Counter(each.health for each in overviews),
        counts={name: counts[name] for name in HEALTHS},
        health=health,
        words=q,
        days=lambda overview: _days(by_day.get(overview.feed.public_url, {}), today),
        has_archive=archive_error is None,
        archive_error=archive_error,
        no_polls=None if has_leader(served.runtime) else NO_LEADER,
        asked=next((each for each in overviews if asked and each.feed.id == asked), None),
    )


@router.post("/feeds/poll")
def poll(
    request: Request,
    served: Served,
    feed: Annotated[str, Form(max_length=64)] = "",
) -> Response:
    """Makes a feed due, so that a scheduler polls it."""
    poll_now(served, feed)
    kept = [pair for pair in request.query_params.multi_items() if pair[0] != "asked"]
    return RedirectResponse(f"/feeds?{urlencode([*kept, ('asked', feed)])}", 303)


def _articles(served: Backend) -> tuple[Mapping[str, Mapping[int, int]], str | None]:
    """Returns the articles of each feed by day, and why they are not known, if so."""
    since = datetime.now(UTC) - timedelta(days=DAYS)
    try:
        return articles_by_day(served.reader, since), None
    except PresswatchError as error:
        return {}, str(error)


def _days(counts: Mapping[int, int], today: int) -> list[int]:
    """Returns a feed's articles on each of the last days, today last."""
    return [counts.get(today - age, 0) for age in range(DAYS - 1, -1, -1)]
