"""How each feed fares: its health, its state, and when it is due."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Literal, get_args

from monitor.articles.fragments import clean_fragment
from monitor.model import Feed, FeedState
from monitor.untrusted import one_line

if TYPE_CHECKING:
    from monitor.config import Config
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
    def title(self) -> str | None:
        """Returns the feed's name, or the title that it gives itself, if there is either."""
        return self.feed.name or title_text(self.state.title)

    def has_words(self, words: str) -> bool:
        """Returns whether the feed's name, title, address and tags contain all of these words."""
        parts = (self.feed.name or "", self.state.title or "", self.feed.public_url)
        text = " ".join((*parts, *self.feed.tags)).casefold()
        return all(word in text for word in words.casefold().split())


def health(state: FeedState) -> Health:
    """Returns a feed's health in one word.

    A doubtful feed answers, but some of it cannot be read, or entries are held back.
    """
    if state.failures:
        return "failing"
    if state.problem or state.held_back:
        return "doubtful"
    return "ok" if state.succeeded_at else "new"


def feed_overviews(config: Config, store: Store) -> list[FeedOverview]:
    """Returns all feeds in the order of the configuration."""
    states = store.feeds.states([feed.id for feed in config.feeds])
    due = store.feeds.all_due()
    return [
        FeedOverview(feed, state, due.get(feed.id))
        for feed, state in zip(config.feeds, states, strict=True)
    ]


def title_text(title: str | None) -> str | None:
    """Returns a feed's title as plain text on one line; some feeds put markup into it."""
    if not title:
        return None
    return one_line(clean_fragment(title)) or None
