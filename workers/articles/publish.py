"""From an entry to alerts: fetch the page, clean it, match it, publish; the heart of a worker."""

from __future__ import annotations

import asyncio
import logging
import math
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import structlog

from monitor.alerts.build import alert_id, build, topic
from monitor.alerts.once import after_alert, after_count, judge
from monitor.articles.clean import Page
from monitor.articles.stories import sketch
from monitor.articles.urls import host, normalise, normalise_link
from monitor.errors import BadStatus, CleanError, FetchError
from monitor.model import (
    Alert,
    Article,
    Delivery,
    Entry,
    Feed,
    Match,
    Watchlist,
    from_plain,
)
from workers.articles.read import Reader, as_article, names_of, page_of

if TYPE_CHECKING:
    from redis import Redis
    from redis.client import Pipeline

    from monitor.config import Config
    from monitor.jobs.queues import Queues
    from monitor.store import Store
    from monitor.watchlists.matcher import Matcher

# A page that could not be had is tried again after these pauses, in seconds; what the feed gave
# is matched at once.
PAUSES_S = (10, 60, 300, 1800)
# A request to a host whose turn comes within this time is waited for, later ones are postponed.
PATIENCE = timedelta(seconds=2)
# A host that asks to be left alone for longer than this is asked again after it all the same.
LONGEST_HOLD = timedelta(hours=1)

log = structlog.stdlib.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Again:
    """The job is to run again after a pause; all that could be done now is done."""

    pause_s: int


@dataclass(frozen=True, slots=True)
class Done:
    """The entry is settled; `alerts` are those published now."""

    alerts: tuple[Alert, ...]


@dataclass(frozen=True, slots=True)
class _Reading:
    """What came of reading: the page and where it lives, or when to try again, or nothing."""

    page: Page | None = None
    final_url: str | None = None
    pause_s: int | None = None


_NOTHING = _Reading()


@dataclass(frozen=True, slots=True)
class _Found:
    """A watchlist that matched, and of what it wants to hear once."""

    watchlist: Watchlist
    match: Match
    topic: str


