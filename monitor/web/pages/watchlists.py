"""Watchlists: do the queries work? All of them in a table, and each on a page of its own."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException, Query, Request
from starlette.responses import HTMLResponse

from monitor.alerts.build import OPERATORS
from monitor.alerts.document import whole
from monitor.archive.browse import AlertFilter, alerts_page
from monitor.archive.found_later import count_later
from monitor.archive.muted import MutedFilter, count_muted
from monitor.archive.volumes import (
    AlertVolume,
    Buckets,
    alert_sources,
    alert_volumes,
    largest_stories,
)
from monitor.model import Watchlist
from monitor.watchlists.query import parse
from monitor.web.access import from_our_pages
from monitor.web.backend import Backend, Served
from monitor.web.choosing import DEFAULT_PERIOD, PERIODS, UNIT_NAMES, rolling_buckets
from monitor.web.muting import mutes
from monitor.web.rendering import page

router = APIRouter(dependencies=[Depends(from_our_pages)])

PAGE_LENGTH = 50
SOURCES = 3
MOST_SOURCES = 10
STORIES = 10
SAMPLES = 5
MUTES = 10


@dataclass(frozen=True, slots=True)
class WatchlistRow:
    """A watchlist with its volume; `watchlist` is None if only the archive still knows it."""

    name: str
    watchlist: Watchlist | None
    volume: AlertVolume
    sources: tuple[tuple[str, int], ...] = ()

    @property
    def words(self) -> str:
        """Returns what the watchlist is found by, in lower case."""
        title = self.watchlist.title if self.watchlist else ""
        return f"{self.name} {title}".casefold()


@router.get("/watchlists")
def watchlists(
    request: Request,
    served: Served,
    period: str = DEFAULT_PERIOD,
    find: str = "",
    number: Annotated[int, Query(alias="page", ge=1, le=1_000_000)] = 1,
) -> HTMLResponse:
    """Shows all watchlists, those with the most alerts first."""
    buckets = chosen_buckets(period)
    rows = _rows(served, buckets)
    wanted = [row for row in rows if find.strip().casefold() in row.words]
    shown = wanted[(number - 1) * PAGE_LENGTH : number * PAGE_LENGTH]
    sources = alert_sources(served.reader, buckets, [row.name for row in shown], SOURCES)
    shown = [replace(row, sources=tuple(sources.get(row.name, ()))) for row in shown]
    before = [row.volume.before for row in rows if row.volume.last_at]
    return page(
        request,
        "watchlists.html",
        rows=[row for row in shown if row.watchlist],
        removed=[row for row in shown if not row.watchlist],
        total=sum(row.volume.total for row in rows),
        before=sum(filter(None, before)) if before and None not in before else None,
        configured=sum(row.watchlist is not None for row in rows),
        never=sum(row.volume.last_at is None for row in rows),
        wanted=len(wanted),
        find=find,
        number=number,
        pages_left=len(wanted) > number * PAGE_LENGTH,
        period=period,
        periods=PERIODS,
        unit=UNIT_NAMES[buckets.unit],
    )


@router.get("/watchlists/{name}")
def one_watchlist(
    request: Request, served: Served, name: str, period: str = "30d", saved: bool = False
) -> HTMLResponse:
    """Shows one watchlist: its query, and what came of it."""
    buckets = chosen_buckets(period)
    volumes = alert_volumes(served.reader, buckets)
    watchlist = configured(served, name)
    if watchlist is None and (name not in volumes or name == OPERATORS):
        raise HTTPException(404, f"There is no watchlist {name}, nor alerts of one in the archive.")
    engine = served.reader
    selection = AlertFilter(since=buckets.start, watchlists=(name,))
    config = served.runtime.config
    in_force = mutes(served, name)
    return page(
        request,
        "watchlist.html",
        name=name,
        watchlist=watchlist,
        query=config.shown_query(watchlist.query) if watchlist else "",
        parsed=(
            parse(watchlist.query, config.definitions)
            if watchlist and not config.hides(watchlist.query)
            else None
        ),
        volume=volumes.get(name, nothing(buckets)),
        buckets=buckets,
        sources=alert_sources(engine, buckets, [name], MOST_SOURCES).get(name, []),
        stories=largest_stories(engine, buckets.start, buckets.until, [name], STORIES),
        samples=[
            whole(each.document) for each in alerts_page(engine, selection, limit=SAMPLES).alerts
        ],
        muted=[(mute, count_muted(engine, MutedFilter(mute=mute))) for mute in in_force[:MUTES]],
        mute_count=len(in_force),
        matches_muted=count_muted(engine, MutedFilter(since=buckets.start, watchlists=(name,))),
        later=count_later(engine, selection),
        saved=saved,
        period=period,
        periods=PERIODS,
        unit=UNIT_NAMES[buckets.unit],
    )


def chosen_buckets(period: str) -> Buckets:
    """Divides the period that a page's address names; raises HTTPException for anything else."""
    try:
        return rolling_buckets(period, datetime.now(UTC))
    except ValueError as error:
        raise HTTPException(422, f"{error}.") from error


def configured(served: Backend, name: str) -> Watchlist | None:
    """Returns the watchlist of this name, or None if the configuration has none."""
    watchlists = served.runtime.config.watchlists
    return next((each for each in watchlists if each.name == name), None)


def nothing(buckets: Buckets) -> AlertVolume:
    """Returns the volume of a watchlist that never alerted."""
    return AlertVolume((0,) * buckets.count)


def _rows(served: Backend, buckets: Buckets) -> list[WatchlistRow]:
    volumes = alert_volumes(served.reader, buckets)
    volumes.pop(OPERATORS, None)
    known = {each.name: each for each in served.runtime.config.watchlists}
    names = [*known, *(name for name in volumes if name not in known)]
    rows = [
        WatchlistRow(name, known.get(name), volumes.get(name, nothing(buckets))) for name in names
    ]
    return sorted(rows, key=lambda row: (row.watchlist is None, -row.volume.total, row.name))
