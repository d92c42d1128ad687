"""Polls addresses that may be feeds: one for `feeds add`, those of a site for `discover`."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from monitor.articles.urls import joined
from monitor.errors import FeedError, FetchError, PresswatchError
from monitor.feeds.discovery import (
    Candidate,
    anchored_feeds,
    linked_feeds,
    named_sitemaps,
    usual_feeds,
)
from monitor.feeds.parse import parse
from monitor.feeds.refusals import is_html
from monitor.feeds.text import decode
from monitor.scheduler.poll import ACCEPT
from monitor.scheduler.sitemaps import completed

if TYPE_CHECKING:
    from monitor.config import Settings
    from monitor.http.client import HttpClient, Response

# A site is asked for so many addresses in all, and for so many at once; none is asked for after
# this time, since a slow site would take it for each of them.
MAX_REQUESTS = 40
AT_ONCE = 2
MAX_SEARCH_S = 90.0


@dataclass(frozen=True, slots=True)
class FoundFeed:
    """A feed that was polled: its address, its title, and what it holds."""

    url: str
    title: str
    entries: int
    newest: datetime | None

    def __str__(self) -> str:
        newest = f", the newest of {self.newest:%Y-%m-%d %H:%M} UTC" if self.newest else ""
        return f"{self.title}: {self.entries} entr{'y' if self.entries == 1 else 'ies'}{newest}"


class NotFeed(PresswatchError):
    """The address is not a feed, but a page; `candidates` are the feeds that it names."""

    def __init__(self, message: str, candidates: Sequence[Candidate]) -> None:
        super().__init__(message)
        self.candidates = candidates


class Prober:
    """Polls addresses outside of the schedule, and keeps nothing."""

    def __init__(self, http: HttpClient, settings: Settings) -> None:
        self._http = http
        self._settings = settings
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._tried: set[str] = set()
        self._started_s = time.monotonic()

    async def probe(self, url: str) -> FoundFeed:
        """Polls a feed.

        Raises FetchError, FeedError, and NotFeed if the address is a page that names feeds.
        """
        response = await self._get(url)
        try:
            return _found(url, response)
        except FeedError as error:
            named = linked_feeds(page, response.url) if (page := _page(response)) else ()
            if named:
                raise NotFeed(str(error), named) from error
            raise

    async def discover(self, site: str) -> list[FoundFeed]:
        """Returns the feeds of a site that could be polled, those that it names itself first.

        Raises FetchError if the site cannot be fetched.
        """
        response = await self._get(site)
        with suppress(FeedError):
            return [_found(site, response)]
        page = _page(response)
        linked = linked_feeds(page, response.url)
        found = await self._try(linked) + await self._anchored(anchored_feeds(page, response.url))
        if not found:
            found = await self._try(usual_feeds(response.url))
        found += await self._try(await self._sitemaps(response.url))
        return found

    async def _anchored(self, anchors: Iterable[Candidate]) -> list[FoundFeed]:
        """Tries the links of a page, and the feeds of pages that list feeds."""
        pages: list[Candidate] = []
        found = await self._try(anchors, pages)
        return found + await self._try(pages)

    async def _sitemaps(self, url: str) -> Sequence[Candidate]:
        try:
            robots = await self._get(joined(url, "/robots.txt") or url)
        except FetchError:
            return named_sitemaps("", url)
        return named_sitemaps(_page(robots, is_text=True), robots.url)

    async def _try(
        self, candidates: Iterable[Candidate], pages: list[Candidate] | None = None
    ) -> list[FoundFeed]:
        """Polls those that were not tried before; puts what pages name into `pages`."""
        new: dict[str, Candidate] = {}
        for each in candidates:
            if each.url not in self._tried and len(self._tried) + len(new) < MAX_REQUESTS:
                new.setdefault(each.url, each)
        self._tried.update(new)
        results = await asyncio.gather(*(self._try_one(each, pages) for each in new.values()))
        return [found for found in results if found]

    async def _try_one(
        self, candidate: Candidate, pages: list[Candidate] | None
    ) -> FoundFeed | None:
        with suppress(FetchError, FeedError):
            async with self._slots:
                if time.monotonic() - self._started_s > MAX_SEARCH_S:
                    return None
                response = await self._get(candidate.url)
            if pages is not None and (page := _page(response)):
                pages += linked_feeds(page, response.url) + anchored_feeds(page, response.url)
            return _found(candidate.url, response)
        return None

    async def _get(self, url: str) -> Response:
        return await completed(
            await self._get_one(url),
            self._get_one,
            max_bytes=self._settings.poll.max_size,
            timeout_s=self._settings.poll.timeout.total_seconds(),
            now=datetime.now(UTC),
        )

    async def _get_one(self, url: str) -> Response:
        return await self._http.get(
            url,
            timeout_s=self._settings.poll.timeout.total_seconds(),
            max_bytes=self._settings.poll.max_size,
            accept=ACCEPT,
        )


def _found(url: str, response: Response) -> FoundFeed:
    parsed = parse(response.body, url=response.url, headers=response.headers, now=datetime.now(UTC))
    moments = [
        moment for entry in parsed.entries if (moment := entry.published_at or entry.updated_at)
    ]
    title = parsed.title or ("a sitemap" if parsed.is_sitemap else "(no title)")
    return FoundFeed(url, title, len(parsed.entries), max(moments, default=None))


def _page(response: Response, *, is_text: bool = False) -> str:
    """Returns the text of a web page, or "" if the response is not one."""
    text, _ = decode(response.body, response.headers)
    return text if is_text or is_html(text) else ""
