"""Polls one feed: fetches and reads it, finds new entries, and commits all in one transaction."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import structlog
from redis.exceptions import DataError, RedisError

from monitor.errors import BadStatus, FeedError, FetchError, error_kind
from monitor.executors import call_in
from monitor.feeds.cadence import next_poll
from monitor.feeds.document import Document, storable
from monitor.feeds.entries import Seen, decide, room
from monitor.feeds.fingerprint import fingerprint
from monitor.feeds.gaps import GapFound, Older, is_gap, with_older
from monitor.feeds.hints import fresh_for
from monitor.feeds.moves import address_of, after_failure
from monitor.feeds.pushes import NO_PUSH, missed
from monitor.feeds.reasons import reason
from monitor.http.client import HttpClient, Response
from monitor.http.failures import shown
from monitor.jobs.governor import Governor
from monitor.model import Feed, FeedState
from monitor.scheduler.apart import ReaderFault
from monitor.scheduler.gaps import older_entries
from monitor.scheduler.groups import GroupedCommits
from monitor.scheduler.reading import FeedReader
from monitor.scheduler.reports import PollReports
from monitor.scheduler.sitemaps import JoinedSitemaps, completed
from monitor.scheduler.states import NOT_MODIFIED, after_reading, after_unchanged
from monitor.scheduler.trust import HubTrust
from monitor.scheduler.urgency import NOTHING_URGENT, Urgency, queue_entries
from monitor.store.feeds import PollRecord, StateRecord

if TYPE_CHECKING:
    from redis.client import Pipeline

    from monitor.config import Settings
    from monitor.jobs.queues import Queues
    from monitor.store import Store
    from monitor.store.counters import Gap

ACCEPT = (
    "application/rss+xml, application/atom+xml, application/feed+json, "
    "application/xml;q=0.9, text/xml;q=0.8, */*;q=0.1"
)
GONE = 410
NEVER_READ = (
    "HTTP 304: the server says that the feed has not changed, though it was never read; "
    "if this goes on, tell the publisher"
)
# Messages of unforeseen errors may contain whole documents.
MAX_ERROR_CHARS = 300

log = structlog.stdlib.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of a poll: the feed's new state (with any error), and counts of queued entries."""

    state: FeedState
    new: int = 0
    edited: int = 0


def utc_now() -> datetime:
    """Returns the present moment."""
    return datetime.now(UTC)


