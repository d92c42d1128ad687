"""How each feed fares: its health, its state, and when it is due."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Literal, get_args

from monitor.articles.fragments import clean_fragment
from monitor.model import Feed, FeedState
from monitor.untrusted import one_line

if TYPE_CHECKING:
    from monitor.store import Store

# From ill to well.
Health = Literal["failing", "doubtful", "new", "ok"]
HEALTHS: tuple[Health, ...] = get_args(Health)


@dataclass(frozen=True, slots=True)
class FeedOverview:
    """A feed of the configuration and what is known of it; `due_at` is None if nobody polls it."""

    feed: Feed
    state: FeedState
    due_at: datetime | None

    @property
    def health(self) -> Health:
        """Returns the feed's health in one word."""
        return health(self.state)

    @property
    def address(self) -> str | None:
        """Returns where the feed has moved for good, as it may be shown; None if it has not."""
        return self.feed.shown(self.state.address) if self.state.address else None

    @property
    def title(self) -> str | None:
        """Returns the feed's name, or the title that it gives itself, if there is either."""
        return self.feed.name or title_text(self.state.title)


def health(state: FeedState) -> Health:
    """Returns a feed's health in one word.

    A doubtful feed answers, but some of it cannot be read, or entries are held back.
    """
    if state.failures:
        return "failing"
    if state.problem or state.held_back:
        return "doubtful"
    return "ok" if state.succeeded_at else "new"


def feed_overviews(feeds: Sequence[Feed], store: Store) -> list[FeedOverview]:
    """Returns what is known of feeds, in the given order."""
    # An id is a hash of the address.
    ids = [feed.id for feed in feeds]
    states, due = store.feeds.states(ids), store.feeds.all_due()
    return [
        FeedOverview(feed, state, None if state.stopped_at else due.get(feed_id))
        for feed_id, feed, state in zip(ids, feeds, states, strict=True)
    ]


def find_feeds(overviews: Sequence[FeedOverview], words: str) -> list[FeedOverview]:
    """Returns the feeds whose name, title, address and tags contain all of these words."""
    wanted = words.casefold().split()
    # Most visitors look for nothing, and there may be thousands of feeds.
    if not wanted:
        return list(overviews)
    return [each for each in overviews if _has_words(each, wanted)]


def _has_words(overview: FeedOverview, wanted: Sequence[str]) -> bool:
    feed = overview.feed
    parts = (feed.name or "", overview.state.title or "", feed.public_url, *feed.tags)
    text = " ".join(parts).casefold()
    return all(word in text for word in wanted)


def title_text(title: str | None) -> str | None:
    """Returns a feed's title as plain text on one line; some feeds put markup into it."""
    if not title:
        return None
    return one_line(clean_fragment(title)) or None
