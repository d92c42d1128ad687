"""How each feed fares: its health, its state, and when it is due."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal, get_args

from monitor.articles.fragments import clean_fragment
from monitor.feeds.pushes import NO_PUSH, Push, broken_since, hub_name
from monitor.model import Feed, FeedState
from monitor.untrusted import one_line

if TYPE_CHECKING:
    from monitor.store import Store

# From ill to well.
Health = Literal["failing", "doubtful", "new", "ok"]
HEALTHS: tuple[Health, ...] = get_args(Health)
# Whether a hub pushes a feed: there is no subscription, the hub has not confirmed it or refuses it,
# it has pushed nothing yet, it pushes, or it has stopped to do so.
Pushing = Literal["none", "asked", "refused", "subscribed", "pushed", "broken"]
PUSHINGS: tuple[Pushing, ...] = get_args(Pushing)
# A hub that has not confirmed so many requests probably does not reach us.
SILENT_AFTER = 2


@dataclass(frozen=True, slots=True)
class FeedOverview:
    """A feed of the configuration and what is known of it `at` that time.

    `due_at` is None if nobody polls it. `push` is its subscription at a hub.
    """

    feed: Feed
    state: FeedState
    due_at: datetime | None
    push: Push
    at: datetime

    @property
    def health(self) -> Health:
        """Returns the feed's health in one word; one whose hub pushes no more is doubtful."""
        by_state = health(self.state)
        return "doubtful" if by_state == "ok" and self._hub_problem else by_state

    @property
    def problem(self) -> str | None:
        """Returns what makes the feed doubtful, or None."""
        return "; ".join(filter(None, (self.state.problem, self._hub_problem))) or None

    @property
    def _hub_problem(self) -> str | None:
        since = broken_since(self.push, self.at)
        if since is None or self.push.current is None or self.push.pushed_at is None:
            return None
        return (
            f"its hub {hub_name(self.push.current)} has pushed nothing since "
            f"{self.push.pushed_at:%d %b %Y, %H:%M} UTC, though polls found new entries: the feed "
            "is polled by its rhythm again; if this goes on, tell the publisher"
        )

    @property
    def pushing(self) -> Pushing:
        """Returns whether a hub pushes the feed, in one word."""
        current = self.push.current
        if current is None:
            return "none"
        if broken_since(self.push, self.at):
            return "broken"
        if not current.is_confirmed(self.at):
            return "refused" if self.refusal else "asked"
        return "pushed" if self.push.pushed_at else "subscribed"

    @property
    def refusal(self) -> str | None:
        """Returns why its hub does not push the feed, or None."""
        current = self.push.current
        if current is None or current.is_confirmed(self.at):
            return None
        if current.error is None and current.attempts >= SILENT_AFTER:
            return (
                f"it was asked {current.attempts} times and did not confirm the subscription; see "
                "whether `presswatch web` runs, and answers at `web.public_url` from outside"
            )
        return current.error

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
    pushes, now = store.pushes.all(), datetime.now(UTC)
    return [
        FeedOverview(
            feed,
            state,
            None if state.stopped_at else due.get(feed_id),
            pushes.get(feed_id, NO_PUSH),
            now,
        )
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
