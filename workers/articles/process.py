"""Processes an entry's job: decides what to read, when, and when to try again.

A page that cannot be read now is tried again later; what the feed says is matched at the first
attempt.
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections import Counter
from collections.abc import Awaitable, Callable
from concurrent.futures import Executor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

import structlog
from redis.exceptions import RedisError

from monitor.articles.urls import host
from monitor.errors import FetchError, error_kind
from monitor.executors import call_in
from monitor.http.robots import Robots
from monitor.jobs.governor import Governor
from monitor.jobs.limits import CLEANING
from monitor.jobs.outcome import Again, Done
from monitor.model import Entry, from_plain
from monitor.store.limits import page_source
from workers.articles.cleaner import Answer, Request
from workers.articles.cleaners import is_large
from workers.articles.fetch import fetch_page, page_of

if TYPE_CHECKING:
    from monitor.access import Access
    from monitor.http.client import HttpClient
    from monitor.jobs.lines import Admission, Lines
    from monitor.jobs.runner import Taken
    from monitor.runtime.composition import Runtime

# Pauses in seconds, after which a page that could not be fetched is tried again.
PAUSES_S = (10, 60, 300, 1800)
# The pause that a host wants between its pages is known for this time, of so many hosts.
SLOWED = timedelta(hours=2)
MOST_SLOWED = 10_000
# If a page takes longer than this to come, the feed's words are matched meanwhile.
WORDS_AFTER = timedelta(seconds=5)
# An entry whose feed occupies its share of the reader looks again after this time.
FEED_TURN = timedelta(seconds=0.5)

log = structlog.stdlib.get_logger(__name__)


class NotMatched(Exception):
    """The feed's words could not be matched; the message says why."""


