"""Watchlists for programs, and their alerts for feed readers."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, HTTPException, Path, Query, Request
from pydantic import BaseModel
from starlette.responses import JSONResponse, Response

from monitor.alerts.document import whole
from monitor.archive.browse import AlertFilter, alerts_page
from monitor.archive.history import AlertTally, tally_alerts
from monitor.model import OncePer, Priority, Watchlist
from monitor.web.access import TOKEN_PARAMETER
from monitor.web.api.answers import NOT_FOUND, PERIOD_PATTERN, PROBLEMS, READERS, beside_other_media
from monitor.web.api.selection import Selection
from monitor.web.backend import Backend, Served
from monitor.web.choosing import DEFAULT_PERIOD, length
from monitor.web.syndication import (
    ATOM,
    JSON_FEED,
    JsonFeed,
    Syndication,
    as_json_feed,
    syndicate,
    write_atom,
)

router = APIRouter(tags=["watchlists"], dependencies=READERS)
feeds = APIRouter(tags=["feeds of alerts"], dependencies=READERS)

# Alerts in a feed: a reader that asks daily misses none of a watchlist that finds two an hour.
FEED_LENGTH = 50

WatchlistName = Annotated[
    str,
    Path(pattern="^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$", description="The name of a watchlist."),
]


class CoveredFeeds(BaseModel):
    """The feeds that a watchlist covers; all parts that are not empty must hold."""

    names: list[str]
    tags: list[str]
    languages: list[str]


class WatchlistInUse(BaseModel):
    """A watchlist of the configuration, and how much it finds."""

    name: str
    title: str
    query: str
    priority: Priority
    once_per: OncePer
    subscribers: list[str]
    feeds: CoveredFeeds
    alerts: int
    last_alert_at: datetime | None


class WatchlistList(BaseModel):
    """All watchlists, with the alerts that each has had since a moment."""

    since: datetime
    watchlists: list[WatchlistInUse]


@router.get("/watchlists", responses=PROBLEMS)
def list_watchlists(
    served: Served,
    period: Annotated[
        str,
        Query(pattern=PERIOD_PATTERN, description="What to count: so many hours or days, as 7d."),
    ] = DEFAULT_PERIOD,
) -> WatchlistList:
    """Lists the watchlists of the configuration, and counts their alerts."""
    since = datetime.now(UTC) - length(period)
    config = served.runtime.config
    tallies = tally_alerts(served.reader, since)
    return WatchlistList(
        since=since,
        watchlists=[
            _described(watchlist, config.shown_query(watchlist.query), tallies.get(watchlist.name))
            for watchlist in config.watchlists
        ],
    )


def _described(watchlist: Watchlist, query: str, tally: AlertTally | None) -> WatchlistInUse:
    return WatchlistInUse(
        name=watchlist.name,
        title=watchlist.title,
        query=query,
        priority=watchlist.priority,
        once_per=watchlist.once_per,
        subscribers=list(watchlist.subscribers),
        feeds=CoveredFeeds.model_validate(watchlist.feeds, from_attributes=True),
        alerts=tally.alerts if tally else 0,
        last_alert_at=tally.last_at if tally else None,
    )


class AtomAnswer(Response):
    """A feed as Atom."""

    media_type = ATOM


class JsonFeedAnswer(JSONResponse):
    """A feed as JSON Feed."""

    media_type = JSON_FEED


_ANSWERS = beside_other_media(PROBLEMS) | {304: {"description": "Nothing is new"}}
_OF_WATCHLIST = _ANSWERS | beside_other_media(NOT_FOUND)
_IS_ATOM: dict[str, Any] = {"response_class": AtomAnswer}
_IS_JSON: dict[str, Any] = {"response_class": JsonFeedAnswer, "response_model": JsonFeed}


@feeds.get("/alerts/feed.atom", responses=_ANSWERS, **_IS_ATOM)
def atom_of_alerts(request: Request, served: Served, selection: Selection) -> Response:
    """Serves the newest alerts of a selection as Atom."""
    return _atom(request, _of_selection(request, served, selection))


@feeds.get("/alerts/feed.json", responses=_ANSWERS, **_IS_JSON)
def json_of_alerts(request: Request, served: Served, selection: Selection) -> Response:
    """Serves the newest alerts of a selection as JSON Feed."""
    return _json(request, _of_selection(request, served, selection))


@feeds.get("/watchlists/{name}/feed.atom", responses=_OF_WATCHLIST, **_IS_ATOM)
def atom_of_watchlist(request: Request, served: Served, name: WatchlistName) -> Response:
    """Serves the newest alerts of a watchlist as Atom."""
    return _atom(request, _of_watchlist(request, served, name))


@feeds.get("/watchlists/{name}/feed.json", responses=_OF_WATCHLIST, **_IS_JSON)
def json_of_watchlist(request: Request, served: Served, name: WatchlistName) -> Response:
    """Serves the newest alerts of a watchlist as JSON Feed."""
    return _json(request, _of_watchlist(request, served, name))


def _of_watchlist(request: Request, served: Backend, name: str) -> Syndication:
    if name not in {watchlist.name for watchlist in served.runtime.config.watchlists}:
        raise HTTPException(404, "There is no such watchlist in the configuration.")
    selection = AlertFilter(watchlists=(name,))
    return _feed(request, served, selection, [("watchlist", name)])


def _of_selection(request: Request, served: Backend, selection: AlertFilter) -> Syndication:
    chosen = [
        pair
        for pair in request.query_params.multi_items()
        if pair[0] != TOKEN_PARAMETER and pair[1]
    ]
    return _feed(request, served, selection, chosen)


def _feed(
    request: Request, served: Backend, selection: AlertFilter, chosen: list[tuple[str, str]]
) -> Syndication:
    """Makes a feed of a selection; `chosen` says what was chosen, as the page's address does."""
    listed = alerts_page(
        served.reader,
        selection,
        limit=FEED_LENGTH,
        definitions=served.runtime.config.definitions,
    )
    headings = served.runtime.config.headings
    about = ", ".join(
        headings.get(value, value) if name == "watchlist" else value for name, value in chosen
    )
    return syndicate(
        str(request.base_url),
        urlencode(sorted(chosen)),
        f"{about} · Presswatch" if about else "Presswatch",
        (whole(each.document) for each in listed.alerts),
    )


