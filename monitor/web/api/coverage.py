"""Coverage over time for programs."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field
from starlette.responses import StreamingResponse

from monitor.web.api.answers import PERIOD_PATTERN, PROBLEMS, READERS
from monitor.web.api.files import Table, TableForm, answers_with_table, table_answer
from monitor.web.backend import Backend, Served
from monitor.web.comparing import (
    DEFAULT_COVERAGE_PERIOD,
    MOST_COMPARED,
    UNKNOWN_NAME,
    By,
    coverage_table,
)

router = APIRouter(tags=["coverage"], dependencies=READERS)

Period = Annotated[
    str, Query(pattern=PERIOD_PATTERN, description="How long, as 24h or 30d, until now.")
]
Compared = Annotated[
    list[str],
    Query(
        max_length=MOST_COMPARED,
        description="Only these watchlists; without any, those with the most articles.",
    ),
]


class CoverageLine(BaseModel):
    """The articles of a watchlist, source or language in each step."""

    name: str = Field(description="Empty if the source or language is not known.")
    is_others: bool = Field(description="Whether it counts all that have no line of their own.")
    total: int
    counts: list[int]


class Coverage(BaseModel):
    """How many articles matched, step by step, oldest first."""

    by: By
    step_hours: int
    starts: list[datetime]
    lines: list[CoverageLine]


@router.get("/coverage", responses=PROBLEMS)
def show_coverage(
    served: Served,
    period: Period = DEFAULT_COVERAGE_PERIOD,
    watchlist: Compared = [],  # noqa: B006 - FastAPI copies it
    by: By = "watchlist",
) -> Coverage:
    """Counts the articles that matched, by watchlist, source or language."""
    table = coverage_table(served, period, watchlist, by)
    return Coverage(
        by=by,
        step_hours=int(table.buckets.unit.total_seconds()) // 3600,
        starts=table.buckets.starts,
        lines=[
            CoverageLine(
                name=line.name, is_others=line.is_others, total=line.total, counts=list(line.counts)
            )
            for line in table.lines
        ],
    )


@router.get(
    "/coverage/export.{form}",
    **answers_with_table("A row for each step, oldest first, with a column for each line"),
)
async def export_coverage(
    request: Request,
    served: Served,
    form: TableForm,
    period: Period = DEFAULT_COVERAGE_PERIOD,
    watchlist: Compared = [],  # noqa: B006
    by: By = "watchlist",
) -> StreamingResponse:
    """Writes the same as a table."""
    make = partial(_table, served, period, watchlist, by)
    return await table_answer(request, f"coverage-{period}", form, make)


def _table(served: Backend, period: str, watchlists: list[str], by: By) -> Table:
    table = coverage_table(served, period, watchlists, by)
    return Table(
        ["from", *(line.name or UNKNOWN_NAME for line in table.lines)],
        (
            [start, *(line.counts[number] for line in table.lines)]
            for number, start in enumerate(table.buckets.starts)
        ),
    )
