"""Decides where a feed is polled: at the configured address, or where it has moved for good. Pure.

The configuration is the user's: a new address is only kept in the feed's state, and said.
"""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import urlsplit

from monitor.model import Feed, FeedState

# Servers redirect for good by mistake, too: so many polls in a row must lead to the same address.
SETTLED_AFTER = 5
# If polls of a new address fail so often in a row, the configured one is asked again.
DOUBTED_AFTER = 3


def address_of(feed: Feed, state: FeedState) -> str:
    """Returns the address at which a feed is polled."""
    return state.address or feed.url


def after_answer(feed: Feed, state: FeedState, moved_to: str | None) -> FeedState:
    """Returns the state after a poll that read the feed; `moved_to` is from its response."""
    if moved_to is None or not _may_settle(feed, moved_to):
        return replace(state, moving_to=None, moving_polls=0) if state.moving_to else state
    polls = state.moving_polls + 1 if moved_to == state.moving_to else 1
    if polls < SETTLED_AFTER:
        return replace(state, moving_to=moved_to, moving_polls=polls)
    address = None if moved_to == feed.url else moved_to
    return replace(state, address=address, moving_to=None, moving_polls=0)


def after_failure(state: FeedState) -> FeedState:
    """Returns the state after a poll that failed."""
    state = replace(state, moving_to=None, moving_polls=0)
    is_doubted = state.address and state.failures >= DOUBTED_AFTER
    return replace(state, address=None) if is_doubted else state


def _may_settle(feed: Feed, address: str) -> bool:
    """Returns whether a new address may be stored.

    A feed with a password or a secret stays where it is: these belong to the configuration. One
    that is read over TLS is not to be read without.
    """
    old, new = urlsplit(feed.url), urlsplit(address)
    has_secret = "@" in old.netloc or feed.shown(address) != address
    return not has_secret and not (old.scheme == "https" and new.scheme == "http")
