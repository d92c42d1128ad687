"""Fetches the older pages of a feed that may have missed entries, as far as is needed."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import TYPE_CHECKING

import structlog

from monitor.feeds.gaps import Older, missed, older_page

if TYPE_CHECKING:
    from collections.abc import Collection

    from monitor.config import PollSettings
    from monitor.feeds.document import Document
    from monitor.feeds.entries import Listed
    from monitor.http.client import HttpClient, Response
    from monitor.model import Feed
    from monitor.scheduler.reading import FeedReader

# A gap is filled within these limits, and with one request after another.
MAX_PAGES = 5
MAX_S = 60.0
PAUSE_S = 0.5

log = structlog.stdlib.get_logger(__name__)


async def older_entries(
    feed: Feed,
    response: Response,
    document: Document,
    *,
    seen: Collection[str],
    since: datetime,
    now: datetime,
    http: HttpClient,
    reader: FeedReader,
    settings: PollSettings,
    accept: str,
) -> Older:
    """Returns the entries that were missed since a feed was last read, as far as it offers them.

    All pages together may be as large as one feed. Whatever goes wrong, what was read so far
    counts: the entries that the feed lists now must not wait for those that it had before. Without
    reaching a known entry, only entries with dates count.
    """
    found: list[Listed] = []
    url, head, left = response.url, document.head, settings.max_size
    visited = {url}
    try:
        async with asyncio.timeout(MAX_S):
            for number in range(1, MAX_PAGES + 1):
                page_url = older_page(url, head, number)
                if page_url is None or page_url in visited or left <= 0:
                    break
                visited.add(page_url)
                await asyncio.sleep(PAUSE_S)
                page = await http.get(
                    page_url,
                    timeout_s=settings.timeout.total_seconds(),
                    max_bytes=left,
                    accept=accept,
                    access=feed.access,
                )
                left -= len(page.body)
                listed, _ = await reader.read(feed, page, now)
                entries, is_closed = missed(listed.entries, seen, since)
                found += entries
                if is_closed:
                    return Older(tuple(found), is_closed=True)
                if not entries:
                    break
                url, head = page.url, listed.head
    except Exception as error:  # noqa: BLE001 - as the docstring says
        log.debug("older page not read", feed=feed.url, error=feed.shown_text(str(error)[:300]))
    return Older(tuple(entry for entry in found if entry.dated))