class Poller:
    """Polls feeds; any number of polls may run at once.

    Access to Redis runs in `threads` and the reading of small feeds in `readers` (by default the
    event loop's), so that feeds that take long to read keep no other poll from Redis.
    """

    def __init__(
        self,
        store: Store,
        queues: Queues,
        http: HttpClient,
        settings: Settings,
        *,
        threads: Executor | None = None,
        readers: Executor | None = None,
        reports: PollReports | None = None,
        urgency: Urgency = NOTHING_URGENT,
        governor: Governor | None = None,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self._store = store
        self._queues = queues
        self._http = http
        self._settings = settings
        self._threads = threads
        self._reports = reports or PollReports()
        self._urgency = urgency
        self._governor = governor or Governor(store)
        self._clock = clock
        self._trust = HubTrust(store, settings)
        self._reader = FeedReader(readers)
        self._commits = GroupedCommits(store.feeds, threads)
        self._rng = random.Random()  # noqa: S311 - spreads load, no secret

    @property
    def unread(self) -> int:
        """Returns how many small feeds wait to be read, or are being read."""
        return self._reader.unread

    async def poll(
        self,
        feed: Feed,
        previous: FeedState | None = None,
        *,
        fetched: Callable[[], None] = lambda: None,
    ) -> Outcome:
        """Polls a feed once; calls `fetched` when no more is needed from the network.

        `previous` is its state if that is known; otherwise, it is read.

        Any error with the feed, foreseen or not, becomes part of its state and delays its next
        poll. Raises RedisError if the result cannot be written down.
        """
        if previous is None:
            previous = await call_in(self._threads, self._store.feeds.state, feed.id)
        error: Exception
        try:
            try:
                response = await self._fetch(feed, previous)
            finally:
                fetched()
            outcome = await self._take(feed, previous, response)
        except DataError as fault:
            # The fault is in the data to be written, not in Redis.
            error = fault
        except RedisError:
            raise
        except Exception as fault:  # noqa: BLE001 - it becomes part of the state and is reported
            error = fault
        else:
            if self._governor.is_suspect(feed.url):
                await call_in(self._threads, self._governor.answered, feed.url)
            self._reports.succeeded(feed, previous, outcome.state)
            return outcome
        outcome = await self._fail(feed, previous, error)
        self._reports.failed(feed, previous, outcome.state, error)
        return outcome

    async def _fetch(self, feed: Feed, state: FeedState) -> Response:
        conditions = {
            "If-None-Match": _sendable(state.etag),
            "If-Modified-Since": _sendable(state.last_modified),
        }
        sent = {name: value for name, value in conditions.items() if value}
        address = address_of(feed, state)

        async def get(url: str) -> Response:
            return await self._http.get(
                url,
                timeout_s=self._settings.poll.timeout.total_seconds(),
                max_bytes=self._settings.poll.max_size,
                headers=sent if url == address else None,
                accept=ACCEPT,
                ok=(200, NOT_MODIFIED) if url == address else (200,),
                may_break_off=url == address,
                access=feed.access,
            )

        return await completed(
            await get(address),
            get,
            max_bytes=self._settings.poll.max_size,
            timeout_s=self._settings.poll.timeout.total_seconds(),
            now=self._clock(),
            threads=self._threads,
        )

    async def _take(self, feed: Feed, previous: FeedState, response: Response) -> Outcome:
        if response.status == NOT_MODIFIED:
            if previous.body_hash is None:
                raise FeedError(NEVER_READ)
            return await self._keep(feed, previous, response)
        body_hash = fingerprint(response.body)
        if body_hash == previous.body_hash:
            return await self._keep(feed, previous, response)
        document, seconds = await self._reader.read(feed, response, self._clock())
        if isinstance(response, JoinedSitemaps) and response.problem:
            problem = "; ".join(filter(None, (response.problem, document.problem)))
            document = replace(document, problem=storable(problem))
        reading = timedelta(seconds=seconds)
        remember = partial(self._remember, feed, previous, response, body_hash, document, reading)
        try:
            return await call_in(self._threads, remember)
        except GapFound as gap:
            seen = gap.seen
        # Nothing was written down, so if this process is killed, the next poll finds the gap again.
        now = self._clock()
        older = await older_entries(
            feed,
            response,
            document,
            seen=seen,
            since=previous.succeeded_at or now,
            now=now,
            http=self._http,
            reader=self._reader,
            settings=self._settings.poll,
            accept=ACCEPT,
        )
        return await call_in(self._threads, remember, older)

    async def _keep(self, feed: Feed, previous: FeedState, response: Response) -> Outcome:
        """Writes down that a feed has not changed."""
        now = self._clock()
        state = after_unchanged(feed, previous, response, now)
        push = NO_PUSH
        if self._trust.may_be_pushed(previous):
            push = await call_in(self._threads, self._trust.push_of, feed, previous)
        due = self._next(feed, state, now, fresh_for=fresh_for(response.headers, now), push=push)
        await self._commits.commit(StateRecord(feed, state, due))
        log.debug("feed unchanged", feed=feed.url, status=response.status)
        return Outcome(state)

    def _remember(
        self,
        feed: Feed,
        previous: FeedState,
        response: Response,
        body_hash: str,
        document: Document,
        reading: timedelta,
        older: Older | None = None,
    ) -> Outcome:
        """Queues the new and edited entries of a document, and writes down the poll.

        Raises GapFound, and writes down nothing, if entries may be missing before those of the
        document, unless `older` holds what the feed has of these.
        """
        now = self._clock()
        backfill = self._settings.backfill if previous.succeeded_at is None else None
        most = room(self._queues.count_owed("articles"))
        outcome = Outcome(previous)
        push = self._trust.push_of(feed, previous)

        def decide_and_queue(seen: Mapping[str, Seen], pipe: Pipeline) -> PollRecord:
            nonlocal outcome
            has_gap = is_gap(previous, document.entries, seen)
            if has_gap and older is None:
                raise GapFound(frozenset(seen))
            decision = decide(
                with_older(document.entries, older, most) if has_gap else document.entries,
                seen,
                now=now,
                backfill=backfill,
                most=most,
                is_sitemap=document.is_sitemap,
            )
            entries = decision.new + decision.edited
            queue_entries(self._queues, self._urgency, feed, previous, entries, pipe, found_at=now)
            gap: Gap | None = None
            if has_gap and older is not None:
                gap = "filled" if older.is_closed else "open"
            state = after_reading(
                feed, previous, response, document, decision, body_hash=body_hash, gap=gap, now=now
            )
            outcome = Outcome(state, len(decision.new), len(decision.edited))
            trusted = missed(push, previous.succeeded_at, now) if decision.new else push
            due = self._next(
                feed,
                state,
                now,
                reading=reading,
                fresh_for=fresh_for(response.headers, now),
                is_first=previous.polled_at is None,
                push=trusted,
            )
            return PollRecord(state, due, decision.remember, outcome.new, outcome.edited, gap)

        self._store.feeds.commit_document(feed, decide_and_queue, now=now)
        self._trust.polled(feed, previous, outcome.state, has_new=outcome.new > 0, now=now)
        counts = {"new": outcome.new, "edited": outcome.edited}
        level = log.info if any(counts.values()) else log.debug
        level("feed polled", feed=feed.url, entries=outcome.state.entries, **counts)
        return outcome

    async def _fail(self, feed: Feed, previous: FeedState, error: Exception) -> Outcome:
        """Writes down that a poll failed."""
        now = self._clock()
        # Half a secret would not be found, so the message is cut afterwards.
        message = storable(feed.shown_text(_message(error))[:MAX_ERROR_CHARS])
        is_gone = isinstance(error, BadStatus) and error.status == GONE
        state = after_failure(
            replace(
                previous,
                polled_at=now,
                failures=previous.failures + 1,
                error=message,
                stopped_at=now if is_gone else None,
            )
        )
        retry_after = await self._pause(feed, error, now)
        kind = error_kind(error)
        due = self._next(feed, state, now, failure=kind, retry_after=retry_after)
        await self._commits.commit(StateRecord(feed, state, due, kind))
        return Outcome(state)

    async def _pause(self, feed: Feed, error: Exception, now: datetime) -> timedelta | None:
        """Returns how long the feed is left alone, because it or its host asks for that."""
        if not isinstance(error, BadStatus):
            return None
        limited = partial(self._governor.limited, error, feed.id, now, is_page=False)
        held = await call_in(self._threads, limited)
        if error.retry_after_s is None:
            return held
        return max(held or timedelta(0), timedelta(seconds=error.retry_after_s))

    def _next(self, feed: Feed, state: FeedState, now: datetime, **more: Any) -> datetime:
        return next_poll(feed, state, self._settings.poll, now=now, rng=self._rng, **more)


def _sendable(validator: str | None) -> str | None:
    """Returns a validator if a request header may hold it; servers send others, too."""
    return validator if validator and validator.isascii() and validator.isprintable() else None


def _message(error: Exception) -> str:
    """Returns the message of an error for operators."""
    if isinstance(error, FetchError | FeedError):
        return reason(error)
    name = "" if isinstance(error, ReaderFault) else f"{type(error).__name__}: "
    # The message of a library may contain the URL, and the URL a password.
    return f"a fault of Presswatch: {name}{shown(str(error))}"
