"""Saves a query of the bench into the configuration, after showing what changes in the file."""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Callable
from difflib import unified_diff
from typing import Annotated
from urllib.parse import urlencode

import structlog
from fastapi import APIRouter, Depends, Form, HTTPException, Request
from starlette.responses import RedirectResponse, Response

from monitor.config.additions import Change, prepare_query, prepare_watchlist
from monitor.config.values import NAME
from monitor.errors import ConfigError, PresswatchError
from monitor.model import Watchlist, content_id
from monitor.web.access import from_our_pages
from monitor.web.backend import Backend, Served
from monitor.web.pages.watchlists import configured
from monitor.web.rendering import capitalize_first, page

MAX_QUERY_LENGTH = 20_000
MAX_TITLE_LENGTH = 100
_NOT_IN_NAMES = re.compile(r"[^a-z0-9]+")
_LONGEST_NAME = 64

log = structlog.stdlib.get_logger(__name__)


def _may_edit(served: Served) -> None:
    if not served.runtime.config.settings.web.edit_watchlists:
        raise HTTPException(403, "Queries are saved in the file by hand: see edit_watchlists.")


router = APIRouter(dependencies=[Depends(from_our_pages), Depends(_may_edit)])


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
    watchlist = configured(served, name)
    if watchlist is None:
        raise HTTPException(404, f"The configuration has no watchlist {name}.")
    directory = served.runtime.config_directory
    change = _prepared(lambda: prepare_query(directory, name, q, os.environ, present=present))
    if confirmed:
        return _write(request, served, change, name)
    return page(
        request,
        "save.html",
        watchlist=watchlist,
        is_new=False,
        fields=[("q", q), ("present", present)],
        back=f"/watchlists/{name}/bench?{urlencode({'q': q})}",
        file=change.file,
        difference=_difference(change),
    )


@router.post("/watchlists")
def save_watchlist(
    request: Request,
    served: Served,
    q: Annotated[str, Form(max_length=MAX_QUERY_LENGTH)] = "",
    title: Annotated[str, Form(max_length=MAX_TITLE_LENGTH)] = "",
    subscriber: Annotated[list[str], Form()] = [],  # noqa: B006 - FastAPI copies it
    confirmed: Annotated[bool, Form()] = False,
) -> Response:
    """Asks what a new watchlist is called and whom it tells, shows what changes, or changes it."""
    back = f"/bench?{urlencode({'q': q})}"
    title = " ".join(title.split())
    if not title:
        subscribers = served.runtime.config.subscribers
        return page(request, "new_watchlist.html", query=q, subscribers=subscribers, back=back)
    name = _name(title)
    watchlist = Watchlist(
        name,
        " ".join(q.split()),
        subscribers=tuple(subscriber),
        title="" if title == name else title,
    )
    directory = served.runtime.config_directory
    change = _prepared(lambda: prepare_watchlist(directory, watchlist, os.environ))
    if confirmed:
        return _write(request, served, change, name)
    return page(
        request,
        "save.html",
        watchlist=watchlist,
        is_new=True,
        fields=[("q", q), ("title", title), *(("subscriber", each) for each in subscriber)],
        back=back,
        file=change.file,
        difference=_difference(change),
    )


def _name(title: str) -> str:
    """Makes a watchlist's name of what people call it; a title that is a name stays as it is."""
    if NAME.fullmatch(title):
        return title
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
    name = _NOT_IN_NAMES.sub("-", plain).strip("-")[:_LONGEST_NAME].rstrip("-")
    return name or f"watchlist-{content_id(title)[:6]}"


def _prepared(prepare: Callable[[], Change]) -> Change:
    try:
        return prepare()
    except ConfigError as error:
        message = f"With this query, the configuration has a fault: {error.faults[0]}"
        raise HTTPException(422, message) from error
    except PresswatchError as error:
        raise HTTPException(422, capitalize_first(f"{error}.")) from error


def _write(request: Request, served: Backend, change: Change, name: str) -> Response:
    try:
        change.write()
    except PresswatchError as error:
        raise HTTPException(422, capitalize_first(f"{error}.")) from error
    served.reload()
    by = request.state.visitor.name or None
    log.info("query saved", watchlist=name, file=str(change.file), by=by)
    return RedirectResponse(f"/watchlists/{name}?saved=true", 303)


def _difference(change: Change) -> list[str]:
    """Returns the lines of a unified diff, without its head.

    Without the lines around: they may hold what gives access to something.
    """
    before, after = (
        text.decode("utf-8-sig").splitlines() for text in (change.before, change.content)
    )
    return list(unified_diff(before, after, lineterm="", n=0))[2:]
