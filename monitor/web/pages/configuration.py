"""The page of the configuration, which answers what Presswatch was told to do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Query, Request
from starlette.responses import HTMLResponse

from monitor.web.access import from_our_pages
from monitor.web.backend import Served
from monitor.web.paging import sheet
from monitor.web.rendering import page

router = APIRouter(dependencies=[Depends(from_our_pages)])

FIRST = "settings"


@router.get("/configuration")
def configuration(
    request: Request,
    served: Served,
    part: Annotated[str, Query(max_length=20)] = FIRST,
    number: Annotated[int, Query(alias="page", ge=1, le=1_000_000)] = 1,
) -> HTMLResponse:
    """Shows a part of the configuration as its author wrote it, without secrets."""
    config, written = served.runtime.config, served.written
    parts: dict[str, Sequence[Any]] = {
        FIRST: written.settings,
        "feeds": config.feeds,
        "watchlists": written.watchlists,
        "definitions": tuple(written.definitions.items()),
        "subscribers": written.subscribers,
    }
    if part not in parts:
        raise HTTPException(422, f"{part!r} is not one of {', '.join(parts)}.")
    return page(
        request,
        "configuration.html",
        part=part,
        parts={name: len(rows) for name, rows in parts.items()},
        sheet=sheet(parts[part], number),
        directory=served.runtime.config_directory,
    )
