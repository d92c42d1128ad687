"""Coverage: how much there was about each watchlist, when, where, and in which stories."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Annotated, get_args

from fastapi import APIRouter, Depends, HTTPException, Query, Request
from starlette.responses import HTMLResponse

from monitor.archive.volumes import Buckets, largest_stories, match_origins
from monitor.web.access import from_our_pages
from monitor.web.backend import Served
from monitor.web.choosing import PERIODS, UNIT_NAMES
from monitor.web.comparing import (
    DEFAULT_COVERAGE_PERIOD,
    MOST_COMPARED,
    UNKNOWN_NAME,
    By,
    CoverageTable,
    coverage_table,
)
from monitor.web.rendering import page

router = APIRouter(dependencies=[Depends(from_our_pages)])

MOST_STORIES = 20

Names = Annotated[list[str], Query()]


@router.get("/coverage")
def coverage(
    request: Request,
    served: Served,
    period: str = DEFAULT_COVERAGE_PERIOD,
    watchlist: Names = [],  # noqa: B006 - FastAPI copies it
    by: By = "watchlist",
    stacked: bool = False,
    at: str | None = None,
) -> HTMLResponse:
    """Shows the chart, the same in numbers, sources and languages, and the stories of a day."""
    table = coverage_table(served, period, watchlist, by)
    buckets = table.buckets
    start = _bucket(buckets, at)
    since, until = (start, start + buckets.unit) if start else (buckets.start, buckets.until)
    return page(
        request,
        "coverage.html",
        table=table,
        rows=[
            (moment, [line.counts[number] for line in table.lines])
            for number, moment in enumerate(buckets.starts)
        ][::-1],
        chart=_chart(table, by, served.runtime.config.headings, is_stacked=stacked),
        by=by,
        ways=get_args(By),
        is_stacked=stacked,
        origins=match_origins(served.reader, buckets, table.watchlists),
        stories=largest_stories(served.reader, since, until, table.watchlists, MOST_STORIES),
        start=start,
        chosen=watchlist,
        most=MOST_COMPARED,
        period=period,
        periods=PERIODS,
        unit=UNIT_NAMES[buckets.unit],
        is_hourly=buckets.unit < timedelta(days=1),
    )


def _bucket(buckets: Buckets, at: str | None) -> datetime | None:
    """Returns the start of the bucket that an address names, None if it names none."""
    if not at:
        return None
    try:
        moment = datetime.fromisoformat(at)
    except ValueError as error:
        raise HTTPException(422, f"{at!r} is not a moment.") from error
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    if not buckets.start <= moment < buckets.until:
        raise HTTPException(422, f"{at} is outside of the period; choose a longer one.")
    return buckets.start + (moment - buckets.start) // buckets.unit * buckets.unit


def _chart(
    table: CoverageTable, by: By, headings: Mapping[str, str], *, is_stacked: bool
) -> dict[str, object]:
    """Returns what `coverage.js` draws; the line of a watchlist is called by its heading."""
    names = headings if by == "watchlist" else {}
    return {
        "by": by,
        "isStacked": is_stacked,
        "starts": [int(start.timestamp()) for start in table.buckets.starts],
        "lines": [
            {
                "name": names.get(line.name, line.name) or UNKNOWN_NAME,
                "counts": line.counts,
                "isOthers": line.is_others,
            }
            for line in table.lines
        ],
    }