def _atom(request: Request, feed: Syndication) -> Response:
    return _unless_known(request, AtomAnswer(write_atom(feed)), feed.updated_at)


def _json(request: Request, feed: Syndication) -> Response:
    content = as_json_feed(feed).model_dump(mode="json", exclude_none=True)
    return _unless_known(request, JsonFeedAnswer(content), feed.updated_at)


def _unless_known(request: Request, answer: Response, modified: datetime | None) -> Response:
    """Returns an answer, or 304 if the reader has it already (RFC 9110, section 13)."""
    # Weak, since the same answer may be compressed on its way.
    headers = {"ETag": f'W/"{hashlib.sha256(answer.body).hexdigest()[:32]}"'}
    if modified is not None:
        headers["Last-Modified"] = format_datetime(modified, usegmt=True)
    if _is_known(request, headers["ETag"], modified):
        return Response(status_code=304, headers=headers)
    answer.headers.update(headers)
    return answer


def _is_known(request: Request, etag: str, modified: datetime | None) -> bool:
    known = request.headers.get("if-none-match")
    if known is not None:
        tags = {tag.strip().removeprefix("W/") for tag in known.split(",")}
        return "*" in tags or etag.removeprefix("W/") in tags
    # Tags tell every change; a time does not tell an alert that is archived after a newer one.
    since = request.headers.get("if-modified-since")
    if since is None or modified is None:
        return False
    try:
        return modified.replace(microsecond=0) <= parsedate_to_datetime(since)
    except (ValueError, TypeError):
        return False
