"""Processes an entry's job: decides what to read, when, and when to try again.

A page that cannot be read now is tried again later; what the feed says is matched at the first
attempt.
"""

from __future__ import annotations

import asyncio
import logging
import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING

import structlog

from monitor.articles.clean import Page
from monitor.articles.urls import host
from monitor.errors import BadStatus, CleanError, FetchError
from monitor.jobs.outcome import Again, Done
from monitor.model import Alert, Entry, Feed, from_plain
from workers.articles.publish import Publisher
from workers.articles.read import PageReader, as_article, hints_of, page_of

if TYPE_CHECKING:
    from redis import Redis

    from monitor.articles.features import ArticleHints
    from monitor.config import Config
    from monitor.jobs.queues import Queues
    from monitor.store import Store
    from monitor.watchlists.matcher import Matcher

# Pauses in seconds, after which a page that could not be fetched is tried again.
PAUSES_S = (10, 60, 300, 1800)
# A job waits for its host's turn for up to this long; if the turn comes later, it runs again then.
PATIENCE = timedelta(seconds=2)
# A host that asks for a longer pause than this is asked again after it all the same.
LONGEST_HOLD = timedelta(hours=1)

log = structlog.stdlib.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _ReadingOutcome:
    """The page and its URL after redirects; or the pause before the next attempt; or nothing."""

    page: Page | None = None
    final_url: str | None = None
    pause_s: int | None = None


_NO_PAGE = _ReadingOutcome()


class _EntryJob:
    """A job: one version of an entry of a feed."""

    def __init__(self, job_id: str, feed: Feed, entry: Entry) -> None:
        self.id = job_id
        self.feed = feed
        self.entry = entry

    @cached_property
    def hints(self) -> ArticleHints:
        """Returns what the feed says of the article; cleaning it takes time, and is done once."""
        return hints_of(self.entry)


class Processor:
    """Processes entries, with what all of their jobs share."""

    def __init__(
        self, redis: Redis, store: Store, queues: Queues, config: Config, matcher: Matcher
    ) -> None:
        self._redis = redis
        self._store = store
        self._queues = queues
        self._config = config
        self._reader = PageReader(config.settings, store)
        self._publisher = Publisher(redis, store, queues, config, matcher)
        self._feeds = {feed.id: feed for feed in config.feeds}

    async def process(self, job_id: str) -> Again | Done:
        """Processes one version of an entry. Idempotent: no alert is published twice."""
        owed = self._queues.owed("articles", job_id)
        if owed is None:
            # The job was lost, found again, and then done twice.
            return Done(())
        feed_id, entry = owed[0], from_plain(Entry, owed[1])
        with structlog.contextvars.bound_contextvars(feed=feed_id, entry=entry.url):
            return await self._process(job_id, feed_id, entry)

    async def _process(self, job_id: str, feed_id: str, entry: Entry) -> Again | Done:
        feed = self._feeds.get(feed_id)
        if feed is None:
            # The feed is no longer in the configuration.
            self._settle(job_id)
            return Done(())
        job, page_url = _EntryJob(job_id, feed, entry), page_of(entry)
        if page_url:
            if held := self._store.turnstile.closed_for_s(host(page_url)):
                # The site wants its pages asked for later; the feed's words need not wait.
                self._match(job, _NO_PAGE, settle=False)
                return Again(math.ceil(held))
            if wait := await self._enter(page_url, job_id):
                return Again(math.ceil(wait.total_seconds()))
        attempt = self._queues.begin("articles", job_id)
        try:
            return await self._attempt(job, page_url, attempt)
        finally:
            if page_url:
                self._store.turnstile.leave(host(page_url), job_id)

    async def _attempt(self, job: _EntryJob, page_url: str | None, attempt: int) -> Again | Done:
        """Matches the page; at the first attempt, what the feed says if there is no page."""
        if attempt > len(PAUSES_S):
            # After the last pause the feed's words must do, even if the page kills workers.
            page_url = None
        alerts: tuple[Alert, ...] = ()
        if attempt or not page_url:
            # The page may have killed the worker that made the first attempt.
            alerts = self._match(job, _NO_PAGE, settle=not page_url)
        if not page_url:
            return Done(alerts)
        outcome = await self._read(job, page_url, attempt)
        is_last = outcome.pause_s is None
        if outcome.page or not attempt:
            alerts += self._match(job, outcome, settle=is_last)
        elif is_last:
            self._settle(job.id)
        return Done(alerts) if outcome.pause_s is None else Again(outcome.pause_s)

    async def _read(self, job: _EntryJob, url: str, attempt: int) -> _ReadingOutcome:
        """Reads an entry's page, or returns the pause after which to try again."""
        hold_s = 0.0
        try:
            page, final_url = await self._reader.read(url, job.hints)
        except (FetchError, CleanError) as error:
            retry = isinstance(error, FetchError) and error.retryable
            if isinstance(error, BadStatus):
                hold_s = self._hold(error)
            log.warning("page failed", url=url, error=str(error), retry=retry, attempt=attempt)
        except Exception as error:
            # An unforeseen error must not lose what the feed says.
            retry = True
            # The trace is logged once, not at every attempt.
            log.log(
                logging.ERROR,
                "page broke its reader",
                url=url,
                error=repr(error),
                attempt=attempt,
                exc_info=not attempt,
            )
        else:
            return _ReadingOutcome(page, final_url)
        if not retry or attempt >= len(PAUSES_S):
            return _NO_PAGE
        return _ReadingOutcome(pause_s=max(PAUSES_S[attempt], math.ceil(hold_s)))

    def _hold(self, error: BadStatus) -> float:
        """Leaves a host alone for as long as it asks; returns that time in seconds."""
        hold_s = min(error.retry_after_s or 0.0, LONGEST_HOLD.total_seconds())
        if hold_s and error.retryable:
            self._store.turnstile.close(host(error.answered_by), timedelta(seconds=hold_s))
        return hold_s

    def _match(
        self, job: _EntryJob, outcome: _ReadingOutcome, *, settle: bool
    ) -> tuple[Alert, ...]:
        """Matches the page, or else what the feed says, and publishes the alerts."""
        entry, state = job.entry, self._store.feeds.state(job.feed.id)
        final_url = outcome.final_url or entry.url
        article = as_article(job.feed, state, entry, job.hints, outcome.page, final_url)
        alerts = self._publisher.publish(job.id, article, entry, final_url, settle=settle)
        log.info(
            "article matched" if alerts else "article read",
            article=article.id,
            url=article.url,
            text_from=article.text_from,
            characters=len(article.text),
            watchlists=[alert.watchlist for alert in alerts],
        )
        return alerts

    async def _enter(self, url: str, job_id: str) -> timedelta:
        """Waits for the host's turn; returns how long is left to wait if that is too long."""
        settings = self._config.settings.articles
        patience = PATIENCE
        while True:
            seconds = self._store.turnstile.enter(
                host(url),
                job_id,
                at_once=settings.per_host,
                delay=settings.delay,
                lease=settings.timeout * 2,
                now=datetime.now(UTC),
            )
            wait = timedelta(seconds=seconds)
            if not wait or wait > patience:
                return wait
            patience -= wait
            await asyncio.sleep(seconds)

    def _settle(self, job_id: str) -> None:
        with self._redis.pipeline() as pipe:
            self._queues.settle("articles", job_id, pipe)
            pipe.execute()
