"""Finds the entries that go first: the feed's words match a watchlist of high priority.

This only decides the order in which pages are read; what alerts is decided later, from the page.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from monitor.articles.fragments import clean_fragment
from monitor.jobs.queues import FRONT, Lane
from monitor.model import Article, Feed, FeedState, Watchlist

if TYPE_CHECKING:
    from datetime import datetime

    from redis.client import Pipeline

    from monitor.feeds.entries import Listed
    from monitor.jobs.queues import Queues

# At most this many entries of one poll go first, and only so many are looked at, so that a feed of
# many entries neither fills the urgent queue nor holds up the scheduler.
MOST_URGENT = 20
MOST_EXAMINED = 100
# The beginning of a summary is enough, and some summaries are books.
MAX_CHARS = 4000


class Urgency:
    """The watchlists of high priority; without any, it costs nothing."""

    def __init__(
        self, watchlists: Iterable[Watchlist], definitions: Mapping[str, str] | None = None
    ) -> None:
        high = [watchlist for watchlist in watchlists if watchlist.priority == "high"]
        self._matcher = None
        if high:
            from monitor.watchlists.matcher import Matcher

            self._matcher = Matcher(high, definitions)

    def lanes(self, feed: Feed, state: FeedState, entries: Sequence[Listed]) -> Iterator[Lane]:
        """Yields the queue for each of the entries that a poll found, in order."""
        urgent = ordinary = 0
        for number, entry in enumerate(entries):
            may_be_urgent = urgent < MOST_URGENT and number < MOST_EXAMINED
            if may_be_urgent and self._is_urgent(feed, state, entry):
                urgent += 1
                yield "urgent"
            else:
                ordinary += 1
                yield "articles" if ordinary <= FRONT else "bulk"

    def _is_urgent(self, feed: Feed, state: FeedState, entry: Listed) -> bool:
        if self._matcher is None:
            return False
        try:
            return bool(self._matcher.match(_in_feed(feed, state, entry)))
        except Exception:  # noqa: BLE001 - a text that breaks the matcher must not lose the poll
            return False


NOTHING_URGENT = Urgency(())


def queue_entries(
    queues: Queues,
    urgency: Urgency,
    feed: Feed,
    state: FeedState,
    entries: Sequence[Listed],
    pipe: Pipeline,
    *,
    found_at: datetime,
) -> None:
    """Adds the jobs of entries to the transaction, each to the queue that its urgency asks for."""
    lanes = urgency.lanes(feed, state, entries)
    for entry, lane in zip(entries, lanes, strict=True):
        queues.enqueue_entry(
            feed.id, entry.as_plain(), entry.version, pipe, lane=lane, polled_at=found_at
        )


def _in_feed(feed: Feed, state: FeedState, entry: Listed) -> Article:
    """Returns an entry as the feed gives it, without its page."""
    plain = entry.as_plain()
    return Article(
        id="",
        url=plain["url"] or "",
        title=clean_fragment(plain["title"][:MAX_CHARS]),
        text=clean_fragment((plain["summary"] or plain["content"])[:MAX_CHARS]),
        source=feed.name or state.title or "",
        feed_url=feed.public_url,
        tags=feed.tags,
        authors=tuple(plain["authors"]),
        language=state.language,
    )
