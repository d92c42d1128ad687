"""The bench: a query as it is typed, with what it would have found."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from fastapi import APIRouter, Depends, HTTPException, Request
from starlette.responses import HTMLResponse

from monitor.archive.volumes import Buckets
from monitor.config import Config
from monitor.config.edit import watchlist_yaml
from monitor.config.variables import escaped
from monitor.model import Watchlist
from monitor.web.access import from_our_pages
from monitor.web.backend import Backend, Served
from monitor.web.choosing import PERIODS, UNIT_NAMES, calendar_buckets
from monitor.web.pages.watchlists import configured
from monitor.web.rendering import is_part, page
from monitor.web.searching import run_search
from monitor.web.trials import Trial, try_query

router = APIRouter(dependencies=[Depends(from_our_pages)])

DEFAULT_BENCH_PERIOD = "30d"
# The name in the YAML of a watchlist that has none yet.
NEW_NAME = "new-watchlist"


@router.get("/bench")
async def new_bench(
    request: Request, served: Served, q: str = "", period: str = DEFAULT_BENCH_PERIOD
) -> HTMLResponse:
    """Tries a new query."""
    return await _bench(request, served, None, q, period)


@router.get("/watchlists/{name}/bench")
async def watchlist_bench(
    request: Request,
    served: Served,
    name: str,
    q: str | None = None,
    period: str = DEFAULT_BENCH_PERIOD,
) -> HTMLResponse:
    """Tries a query in place of a watchlist's."""
    watchlist = configured(served, name)
    if watchlist is None:
        raise HTTPException(404, f"The configuration has no watchlist {name}.")
    if q is None:
        q = served.runtime.config.shown_query(watchlist.query)
    return await _bench(request, served, watchlist, q, period)


async def _bench(
    request: Request, served: Backend, watchlist: Watchlist | None, query: str, period: str
) -> HTMLResponse:
    try:
        buckets = calendar_buckets(period, datetime.now(UTC))
    except ValueError as error:
        raise HTTPException(422, f"{error}.") from error

    config = served.runtime.config
    complete = config.complete_query(query)

    def show(is_cancelled: Callable[[], bool]) -> HTMLResponse:
        trial = (
            try_query(
                served.reader,
                complete,
                watchlist,
                config.definitions,
                buckets,
                is_cancelled,
            )
            if query.strip()
            else None
        )
        return _page(request, config, trial, watchlist, query, period, buckets)

    return await run_search(request, show)


def _page(
    request: Request,
    config: Config,
    trial: Trial | None,
    watchlist: Watchlist | None,
    query: str,
    period: str,
    buckets: Buckets,
) -> HTMLResponse:
    name = watchlist.name if watchlist else NEW_NAME
    is_hidden = trial is not None and config.hides(trial.query)
    may_edit = config.settings.web.edit_watchlists
    is_saveable = may_edit and not is_hidden
    return page(
        request,
        "bench_result.html" if is_part(request) else "bench.html",
        trial=trial,
        watchlist=watchlist,
        query=query,
        shown=config.shown_query,
        is_hidden=is_hidden,
        yaml=_yaml(config, name, query) if trial and trial.parsed else "",
        may_edit=may_edit,
        may_add=is_saveable and watchlist is None,
        may_save=is_saveable and watchlist is not None and not config.hides(watchlist.query),
        period=period,
        periods=PERIODS,
        buckets=buckets,
        unit=UNIT_NAMES[buckets.unit],
    )


def _yaml(config: Config, name: str, query: str) -> str:
    """Returns a watchlist as the file must write it, with the variables of the configuration."""
    text = watchlist_yaml(name, query)
    for _, variable in config.query_variables:
        text = text.replace(escaped(variable), variable)
    return text
