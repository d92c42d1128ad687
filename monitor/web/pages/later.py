"""Matches that were found later, by looking back: a list, and each article with its evidence."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException, Query, Request
from starlette.responses import HTMLResponse

from monitor.alerts.build import termed
from monitor.archive.browse import AlertFilter, archived_article
from monitor.archive.found_later import count_later, later_page, later_watchlists
from monitor.web.access import from_our_pages
from monitor.web.backend import Served
from monitor.web.choosing import DEFAULT_PERIOD, PERIODS, alert_filter, cursor, written_cursor
from monitor.web.evidence import match_of, paragraphs, spans
from monitor.web.rendering import page

router = APIRouter(dependencies=[Depends(from_our_pages)])

PAGE_LENGTH = 50


@router.get("/later")
def later(
    request: Request, served: Served, before: Annotated[str | None, Query()] = None
) -> HTMLResponse:
    """Lists the articles, newest first."""
    try:
        selection = _selection(request)
        begin = cursor(before)
    except ValueError as error:
        raise HTTPException(422, f"{error}.") from error
    listed = later_page(served.reader, selection, after=begin, limit=PAGE_LENGTH)
    return page(
        request,
        "later.html",
        listed=listed.articles,
        total=count_later(served.reader, selection),
        older=written_cursor(listed.older),
        before=before,
        selection=selection,
        narrowed=selection.watchlists or selection.sources or selection.languages,
        period=request.query_params.get("period") or DEFAULT_PERIOD,
        periods=PERIODS,
    )


@router.get("/later/{article_id}")
def later_article(
    request: Request,
    served: Served,
    article_id: str,
    watchlist: Annotated[list[str], Query()] = [],  # noqa: B006 - FastAPI copies it
) -> HTMLResponse:
    """Shows an article with what a watchlist that matched it later finds in it."""
    names = later_watchlists(served.reader, article_id)
    article = archived_article(served.reader, article_id) if names else None
    if article is None:
        raise HTTPException(404, "No watchlist matched such an article later.")
    # The one that the list was narrowed to, if any.
    name = next((each for each in watchlist if each in names), names[0])
    match = match_of(served, name, article)
    return page(
        request,
        "later_article.html",
        article=article,
        name=name,
        names=names,
        matches=termed(match) if match else [],
        paragraphs=paragraphs(article, match),
        title_spans=spans(match, "title"),
    )


def _selection(request: Request) -> AlertFilter:
    """Returns what an address selects, of what later matches are selected by."""
    parameters = request.query_params
    lists = {name: parameters.getlist(name) for name in ("watchlist", "source", "language")}
    chosen = alert_filter(parameters, lists, datetime.now(UTC))
    return replace(chosen, priorities=(), marked=None, query="")
