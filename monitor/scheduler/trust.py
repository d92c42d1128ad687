"""Notices at polls which hubs can be relied upon: see `monitor.feeds.pushes`."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

from monitor.feeds.pushes import NO_PUSH, Push, missed

if TYPE_CHECKING:
    from monitor.config import Settings
    from monitor.model import Feed, FeedState
    from monitor.store import Store


class HubTrust:
    """Reads and writes what polls have to do with hubs; without a public address, nothing."""

    def __init__(self, store: Store, settings: Settings) -> None:
        self._pushes = store.pushes
        self._is_public = settings.web.public_url is not None

    def may_be_pushed(self, state: FeedState) -> bool:
        """Returns whether `push_of` has to ask Redis."""
        return self._is_public and state.hubs is not None

    def push_of(self, feed: Feed, state: FeedState) -> Push:
        """Returns a feed's subscription at a hub; raises RedisError."""
        return self._pushes.of(feed.id) if self.may_be_pushed(state) else NO_PUSH

    def polled(
        self, feed: Feed, previous: FeedState, current: FeedState, *, has_new: bool, now: datetime
    ) -> None:
        """Notes that a poll brought a document; `has_new` says that it had new entries.

        Raises RedisError.
        """
        if self._is_public and current.hubs != previous.hubs:
            self._pushes.note_hubs(feed.id)
        if has_new and self.may_be_pushed(previous):
            self._pushes.change(feed.id, partial(missed, since=previous.succeeded_at, now=now))
