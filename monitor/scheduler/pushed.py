"""Reads what hubs have pushed, and queues its new entries; the scheduler that leads does so.

A pushed document counts only for entries that are new: a hub may leave out what it pushed before,
and render the rest in another way. For everything else, a push makes its feed due.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

import structlog
from redis.exceptions import DataError, RedisError

from monitor.errors import FeedError, FetchError
from monitor.executors import call_in
from monitor.feeds.entries import Seen, decide, room
from monitor.feeds.pushes import is_proof
from monitor.feeds.pushes import pushed as after_push
from monitor.feeds.rhythm import rhythm_after
from monitor.http.client import Response
from monitor.scheduler.apart import ReaderFault
from monitor.scheduler.reading import FeedReader
from monitor.scheduler.urgency import NOTHING_URGENT, Urgency, queue_entries

if TYPE_CHECKING:
    from redis.client import Pipeline

    from monitor.config import Config
    from monitor.feeds.document import Document
    from monitor.feeds.entries import Listed
    from monitor.jobs.queues import Queues
    from monitor.model import Feed, FeedState
    from monitor.store import Store
    from monitor.store.pushes import Pushed, PushResult

# Documents of so many feeds are read at once, one of each, so that those of a feed that take long
# delay those of no other.
MOST_AT_ONCE = 8
# Sites push their whole archive when they change it: only the feed says which old entries are new.
RECENT = timedelta(days=1)

log = structlog.stdlib.get_logger(__name__)


class PushedDocuments:
    """Reads what was pushed, some documents at a time, each until it is written down."""

    def __init__(
        self,
        store: Store,
        queues: Queues,
        *,
        threads: Executor | None = None,
        readers: Executor | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._store = store
        self._queues = queues
        self._threads = threads
        self._reader = FeedReader(readers)
        self._clock = clock
        self._under_way: dict[str, asyncio.Task[None]] = {}

    def use(self, config: Config, urgency: Urgency = NOTHING_URGENT) -> None:
        """Sets the feeds and settings from now on."""
        self._feeds = {feed.id: feed for feed in config.feeds}
        self._settings = config.settings
        self._urgency = urgency

    async def look(self) -> None:
        """Begins to read what was pushed, as far as there is room."""
        fields = await call_in(self._threads, self._store.pushes.waiting)
        for feed_id, of_feed in fields.items():
            if len(self._under_way) < MOST_AT_ONCE and feed_id not in self._under_way:
                task = asyncio.create_task(self._take_all(feed_id, of_feed))
                self._under_way[feed_id] = task
                task.add_done_callback(partial(self._ended, feed_id))

    def _ended(self, feed_id: str, _task: asyncio.Task[None]) -> None:
        del self._under_way[feed_id]

    def under_way(self) -> list[asyncio.Task[None]]:
        """Returns the tasks that read."""
        return list(self._under_way.values())

    async def _take_all(self, feed_id: str, fields: Sequence[str]) -> None:
        feed = self._feeds.get(feed_id)
        try:
            for field in fields:
                pushed = await call_in(self._threads, self._store.pushes.read, field)
                if feed is not None and pushed is not None:
                    await self._take(feed, pushed)
                elif pushed is not None:
                    await call_in(self._threads, self._store.pushes.done, pushed, "known")
        except RedisError as error:
            # What was not written down stays where it is, and is read again.
            log.debug("push not written", error=type(error).__name__)

    async def _take(self, feed: Feed, pushed: Pushed) -> None:
        try:
            push = await call_in(self._threads, self._store.pushes.of, feed.id)
            document = await self._read(feed, pushed) if is_proof(push, feed.url) else None
            await call_in(self._threads, self._remember, feed, pushed, document)
        except Exception as error:
            # Redis works, and a DataError says that this document cannot be written.
            if isinstance(error, RedisError) and not isinstance(error, DataError):
                raise
            log.exception("push faulty", feed=feed.url)
            await call_in(self._threads, self._remember, feed, pushed, None)

    async def _read(self, feed: Feed, pushed: Pushed) -> Document | None:
        """Returns what was pushed; None if it is not a document that counts."""
        if not pushed.document:
            return None
        response = Response(pushed.url, 200, {"content-type": pushed.content_type}, pushed.document)
        try:
            document, _ = await self._reader.read(feed, response, self._clock())
        except (FeedError, FetchError, ReaderFault) as error:
            reason = feed.shown_text(str(error))
            log.debug("push not readable", feed=feed.url, error=reason)
            return None
        return None if document.is_sitemap or not document.entries else document

    def _remember(self, feed: Feed, pushed: Pushed, document: Document | None) -> None:
        """Queues the new entries of a document; makes the feed due if there is more to it."""
        count, needs_poll = 0, document is None
        if document is not None:
            count, needs_poll = self._commit(feed, pushed, document)
        else:
            self._store.pushes.done(pushed, "poll")
        pinged_at = self._hasten(feed) if needs_poll else None
        change = partial(after_push, at=pushed.received_at, pinged_at=pinged_at)
        self._store.pushes.change(feed.id, change)
        log_event = log.info if count else log.debug
        log_event("feed pushed", feed=feed.url, new=count, polled=needs_poll)

    def _commit(self, feed: Feed, pushed: Pushed, document: Document) -> tuple[int, bool]:
        """Returns how many entries were queued, and whether only a poll can tell the rest."""
        now = self._clock()
        most = room(self._queues.count_owed("articles"))
        count, needs_poll = 0, False

        def write(
            seen: Mapping[str, Seen], state: FeedState, pipe: Pipeline
        ) -> tuple[FeedState, Mapping[str, Seen]]:
            nonlocal count, needs_poll
            if state.succeeded_at is None:
                # Whatever was known of the feed is lost, and everything would count as new.
                count, needs_poll = 0, True
                self._store.pushes.done(pushed, "poll", pipe)
                return state, {}
            unknown, known = _divided(document.entries, seen)
            fresh = [each for each in unknown if each.dated is None or each.dated > now - RECENT]
            decision = decide(fresh, seen, now=now, most=most)
            count = len(decision.new)
            # An edit is left to a poll, since the hub's version of it may not be the feed's.
            is_edited = any(
                each.version not in {seen[name].version for name in each.identities if name in seen}
                for each in known
            )
            needs_poll = is_edited or bool(decision.held_back) or len(fresh) < len(unknown)
            queue_entries(
                self._queues, self._urgency, feed, state, decision.new, pipe,
                found_at=pushed.received_at,
            )  # fmt: skip
            result: PushResult = "entries" if count else "poll" if needs_poll else "known"
            self._store.pushes.done(pushed, result, pipe)
            self._store.counters.pushed_entries(count, pipe)
            return _after(state, document, decision.new, now), decision.remember

        self._store.feeds.commit_pushed(feed, write, now=now)
        return count, needs_poll

    def _hasten(self, feed: Feed) -> datetime | None:
        """Makes a feed due as soon as it may be polled, and returns when; None if it fails."""
        state = self._store.feeds.state(feed.id)
        if state.failures:
            return None
        now = self._store.claims.now()
        earliest = state.polled_at + self._settings.poll.fastest if state.polled_at else now
        due = max(now, earliest)
        self._store.claims.hasten(feed.id, due)
        return due


def _divided(
    entries: Sequence[Listed], seen: Mapping[str, Seen]
) -> tuple[list[Listed], list[Listed]]:
    """Returns the entries of which nothing is known, and the others."""
    unknown: list[Listed] = []
    known: list[Listed] = []
    for entry in entries:
        (unknown if seen.keys().isdisjoint(entry.identities) else known).append(entry)
    return unknown, known


def _after(state: FeedState, document: Document, new: Sequence[Listed], now: datetime) -> FeedState:
    """Returns the state of a feed after a push: when it publishes is known from pushes, too."""
    if not new:
        return state
    rhythm = rhythm_after(
        state.rhythm,
        state.succeeded_at,
        listed=(entry.dated for entry in document.entries),
        new=(entry.dated for entry in new),
        now=now,
    )
    return replace(state, changed_at=now, rhythm=rhythm.pack())