class Processor:
    """Processes entries, any number at once, but only `feed_share` of any feed.

    `ask` hands a request to a cleaner. Access to Redis runs in `threads`, by default the event
    loop's.
    """

    def __init__(
        self,
        runtime: Runtime,
        http: HttpClient,
        ask: Callable[[Request], Awaitable[Answer]],
        *,
        feed_share: int,
        threads: Executor | None = None,
    ) -> None:
        self._redis = runtime.redis
        self._queues = runtime.queues
        self._counters = runtime.store.counters
        self._settings = runtime.config.settings
        limits = self._settings.articles
        self._lines = runtime.queues.lines(
            at_once=limits.per_host,
            delay=limits.delay,
            in_all=self._settings.requests_per_host,
            # The place is kept while the page is cleaned, so that a host occupies few cleaners.
            lease=2 * (limits.timeout + CLEANING),
        )
        self._delay_s = limits.delay.total_seconds()
        self._hosts = runtime.store.hosts
        self._governor = Governor(runtime.store)
        # Until when the pause that a host wants between pages is known to all processes.
        self._slowed: dict[str, datetime] = {}
        self._access = {feed.id: feed.access for feed in runtime.config.feeds}
        self._http = http
        self._robots = Robots.of(http, self._settings)
        self._ask = ask
        self._feed_share = feed_share
        self._threads = threads
        # How many entries of each feed are under way.
        self._feeds: Counter[str] = Counter()

    @property
    def lines(self) -> Lines:
        """Returns the lines in which jobs wait for their turn."""
        return self._lines

    async def process(self, taken: Taken) -> Again | Done | None:
        """Processes one version of an entry; returns None if its job waits in a line.

        Idempotent: no alert is published twice. Raises RedisError, and NotMatched if cleaners fail
        on the feed's words.
        """
        feed_id, entry = taken.args[0], from_plain(Entry, taken.args[1])
        # Jobs of earlier versions do not have it.
        polled_at = taken.args[2] if len(taken.args) > 2 else None  # noqa: PLR2004
        with structlog.contextvars.bound_contextvars(job=taken.id, feed=feed_id, entry=entry.url):
            if feed_id not in self._access:
                return await self._process_unknown(taken, entry)
            if self._feeds[feed_id] >= self._feed_share and not taken.in_turn:
                now = datetime.now(UTC)
                await call_in(
                    self._threads, self._lines.park, feed_id, taken.id, now, FEED_TURN, taken.lane
                )
                return None
            self._feeds[feed_id] += 1
            try:
                words = Request(
                    taken.id, feed_id, entry, taken.lane, settle=False, polled_at=polled_at
                )
                return await self._process(taken, words)
            finally:
                self._feeds -= Counter({feed_id: 1})

    async def _process_unknown(self, taken: Taken, entry: Entry) -> Again | Done:
        """Settles the job of a feed that left the configuration; a new feed's job is kept.

        Other processes may have read a newer configuration than this one.
        """
        if taken.in_turn:
            await call_in(self._threads, self._leave, entry.url or "", taken.id)
        if taken.begun < len(PAUSES_S):
            return Again(PAUSES_S[taken.begun])
        await call_in(self._threads, self._settle, taken.id)
        return Done()

    async def _process(self, taken: Taken, words: Request) -> Again | Done | None:
        """Processes an entry, given the request to match the feed's words."""
        url = page_of(words.entry)
        # After the last pause the feed's words must do, even if the page kills its reader.
        if url is None or taken.begun > len(PAUSES_S):
            if url:
                why = f"begun {taken.begun} times without an end"
                log.warning("page failed", url=url, error=why, retry=False, attempt=taken.begun)
            await self._match(replace(words, settle=True))
            return Done()
        if not taken.in_turn:
            admission = await call_in(self._threads, self._enter, url, taken)
            if admission.closed_for_s:
                # The site wants its pages asked for later; the feed's words need not wait.
                await self._match(words)
                return Again(math.ceil(admission.closed_for_s))
            if not admission.may_start:
                return None
        try:
            return await self._attempt(words, url, taken.begun)
        finally:
            await call_in(self._threads, self._leave, url, taken.id)

    async def _attempt(self, words: Request, url: str, attempt: int) -> Again | Done:
        """Matches the page; at the first attempt, what the feed says if the page is not there."""
        # The page may have killed the reader that made an earlier attempt.
        is_matched = attempt > 0
        if is_matched:
            await self._match(words)
        access = self._access[words.feed_id]
        fetching = asyncio.create_task(
            fetch_page(self._http, url, self._settings, access, self._robots)
        )
        try:
            _, late = await asyncio.wait([fetching], timeout=WORDS_AFTER.total_seconds())
            if late and not is_matched:
                await self._match(words)
                is_matched = True
            response = await fetching
            await self._answered(url, access)
        except FetchError as error:
            hold_s = await self._hold(error, url)
            # A host that has taken us for a robot may answer otherwise later.
            retry = error.retryable or hold_s > 0
            log.warning("page failed", url=url, error=str(error), retry=retry, attempt=attempt)
            await call_in(self._threads, self._counters.failed_page, error_kind(error))
        else:
            if is_large(response) and not is_matched:
                await self._match(words)
                is_matched = True
            # The rest of a page that broke off may come at the next attempt, and only then.
            again = response.broke_off and attempt == 0
            answer = await self._ask(replace(words, settle=not again, response=response))
            if answer.verdict == "done":
                return Again(PAUSES_S[attempt]) if again else Done()
            retry, hold_s = _may_be_retried(answer, url, attempt), 0.0
            await call_in(self._threads, self._counters.failed_page, _kind_of(answer))
        finally:
            fetching.cancel()
        retry = retry and attempt < len(PAUSES_S)
        if not is_matched:
            await self._match(replace(words, settle=not retry))
        elif not retry:
            await call_in(self._threads, self._settle, words.job_id)
        return Again(max(PAUSES_S[attempt], math.ceil(hold_s))) if retry else Done()

    async def _match(self, words: Request) -> None:
        """Matches the feed's words; raises NotMatched."""
        answer = await self._ask(words)
        if answer.verdict == "no redis":
            raise RedisError(answer.error)
        if answer.verdict != "done":
            raise NotMatched(answer.error)

    def _enter(self, url: str, taken: Taken) -> Admission:
        now = datetime.now(UTC)
        self._governor.refresh(now)
        return self._lines.enter(self._governor.budget(host(url)), taken.id, now, taken.lane)

    async def _hold(self, error: FetchError, url: str) -> float:
        """Leaves a host alone for as long as it asks; returns that time in seconds."""
        limited = partial(
            self._governor.limited, error, page_source(url), datetime.now(UTC), is_page=True
        )
        pause = await call_in(self._threads, limited)
        return pause.total_seconds() if pause else 0.0

    async def _answered(self, url: str, access: Access) -> None:
        """Takes note that a host gave a page, and of the pause that it wants between pages."""
        if self._governor.is_suspect(url):
            await call_in(self._threads, self._governor.answered, url)
        delay_s = self._robots.crawl_delay_s(url, access) if self._robots else 0.0
        now, name = datetime.now(UTC), self._governor.budget(host(url))
        if delay_s > self._delay_s and self._slowed.get(name, now) <= now:
            if len(self._slowed) >= MOST_SLOWED:
                self._slowed.clear()
            self._slowed[name] = now + SLOWED / 2
            await call_in(self._threads, self._hosts.slow, name, delay_s, now + SLOWED, now)

    def _leave(self, url: str, job_id: str) -> None:
        name = host(url)
        with self._redis.pipeline(transaction=False) as pipe:
            # The budget may have become another while the page was under way.
            for budget in {name, self._governor.budget(name)}:
                self._lines.leave(budget, job_id, datetime.now(UTC), pipe)
            pipe.execute()

    def _settle(self, job_id: str) -> None:
        with self._redis.pipeline() as pipe:
            self._queues.settle("articles", job_id, pipe)
            pipe.execute()


def _kind_of(answer: Answer) -> str:
    """Returns the kind of the error with which the reading of a page ended, for metrics."""
    return answer.kind or ("timeout" if answer.verdict == "late" else "fault")


def _may_be_retried(answer: Answer, url: str, attempt: int) -> bool:
    """Logs why a page was not matched; returns whether to try it again."""
    if answer.verdict == "no redis":
        raise RedisError(answer.error)
    if answer.verdict == "no article":
        log.warning(
            "page failed",
            url=url,
            error=answer.error,
            kind=answer.kind,
            retry=False,
            attempt=attempt,
        )
        return False
    # The trace is logged once, not at every attempt.
    log.log(
        logging.ERROR,
        "page broke its reader",
        url=url,
        error=answer.error,
        attempt=attempt,
        **({} if attempt else {"exception": answer.trace}),
    )
    return True