class Processor:
    """Processes entries; holds what all of them share."""

    def __init__(
        self, redis: Redis, store: Store, queues: Queues, config: Config, matcher: Matcher
    ) -> None:
        self._redis = redis
        self._store = store
        self._queues = queues
        self._config = config
        self._matcher = matcher
        self._reader = Reader(config.settings, store)
        self._feeds = {feed.id: feed for feed in config.feeds}
        self._threads = frozenset(one.name for one in config.subscribers if one.threads)
        self._watchlists = {watchlist.name: watchlist for watchlist in config.watchlists}

    async def process(self, job_id: str) -> Again | Done:
        """Process one version of an entry. Idempotent: what was published stays published once."""
        owed = self._queues.owed("articles", job_id)
        if owed is None:
            # A lost job was found and done twice.
            return Done(())
        feed_id, entry = owed[0], from_plain(Entry, owed[1])
        with structlog.contextvars.bound_contextvars(feed=feed_id, entry=entry.url):
            return await self._process(job_id, feed_id, entry)

    async def _process(self, job_id: str, feed_id: str, entry: Entry) -> Again | Done:
        feed = self._feeds.get(feed_id)
        if feed is None:
            # It has left the configuration.
            self._settle(job_id)
            return Done(())
        address = page_of(entry)
        if address:
            if held := self._store.turnstile.closed_for_s(host(address)):
                # The site says that its pages come late; what the feed says need not.
                self._match(job_id, feed, entry, _NOTHING, settle=False)
                return Again(math.ceil(held))
            if wait := await self._enter(address, job_id):
                return Again(math.ceil(wait.total_seconds()))
        attempt = self._queues.begin("articles", job_id)
        try:
            return await self._attempt(job_id, feed, entry, address, attempt)
        finally:
            if address:
                self._store.turnstile.leave(host(address), job_id)

    async def _attempt(
        self, job_id: str, feed: Feed, entry: Entry, address: str | None, attempt: int
    ) -> Again | Done:
        """Match the page; match what the feed gave where there is none, at the first attempt."""
        # After the last pause the feed's words must do, also for a page that kills workers.
        reads = address if attempt <= len(PAUSES_S) else None
        told: tuple[Alert, ...] = ()
        if attempt or not reads:
            # Whoever began before us may have been killed by the page.
            told = self._match(job_id, feed, entry, _NOTHING, settle=not reads)
        if not reads:
            return Done(told)
        reading = await self._read(entry, reads, attempt)
        done = reading.pause_s is None
        if reading.page or not attempt:
            told += self._match(job_id, feed, entry, reading, settle=done)
        elif done:
            self._settle(job_id)
        return Done(told) if reading.pause_s is None else Again(reading.pause_s)

    async def _read(self, entry: Entry, url: str, attempt: int) -> _Reading:
        """Read an entry's page, or say after which pause to try again."""
        asked = 0.0
        try:
            page, final_url = await self._reader.read(entry, url)
        except (FetchError, CleanError) as error:
            retry = isinstance(error, FetchError) and error.retryable
            if isinstance(error, BadStatus):
                asked = self._hold(error)
            log.warning("page failed", url=url, error=str(error), retry=retry, attempt=attempt)
        except Exception as error:
            # Nobody foresaw it: what the feed says must not be lost with it.
            retry = True
            # With its trace once, not at every attempt.
            log.log(
                logging.ERROR,
                "page broke its reader",
                url=url,
                error=repr(error),
                attempt=attempt,
                exc_info=not attempt,
            )
        else:
            return _Reading(page, final_url)
        if not retry or attempt >= len(PAUSES_S):
            return _NOTHING
        return _Reading(pause_s=max(PAUSES_S[attempt], math.ceil(asked)))

    def _hold(self, error: BadStatus) -> float:
        """Leave a host alone for as long as it asks for; returns that time, in seconds."""
        asked = min(error.retry_after_s or 0.0, LONGEST_HOLD.total_seconds())
        if asked and error.retryable:
            self._store.turnstile.close(host(error.answered_by), timedelta(seconds=asked))
        return asked

    def _match(
        self, job_id: str, feed: Feed, entry: Entry, reading: _Reading, *, settle: bool
    ) -> tuple[Alert, ...]:
        """Match what was read, or else what the feed gave, and publish the alerts."""
        state = self._store.feeds.state(feed.id)
        final_url = reading.final_url or entry.url
        article = as_article(feed, state, entry, reading.page, final_url)
        alerts = self._publish(job_id, article, entry, final_url, settle=settle)
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
        """Wait for our turn at the page's host; where that takes long, say how long instead."""
        polite = self._config.settings.articles
        patience = PATIENCE
        while True:
            seconds = self._store.turnstile.enter(
                host(url),
                job_id,
                at_once=polite.per_host,
                delay=polite.delay,
                lease=polite.timeout * 2,
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

    def _publish(
        self, job_id: str, article: Article, entry: Entry, final_url: str | None, *, settle: bool
    ) -> tuple[Alert, ...]:
        """Write the article, its new alerts and their deliveries in one transaction."""
        now = datetime.now(UTC)
        names = names_of(entry)
        urls = _addresses(entry, final_url, article)
        known_by = list(dict.fromkeys([*names, *urls]))
        drawn = sketch(article.text)
        stories = self._store.stories
        published: list[Alert] = []

        def write(pipe: Pipeline) -> None:
            known = replace(article, id=self._identify(article, names, urls))
            previous = self._store.articles.get(known.id)
            story = self._settled(previous, known) or stories.find(drawn) or known.id
            known = replace(known, story=story)
            found = [
                _Found(watchlist, match, topic(watchlist, known))
                for match in self._matcher.match(known)
                for watchlist in [self._watchlists[match.watchlist]]
            ]
            keys = stories.history_keys((one.watchlist.name, one.topic) for one in found)
            if keys:
                pipe.watch(*keys)  # type: ignore[no-untyped-call]
            told = [stories.history(one.watchlist.name, one.topic) for one in found]
            articles = stories.count(story, with_article=known.id)
            is_update = previous is not None and _differs(previous, known)
            pipe.multi()
            self._store.articles.put(known, known_by, now, pipe)
            stories.put(story, known.id, drawn, pipe)
            published.clear()
            added: dict[str, Delivery] = {}
            for one, before in zip(found, told, strict=True):
                verdict, new = judge(before, known.id, one.match)
                if verdict == "alert":
                    identity = alert_id(one.watchlist, one.topic, new if before.alerted else ())
                    after = after_alert(before, identity, known.id, new)
                    alert = build(
                        one.watchlist, known, one.match, identity=identity, articles=articles,
                        is_update=is_update, now=now,
                    )  # fmt: skip
                    self._store.alerts.publish(alert, pipe)
                    for name in alert.subscribers:
                        self._queues.enqueue_delivery(Delivery(name, (alert.id,)), pipe)
                    published.append(alert)
                elif verdict == "count":
                    after = after_count(before, known.id)
                    for name in sorted(self._threads.intersection(one.watchlist.subscribers)):
                        added[name] = Delivery(name, (before.alert,), article=known.id)
                else:
                    # As long as the article is kept, so is what was made of it.
                    after = before
                stories.put_history(one.watchlist.name, one.topic, after, pipe)
            # A story has one thread, however many watchlists: the article comes there once.
            for name in added.keys() - {name for alert in published for name in alert.subscribers}:
                self._queues.enqueue_delivery(added[name], pipe)
            if settle:
                self._queues.settle("articles", job_id, pipe)

        watched = self._store.articles.address_keys(known_by) + stories.index_keys(drawn)
        self._redis.transaction(write, *watched)
        return tuple(published)

    def _settled(self, previous: Article | None, article: Article) -> str:
        """The story that an article stays in, however it is edited; empty where that is open.

        It is where only a feed's words were known so far, often too few to tell a story by, and
        nobody was told of them.
        """
        if previous is None or not previous.story:
            return ""
        if (previous.text_from, article.text_from) != ("feed", "page"):
            return previous.story
        names = self._watchlists.keys()
        told = self._store.stories.history_keys((name, previous.story) for name in names)
        return previous.story if told and self._redis.exists(*told) else ""

    def _identify(self, article: Article, names: list[str], urls: list[str]) -> str:
        """The id of the article that is known by one of these names or URLs, else its own.

        The feed's own names tell an article whatever its headline has become. The address after
        redirects, or that the page claims, may be a consent page's or one for all pages of a
        badly built site: there an article is the same only where its title is the same too,
        since two alerts are better than none.
        """
        for name in names:
            if known := self._store.articles.at(name):
                return known
        for url in urls:
            known = self._store.articles.at(url)
            other = self._store.articles.get(known) if known else None
            if known and other is not None and other.title == article.title:
                return known
        return article.id


def _addresses(entry: Entry, final_url: str | None, article: Article) -> list[str]:
    """The URLs that are an article's alone: its link, where that led, and what its page claims."""
    link = entry.url or ""
    if entry.name_at_link or normalise_link(link) != normalise(link):
        return []
    return [normalise(url) for url in (link, final_url, article.url) if url]


def _differs(previous: Article, article: Article) -> bool:
    """Whether an article was edited; a page that comes after the feed's words is no edit."""
    return previous.text_from == article.text_from and (previous.title, previous.text) != (
        article.title,
        article.text,
    )
