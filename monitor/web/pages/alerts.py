"""The front page: alerts, newest first, and one of them to read."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, HTTPException, Query, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from monitor.alerts.document import whole
from monitor.alerts.mutes import Mute
from monitor.archive.browse import (
    AlertCounts,
    AlertFilter,
    AlertPage,
    Telling,
    alerts_page,
    archived_article,
    count_alerts,
    last_article_at,
    story_articles,
)
from monitor.archive.found_later import count_later
from monitor.archive.history import ledger
from monitor.archive.marks import MAX_NOTE_LENGTH, UNMARKED, Mark, change_mark, marks_of
from monitor.archive.muted import MutedFilter, count_muted
from monitor.errors import QueryError
from monitor.model import Article, DeliveryNote
from monitor.web.access import from_our_pages
from monitor.web.backend import Backend, Served, known_alert
from monitor.web.choosing import (
    DEFAULT_PERIOD,
    PERIODS,
    PRIORITIES,
    alert_filter,
    cursor,
    length,
    written_cursor,
)
from monitor.web.evidence import match_of, paragraphs, spans
from monitor.web.muting import mutes
from monitor.web.pages.mutes import LENGTHS
from monitor.web.rendering import is_part, page

router = APIRouter(dependencies=[Depends(from_our_pages)])

PAGE_LENGTH = 50
# With a thousand watchlists, a list of all would be most of the page.
MOST_WATCHLISTS = 30
# Feed readers show what a page offers as a list to choose from.
MOST_FEEDS = 20
LISTS = ("watchlist", "source", "priority", "language")
# What a form may change of a mark, and how.
CHANGES: dict[str, dict[str, bool | str | None]] = {
    "read": {"read": True},
    "unread": {"read": False},
    "star": {"starred": True},
    "unstar": {"starred": False},
    "relevant": {"relevant": True},
    "irrelevant": {"relevant": False, "read": True},
    "undecided": {"relevant": None},
}


@dataclass(frozen=True, slots=True)
class OpenAlert:
    """An alert with everything that the reading pane shows."""

    document: dict[str, Any]
    mark: Mark
    article: Article | None
    # Paragraphs, each with the ranges of code points to highlight.
    paragraphs: tuple[tuple[str, tuple[tuple[int, int], ...]], ...]
    title_spans: tuple[tuple[int, int], ...]
    story: tuple[Telling, ...]
    deliveries: tuple[DeliveryNote, ...]
    mutes: tuple[Mute, ...]


@router.get("/")
def alerts(
    request: Request, served: Served, before: Annotated[str | None, Query()] = None
) -> HTMLResponse:
    """Shows the list."""
    return _alerts(request, served, None, before)


@router.get("/alerts/{alert_id}")
def alert(
    request: Request,
    served: Served,
    alert_id: str,
    before: Annotated[str | None, Query()] = None,
) -> HTMLResponse:
    """Shows an alert beside the list; only the alert if a script asks for that part."""
    document = known_alert(served, alert_id)
    if is_part(request):
        # No other site can make a browser send this header, and no browser loads such a request
        # ahead: somebody reads the alert.
        change_mark(served.archive, alert_id, CHANGES["read"], _now())
        return _pane(request, served, document)
    return _alerts(request, served, document, before)


@router.post("/alerts/{alert_id}/marks")
def mark(
    request: Request,
    served: Served,
    alert_id: str,
    change: Annotated[str, Form()] = "",
    note: Annotated[str | None, Form(max_length=MAX_NOTE_LENGTH)] = None,
) -> Response:
    """Changes what is noted about an alert."""
    document = known_alert(served, alert_id)
    if change not in CHANGES and note is None:
        raise HTTPException(422, f"{change!r} is not a change of a mark.")
    values = CHANGES.get(change) or {"note": (note or "").strip()}
    change_mark(served.archive, alert_id, values, _now())
    if request.headers.get("hx-request"):
        return _pane(request, served, document)
    return RedirectResponse(f"/alerts/{alert_id}?{request.url.query}", 303)


def _pane(request: Request, served: Backend, document: dict[str, Any]) -> HTMLResponse:
    opened = _open(served, document, mutes(served))
    return page(request, "alert_pane.html", opened=opened, mute_lengths=LENGTHS)


def _open(served: Backend, document: dict[str, Any], in_force: Sequence[Mute]) -> OpenAlert:
    engine = served.reader
    article = archived_article(engine, document["article"]["id"])
    match = match_of(served, document["watchlist"], article)
    return OpenAlert(
        document=document,
        mark=marks_of(engine, [document["id"]]).get(document["id"], UNMARKED),
        article=article,
        paragraphs=paragraphs(article, match),
        title_spans=spans(match, "title"),
        story=tuple(story_articles(engine, article.story)) if article else (),
        deliveries=tuple(ledger(engine, document["id"])),
        mutes=tuple(
            mute
            for mute in in_force
            if mute.watchlist == document["watchlist"]
            and mute.subject in (document["article"]["source"], document["story"]["id"])
        ),
    )


def _now() -> datetime:
    return datetime.now(UTC)


def _alerts(
    request: Request, served: Backend, document: dict[str, Any] | None, before: str | None
) -> HTMLResponse:
    parameters = request.query_params
    now = _now()
    try:
        selection = alert_filter(
            parameters, {name: parameters.getlist(name) for name in LISTS}, now
        )
        begin = cursor(before)
    except ValueError as error:
        raise HTTPException(422, f"{error}.") from error
    engine = served.reader
    period = parameters.get("period") or DEFAULT_PERIOD
    query_error: QueryError | None = None
    try:
        listed = alerts_page(
            engine,
            selection,
            after=begin,
            limit=PAGE_LENGTH,
            definitions=served.runtime.config.definitions,
        )
    except QueryError as error:
        query_error, listed = error, AlertPage((), None)
    counts = count_alerts(engine, now - length(period), now)
    in_force = mutes(served)
    # The page of mutes shows those of one watchlist, or of all.
    watchlist = selection.watchlists[0] if len(selection.watchlists) == 1 else ""
    return page(
        request,
        "alerts.html",
        listed=listed,
        documents=[(whole(each.document), each.mark) for each in listed.alerts],
        before=before,
        older=written_cursor(listed.older),
        counts=counts,
        offered_watchlists=_offered(counts.by_watchlist, selection.watchlists),
        days=_days(counts, now, length(period).days),
        selection=selection,
        period=period,
        periods=PERIODS,
        priorities=PRIORITIES,
        query_error=query_error,
        opened=None if document is None else _open(served, document, in_force),
        mute_lengths=LENGTHS,
        muted_watchlist=watchlist,
        muted=count_muted(
            engine, MutedFilter(selection.since, selection.watchlists if watchlist else ())
        ),
        is_muting=any(watchlist in ("", mute.watchlist) for mute in in_force),
        later=count_later(engine, AlertFilter(since=now - length(period))),
        stream_position=served.runtime.store.alerts.last_id(),
        is_filtered=_is_filtered(selection),
        feed_count=len(served.runtime.config.feeds),
        last_article_at=None if listed.alerts else last_article_at(engine),
        feeds=_feeds(served, selection),
    )


def _feeds(served: Backend, selection: AlertFilter) -> list[str]:
    """Returns the watchlists whose feeds a reader of the page may want, the chosen ones first."""
    configured = [watchlist.name for watchlist in served.runtime.config.watchlists]
    chosen = [name for name in configured if name in selection.watchlists]
    return (chosen or configured)[:MOST_FEEDS]


def _offered(counted: dict[str, int], chosen: Collection[str]) -> dict[str, int]:
    """Returns the watchlists to choose from: those with the most alerts, and those chosen."""
    most = list(counted)[:MOST_WATCHLISTS]
    return {name: counted[name] for name in counted if name in most or name in chosen}


def _is_filtered(selection: AlertFilter) -> bool:
    return bool(
        selection.watchlists
        or selection.sources
        or selection.priorities
        or selection.languages
        or selection.marked
        or selection.query
    )


def _days(counts: AlertCounts, now: datetime, days: int) -> list[int]:
    """Returns alerts on each of the last days, at most 30, today last."""
    today = int(now.timestamp()) // 86_400
    return [counts.by_day.get(today - age, 0) for age in range(min(max(days, 1), 30) - 1, -1, -1)]
