"""Polls a feed when somebody asks for it, at most as often as its host can bear."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from fastapi import HTTPException

from monitor.web.backend import known_feed

if TYPE_CHECKING:
    from monitor.web.backend import Backend

# A reader who is impatient must not make us a nuisance to the publisher.
PAUSE = timedelta(seconds=10)


def poll_now(served: Backend, feed_id: str) -> None:
    """Makes a feed due, so that a scheduler polls it.

    Raises HTTPException for a feed that is not in the configuration, or was polled just now.
    """
    known_feed(served, feed_id)
    store = served.runtime.store
    now = store.claims.now()
    polled_at = store.feeds.state(feed_id).polled_at
    if polled_at is not None and now - polled_at < PAUSE:
        raise HTTPException(
            429,
            f"This feed was polled less than {PAUSE.seconds} seconds ago. Try again in a moment.",
            {"Retry-After": str(PAUSE.seconds)},
        )
    store.claims.hasten(feed_id, now)
