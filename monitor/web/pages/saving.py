"""Saves a query of the bench into the configuration, after showing what changes in the file."""

from __future__ import annotations

import os
from difflib import unified_diff
from typing import Annotated

import structlog
from fastapi import APIRouter, Depends, Form, HTTPException, Request
from starlette.responses import RedirectResponse, Response

from monitor.config.additions import Addition, prepare_query
from monitor.errors import ConfigError, PresswatchError
from monitor.web.access import from_our_pages
from monitor.web.backend import Backend, Served
from monitor.web.pages.watchlists import configured
from monitor.web.rendering import capitalize_first, page

router = APIRouter(dependencies=[Depends(from_our_pages)])

MAX_QUERY_LENGTH = 20_000

log = structlog.stdlib.get_logger(__name__)


@router.post("/watchlists/{name}/query")
def save_query(
    request: Request,
    served: Served,
    name: str,
    q: Annotated[str, Form(max_length=MAX_QUERY_LENGTH)] = "",
    present: Annotated[str, Form(max_length=MAX_QUERY_LENGTH)] = "",
    confirmed: Annotated[bool, Form()] = False,
) -> Response:
    """Shows what would change in the file, or changes it if the visitor has seen that.

    `present` is the query that the visitor saw as the present one.
    """
    if not served.runtime.config.settings.web.edit_watchlists:
        raise HTTPException(403, "Queries are saved in the file by hand: see edit_watchlists.")
    watchlist = configured(served, name)
    if watchlist is None:
        raise HTTPException(404, f"The configuration has no watchlist {name}.")
    change = _change(served, name, q, present)
    if confirmed:
        try:
            change.write()
        except PresswatchError as error:
            raise HTTPException(422, f"{error}.") from error
        log.info("query saved", watchlist=name, file=str(change.file))
        return RedirectResponse(f"/watchlists/{name}?saved=true", 303)
    return page(
        request,
        "save.html",
        watchlist=watchlist,
        query=q,
        present=present,
        file=change.file,
        difference=_difference(change),
    )


def _change(served: Backend, name: str, query: str, present: str) -> Addition:
    directory = served.runtime.config_directory
    try:
        return prepare_query(directory, name, query, os.environ, present=present)
    except ConfigError as error:
        message = f"With this query, the configuration has a fault: {error.faults[0]}"
        raise HTTPException(422, message) from error
    except PresswatchError as error:
        raise HTTPException(422, capitalize_first(f"{error}.")) from error


def _difference(change: Addition) -> list[str]:
    """Returns the lines of a unified diff, without its head.

    Without the lines around: they may hold what gives access to something.
    """
    before, after = (
        text.decode("utf-8-sig").splitlines() for text in (change.before, change.content)
    )
    return list(unified_diff(before, after, lineterm="", n=0))[2:]
