"""Coverage: how much there was about each watchlist, when, where, and in which stories."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException, Query, Request
from starlette.responses import HTMLResponse, Response

from monitor.archive.volumes import Buckets, largest_stories, match_origins, match_volumes
from monitor.web.access import from_our_pages
from monitor.web.backend import Backend, Served
from monitor.web.choosing import PERIODS, UNIT_NAMES, calendar_buckets
from monitor.web.rendering import page

router = APIRouter(dependencies=[Depends(from_our_pages)])

DEFAULT_COVERAGE_PERIOD = "30d"
MOST_COMPARED = 6
OTHERS_NAME = "others"
# Watchlists to choose from; those with the most articles, where there are more.
MOST_CHOICES = 60
MOST_STORIES = 20

Names = Annotated[list[str], Query()]


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the chart, and a column of the table: a watchlist, or all others together."""

    name: str
    counts: tuple[int, ...]
    is_others: bool = False

    @property
    def total(self) -> int:
        """Returns how many articles there were."""
        return sum(self.counts)


@dataclass(frozen=True, slots=True)
class CoverageTable:
    """How many articles each watchlist matched in each bucket."""

    buckets: Buckets
    lines: tuple[Line, ...]
    # All watchlists that can be compared, those with the most articles first.
    names: tuple[str, ...]

    @property
    def compared(self) -> list[str]:
        """Returns the names of the watchlists that have a line of their own."""
        return [line.name for line in self.lines if not line.is_others]


@router.get("/coverage")
def coverage(
    request: Request,
    served: Served,
    period: str = DEFAULT_COVERAGE_PERIOD,
    watchlist: Names = [],  # noqa: B006 - FastAPI copies it
    at: str | None = None,
) -> HTMLResponse:
    """Shows the chart, the same in numbers, sources and languages, and the stories of a day."""
    table = _table(served, period, watchlist)
    buckets = table.buckets
    start = _bucket(buckets, at)
    since, until = (start, start + buckets.unit) if start else (buckets.start, buckets.until)
    compared = table.compared
    return page(
        request,
        "coverage.html",
        table=table,
        rows=list(
            zip(
                buckets.starts,
                zip(*(line.counts for line in table.lines), strict=True),
                strict=True,
            )
        )[::-1],
        chart=_chart(table),
        origins=match_origins(served.reader, buckets, compared),
        stories=largest_stories(served.reader, since, until, compared, MOST_STORIES),
        start=start,
        choices=list(dict.fromkeys([*compared, *table.names[:MOST_CHOICES]])),
        chosen=watchlist,
        most=MOST_COMPARED,
        period=period,
        periods=PERIODS,
        unit=UNIT_NAMES[buckets.unit],
        is_hourly=buckets.unit < timedelta(days=1),
    )


@router.get("/coverage.csv")
def coverage_csv(
    served: Served,
    period: str = DEFAULT_COVERAGE_PERIOD,
    watchlist: Names = [],  # noqa: B006
) -> Response:
    """Returns the table as CSV (RFC 4180), oldest first."""
    table = _table(served, period, watchlist)
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["from", *(_plain(line.name) for line in table.lines)])
    for number, start in enumerate(table.buckets.starts):
        moment = f"{start:%Y-%m-%dT%H:%M:%SZ}"
        writer.writerow([moment, *(line.counts[number] for line in table.lines)])
    name = f"presswatch-coverage-{period}.csv"
    return Response(
        text.getvalue(),
        media_type="text/csv",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


def _plain(name: str) -> str:
    """Returns a name as a spreadsheet shows it, rather than computes it."""
    return f"'{name}" if name.startswith(("=", "+", "-", "@", "\t", "\r")) else name


def _table(served: Backend, period: str, chosen: Sequence[str]) -> CoverageTable:
    """Counts for a page; raises HTTPException for an address that means nothing."""
    try:
        buckets = calendar_buckets(period, datetime.now(UTC))
    except ValueError as error:
        raise HTTPException(422, f"{error}.") from error
    if len(set(chosen)) > MOST_COMPARED:
        raise HTTPException(422, f"At most {MOST_COMPARED} watchlists can be compared.")
    counts = match_volumes(served.reader, buckets)
    configured = [each.name for each in served.runtime.config.watchlists]
    nothing = (0,) * buckets.count
    names = sorted(
        {*configured, *counts, *chosen}, key=lambda name: (-sum(counts.get(name, ())), name)
    )
    compared = list(dict.fromkeys(chosen)) or names[:MOST_COMPARED]
    lines = [Line(name, counts.get(name, nothing)) for name in compared]
    others = [each for name, each in counts.items() if name not in set(compared)]
    if others:
        lines.append(Line(OTHERS_NAME, tuple(map(sum, zip(*others, strict=True))), is_others=True))
    return CoverageTable(buckets, tuple(lines), tuple(names))


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


def _chart(table: CoverageTable) -> dict[str, object]:
    """Returns what `coverage.js` draws."""
    return {
        "starts": [int(start.timestamp()) for start in table.buckets.starts],
        "lines": [
            {"name": line.name, "counts": line.counts, "isOthers": line.is_others}
            for line in table.lines
        ],
    }
