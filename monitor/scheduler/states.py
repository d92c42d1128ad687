"""Decides the state of a feed after a poll that succeeded; does no I/O."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from monitor.feeds.gaps import after_poll
from monitor.feeds.hubs import feed_hubs
from monitor.feeds.moves import after_answer
from monitor.feeds.pace import entries_a_day
from monitor.feeds.rhythm import rhythm_after

if TYPE_CHECKING:
    from monitor.feeds.document import Document
    from monitor.feeds.entries import Decision
    from monitor.http.client import Response
    from monitor.model import Feed, FeedState
    from monitor.store.counters import Gap

NOT_MODIFIED = 304


def after_unchanged(
    feed: Feed, previous: FeedState, response: Response, now: datetime
) -> FeedState:
    """Returns the state of a feed that has not changed."""
    state = replace(
        previous,
        polled_at=now,
        succeeded_at=now,
        failures=0,
        error=None,
        stopped_at=None,
        gaps=after_poll(previous.gaps, is_changed=False, now=now),
    )
    return _with_validators(after_answer(feed, state, response.moved_to), response)


def after_reading(
    feed: Feed,
    previous: FeedState,
    response: Response,
    document: Document,
    decision: Decision,
    *,
    body_hash: str,
    gap: Gap | None,
    now: datetime,
) -> FeedState:
    """Returns the state of a feed whose document was read; `gap` is what precedes it, if any.

    If entries were held back, or the body broke off, it has neither validators nor hash, so that
    the next poll reads the document again.
    """
    dates = [entry.dated for entry in document.entries]
    state = replace(
        previous,
        polled_at=now,
        succeeded_at=now,
        changed_at=now if decision.new else previous.changed_at,
        failures=0,
        error=None,
        stopped_at=None,
        title=document.title or previous.title,
        language=document.language or previous.language,
        entries=len(dates),
        entries_a_day=entries_a_day(dates, now),
        problem=_problem(feed, document, decision),
        held_back=decision.held_back,
        rhythm=rhythm_after(
            previous.rhythm,
            previous.succeeded_at,
            listed=dates,
            new=(entry.dated for entry in decision.new),
            now=now,
        ).pack(),
        hints=document.head.hints,
        hubs=feed_hubs(response.headers, document.head, response.url),
        gaps=after_poll(
            previous.gaps,
            is_gap=gap is not None,
            is_filled=gap == "filled",
            elapsed=now - (previous.succeeded_at or now),
            now=now,
        ),
        etag=None,
        last_modified=None,
        body_hash=None,
    )
    state = after_answer(feed, state, response.moved_to)
    if decision.held_back or response.broke_off:
        return state
    return _with_validators(replace(state, body_hash=body_hash), response)


def _problem(feed: Feed, document: Document, decision: Decision) -> str | None:
    problems = [document.problem] if document.problem else []
    if decision.passed_over:
        problems.append(
            f"{decision.passed_over} pages without a date appeared in the sitemap at once, more "
            "than a site publishes: they count as known"
        )
    return feed.shown_text("; ".join(problems)) if problems else None


def _with_validators(state: FeedState, response: Response) -> FeedState:
    """Returns a state with the validators of a response; a 304 need not repeat them."""
    etag = response.headers.get("etag")
    last_modified = response.headers.get("last-modified")
    if response.status == NOT_MODIFIED:
        etag, last_modified = etag or state.etag, last_modified or state.last_modified
    return replace(state, etag=etag, last_modified=last_modified)
