"""Reads which alerts a request is about: the same for lists, feeds and exports."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated

from fastapi import Depends, Query
from pydantic import AwareDatetime, BeforeValidator

from monitor.archive.browse import AlertFilter, Marked
from monitor.model import Priority
from monitor.web.api.answers import PERIOD_PATTERN
from monitor.web.choosing import MOST_VALUES, length

MAX_QUERY_LENGTH = 2_000
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:", re.ASCII)

Names = Annotated[list[str], Query(max_length=MOST_VALUES)]
WatchlistQuery = Annotated[
    str,
    Query(
        max_length=MAX_QUERY_LENGTH,
        description="A query in the language of watchlists.",
        json_schema_extra={"format": "watchlist-query"},
    ),
]


def _dated(written: object) -> object:
    """Refuses what pydantic also takes for a moment, such as seconds since 1970."""
    if isinstance(written, str) and not _MOMENT.match(written):
        raise ValueError("must be a moment such as 2026-11-23T09:00:00Z")
    return written


_Moment = Annotated[AwareDatetime, BeforeValidator(_dated)]
Since = Annotated[_Moment | None, Query(description="The first moment.")]
Until = Annotated[_Moment | None, Query(description="The first moment that is too late.")]


def _selection(
    since: Since = None,
    until: Until = None,
    period: Annotated[
        str | None,
        Query(
            pattern=PERIOD_PATTERN, description="Since so long ago: hours or days, as 24h or 7d."
        ),
    ] = None,
    watchlist: Names = [],  # noqa: B006 - FastAPI copies it
    source: Names = [],  # noqa: B006
    priority: Annotated[list[Priority], Query(max_length=3)] = [],  # noqa: B006
    language: Names = [],  # noqa: B006
    show: Annotated[Marked | None, Query(description="Only alerts with this mark.")] = None,
    q: WatchlistQuery = "",
) -> AlertFilter:
    begins = [moment for moment in (since, _ago(period)) if moment is not None]
    return AlertFilter(
        since=max(begins, default=None),
        until=until,
        watchlists=tuple(watchlist),
        sources=tuple(source),
        priorities=tuple(priority),
        languages=tuple(language),
        marked=show,
        query=q.strip(),
    )


def _ago(period: str | None) -> datetime | None:
    return None if period is None else datetime.now(UTC) - length(period)


Selection = Annotated[AlertFilter, Depends(_selection)]
