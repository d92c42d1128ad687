"""Reads what was fetched from a feed: in a thread, or apart if that takes long."""

from __future__ import annotations

import time
from collections.abc import Mapping
from concurrent.futures import Executor
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from monitor.errors import FeedError, FetchError
from monitor.executors import call_in
from monitor.feeds.document import Document, read
from monitor.scheduler import apart

if TYPE_CHECKING:
    from monitor.http.client import Response
    from monitor.model import Feed

# A small feed that took longer than this is read in a separate process from then on.
MAX_READING_S = 2.0
BROKE_OFF = "the connection broke off before the end of the document"


class FeedReader:
    """Reads small feeds in threads, and those that take long in separate processes.

    `unread` is how many small feeds wait to be read, or are being read.
    """

    def __init__(self, threads: Executor | None) -> None:
        self._threads = threads
        self._large_feeds = apart.LargeFeeds()
        # How long each feed took to read last time, in seconds.
        self._reading_s: dict[str, float] = {}
        self.unread = 0

    async def read(self, feed: Feed, response: Response, now: datetime) -> tuple[Document, float]:
        """Returns the document in a response, and how long it took to read, in seconds.

        Raises as `monitor.feeds.document.read` and `LargeFeeds.read` do, and FetchError if the
        response broke off before it could be recognised as a feed.
        """
        if not response.broke_off:
            return await self._read(feed, response, now)
        try:
            document, seconds = await self._read(feed, response, now)
        except FeedError as error:
            raise FetchError(response.url, BROKE_OFF, retryable=True) from error
        return replace(document, problem=document.problem or BROKE_OFF), seconds

    async def _read(self, feed: Feed, response: Response, now: datetime) -> tuple[Document, float]:
        body, url, headers = response.body, response.url, response.headers
        expected_s = self._reading_s.get(feed.id, len(body) / apart.BYTES_PER_S)
        if len(body) > apart.LARGE_BYTES or expected_s > MAX_READING_S:
            # Should it fail, it must not keep the quick feeds' reader again.
            self._reading_s[feed.id] = max(expected_s, apart.QUICK_S)
            document, seconds = await self._large_feeds.read(
                body, url=url, headers=headers, now=now, expected_s=expected_s
            )
        else:
            self.unread += 1
            try:
                document, seconds = await call_in(self._threads, _read, body, url, headers, now)
            finally:
                self.unread -= 1
        self._reading_s[feed.id] = seconds
        return document, seconds


def _read(
    body: bytes, url: str, headers: Mapping[str, str], now: datetime
) -> tuple[Document, float]:
    """Reads a feed; also returns the seconds of processor time that it took."""
    started = time.thread_time()
    document = read(body, url=url, headers=headers, now=now)
    return document, time.thread_time() - started
