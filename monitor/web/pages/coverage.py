"""Coverage: how much there was about each watchlist, when, where, and in which stories."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal, get_args

from fastapi import APIRouter, Depends, HTTPException, Query, Request
from starlette.responses import HTMLResponse, Response

from monitor.archive.volumes import (
    Buckets,
    largest_stories,
    match_origins,
    match_volumes,
    origin_volumes,
)
from monitor.web.access import from_our_pages
from monitor.web.backend import Backend, Served
from monitor.web.choosing import PERIODS, UNIT_NAMES, calendar_buckets
from monitor.web.rendering import page

router = APIRouter(dependencies=[Depends(from_our_pages)])

DEFAULT_COVERAGE_PERIOD = "30d"
MOST_COMPARED = 6
OTHERS_NAME = "others"
UNKNOWN_NAME = "not known"
# Watchlists to choose from; those with the most articles, where there are more.
MOST_CHOICES = 60
MOST_STORIES = 20

Names = Annotated[list[str], Query()]
# What the lines of the chart are.
By = Literal["watchlist", "source", "language"]


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the chart, and a column of the table: a watchlist, source, language or others."""

    name: str
    counts: tuple[int, ...]
    is_others: bool = False

    @property
    def total(self) -> int:
        """Returns how many articles there were."""
        return sum(self.counts)


@dataclass(frozen=True, slots=True)
class CoverageTable:
    """How many articles matched in each bucket, by watchlist, source or language."""

    buckets: Buckets
    lines: tuple[Line, ...]
    # The watchlists of which sources, languages and stories are shown; if empty, all of them.
    watchlists: tuple[str, ...]
    # The watchlists to choose from, those with the most articles first.
    choices: tuple[str, ...]


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
    table = _table(served, period, watchlist, by)
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
        chart=_chart(table, is_stacked=stacked),
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


@router.get("/coverage.csv")
def coverage_csv(
    served: Served,
    period: str = DEFAULT_COVERAGE_PERIOD,
    watchlist: Names = [],  # noqa: B006
    by: By = "watchlist",
) -> Response:
    """Returns the table as CSV (RFC 4180), oldest first."""
    table = _table(served, period, watchlist, by)
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["from", *(_plain(line.name or UNKNOWN_NAME) for line in table.lines)])
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


def _table(served: Backend, period: str, chosen: Sequence[str], by: By) -> CoverageTable:
    """Counts for a page; raises HTTPException for an address that means nothing."""
    try:
        buckets = calendar_buckets(period, datetime.now(UTC))
    except ValueError as error:
        raise HTTPException(422, f"{error}.") from error
    chosen = list(dict.fromkeys(chosen))
    if len(chosen) > MOST_COMPARED:
        raise HTTPException(422, f"At most {MOST_COMPARED} watchlists can be compared.")
    of_watchlists = match_volumes(served.reader, buckets)
    configured = [each.name for each in served.runtime.config.watchlists]
    names = _largest_first({*configured, *of_watchlists, *chosen}, of_watchlists)
    choices = tuple(dict.fromkeys([*chosen, *names[:MOST_CHOICES]]))
    if by == "watchlist":
        compared = chosen or names[:MOST_COMPARED]
        lines = _lines(of_watchlists, compared, buckets)
        return CoverageTable(buckets, lines, tuple(compared), choices)
    counts = origin_volumes(served.reader, buckets, by, chosen)
    compared = _largest_first(counts, counts)[:MOST_COMPARED]
    return CoverageTable(buckets, _lines(counts, compared, buckets), tuple(chosen), choices)


def _largest_first(names: Iterable[str], counts: Mapping[str, Sequence[int]]) -> list[str]:
    return sorted(names, key=lambda name: (-sum(counts.get(name, ())), name))


def _lines(
    counts: Mapping[str, tuple[int, ...]], compared: Sequence[str], buckets: Buckets
) -> tuple[Line, ...]:
    """Returns a line for each name that is compared, and one for all others together, if any."""
    nothing = (0,) * buckets.count
    lines = [Line(name, counts.get(name, nothing)) for name in compared]
    others = [each for name, each in counts.items() if name not in set(compared)]
    if others:
        lines.append(Line(OTHERS_NAME, tuple(map(sum, zip(*others, strict=True))), is_others=True))
    return tuple(lines)


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


def _chart(table: CoverageTable, *, is_stacked: bool) -> dict[str, object]:
    """Returns what `coverage.js` draws."""
    return {
        "isStacked": is_stacked,
        "starts": [int(start.timestamp()) for start in table.buckets.starts],
        "lines": [
            {"name": line.name or UNKNOWN_NAME, "counts": line.counts, "isOthers": line.is_others}
            for line in table.lines
        ],
    }
