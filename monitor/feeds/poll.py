"""Poll one feed: ask, parse, decide what is new, and write it all down in one transaction."""

from __future__ import annotations

import asyncio
import hashlib
import random
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import structlog

from monitor.errors import BadStatus, FeedError, FetchError
from monitor.feeds.cadence import next_poll
from monitor.feeds.entries import decide
from monitor.feeds.parse import ParsedFeed, parse
from monitor.http import HttpClient, Response
from monitor.model import Feed, FeedState, as_plain

if TYPE_CHECKING:
    from redis.client import Pipeline

    from monitor.config import Settings
    from monitor.queues import Queues
    from monitor.store import Store

ACCEPT = (
    "application/rss+xml, application/atom+xml, application/feed+json, "
    "application/xml;q=0.9, text/xml;q=0.8, */*;q=0.1"
)
NOT_MODIFIED = 304

log = structlog.stdlib.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a poll found: how many entries in all, new, and edited; or what went wrong."""

    state: FeedState
    new: int = 0
    edited: int = 0


class Poller:
    """Polls feeds; any number of polls may run at once."""

    def __init__(self, store: Store, queues: Queues, http: HttpClient, settings: Settings) -> None:
        self._store = store
        self._queues = queues
        self._http = http
        self._settings = settings
        self._rng = random.Random()  # noqa: S311 - spreads load, no secret

    async def poll(self, feed: Feed) -> Outcome:
        """Poll a feed once. What is wrong with the feed becomes part of its state, not an error."""
        before = await asyncio.to_thread(self._store.feeds.state, feed.id)
        try:
            response = await self._fetch(feed, before)
        except FetchError as error:
            retry_after = error.retry_after_s if isinstance(error, BadStatus) else None
            return await asyncio.to_thread(self._failed, feed, before, error, retry_after)
        # Parsing holds the interpreter for long on large feeds, Redis blocks: both off the loop.
        return await asyncio.to_thread(self._digest, feed, before, response)

    async def _fetch(self, feed: Feed, state: FeedState) -> Response:
        conditions = {
            "If-None-Match": state.etag,
            "If-Modified-Since": state.last_modified,
        }
        return await self._http.get(
            feed.url,
            timeout_s=self._settings.poll.timeout.total_seconds(),
            max_bytes=self._settings.poll.max_size,
            headers={name: value for name, value in conditions.items() if value},
            accept=ACCEPT,
            ok=(200, NOT_MODIFIED),
        )

    def _digest(self, feed: Feed, before: FeedState, response: Response) -> Outcome:
        now = datetime.now(UTC)
        polled = replace(before, polled_at=now, succeeded_at=now, failures=0, error=None)
        body_hash = hashlib.sha256(response.body).hexdigest()
        if response.status == NOT_MODIFIED or body_hash == before.body_hash:
            self._store.feeds.commit(feed, polled, self._next(feed, polled, now), now=now)
            log.debug("feed unchanged", feed=feed.url, status=response.status)
            return Outcome(polled)
        try:
            parsed = parse(response.body, url=response.url, headers=response.headers, now=now)
        except FeedError as error:
            return self._failed(feed, before, error, None)
        state = replace(
            polled,
            title=parsed.title or before.title,
            language=parsed.language or before.language,
            etag=response.headers.get("etag"),
            last_modified=response.headers.get("last-modified"),
            body_hash=body_hash,
            entries=len(parsed.entries),
        )
        return self._remember(feed, state, parsed, now, first=before.succeeded_at is None)

    def _remember(
        self, feed: Feed, state: FeedState, parsed: ParsedFeed, now: datetime, *, first: bool
    ) -> Outcome:
        backfill = self._settings.backfill if first else None
        # Decided beforehand for the state, and again within the transaction on what is seen then.
        ahead = decide(parsed.entries, self._store.feeds.seen(feed.id), now=now, backfill=backfill)
        if ahead.new:
            state = replace(state, changed_at=now)
        counts = {"new": 0, "edited": 0}

        def queue_news(seen: Mapping[str, str], pipe: Pipeline) -> Mapping[str, str]:
            decision = decide(parsed.entries, seen, now=now, backfill=backfill)
            for entry, version in decision.new + decision.edited:
                self._queues.enqueue_entry(feed.id, as_plain(entry), version, pipe)
            counts.update(new=len(decision.new), edited=len(decision.edited))
            return decision.remember

        due = self._next(feed, state, now)
        self._store.feeds.commit(feed, state, due, now=now, decide=queue_news)
        level = log.info if any(counts.values()) else log.debug
        level("feed polled", feed=feed.url, entries=state.entries, **counts)
        return Outcome(state, **counts)

    def _failed(
        self, feed: Feed, before: FeedState, error: Exception, retry_after_s: float | None
    ) -> Outcome:
        now = datetime.now(UTC)
        state = replace(before, polled_at=now, failures=before.failures + 1, error=str(error))
        retry_after = None if retry_after_s is None else timedelta(seconds=retry_after_s)
        due = self._next(feed, state, now, retry_after)
        self._store.feeds.commit(feed, state, due, now=now)
        log.warning("feed failed", feed=feed.url, error=str(error), failures=state.failures)
        return Outcome(state)

    def _next(
        self, feed: Feed, state: FeedState, now: datetime, retry_after: timedelta | None = None
    ) -> datetime:
        return next_poll(
            feed, state, self._settings.poll, now=now, rng=self._rng, retry_after=retry_after
        )
