"""Decides when a feed is polled next, from how its last poll went. Pure."""

from __future__ import annotations

import random
from datetime import datetime, timedelta

from monitor.config import PollSettings
from monitor.model import Feed, FeedState

# A feed with news is polled again after this share of the time since then, down to `fastest`.
QUICKEN = 0.5
# Spreads the polls of feeds that were added together.
JITTER = 0.1
# Reading a feed takes at most a tenth of the time, however large it is.
PAUSE_PER_READING = 10


def next_poll(
    feed: Feed,
    state: FeedState,
    settings: PollSettings,
    *,
    now: datetime,
    rng: random.Random,
    retry_after: timedelta | None = None,
    reading: timedelta = timedelta(0),
) -> datetime:
    """Returns the time of a feed's next poll, given its state after the last one.

    A feed with its own `every` is polled at that interval. Any other is polled at `settings.every`,
    or sooner the more recently it had news, since publishers publish in bursts. If entries were
    held back, the next poll comes as soon as `fastest` allows. After failures the interval doubles,
    up to `slowest`. `reading` is how long it took to read the feed.

    The feed is not polled before a server's Retry-After, but that counts only up to `slowest`.
    """
    usual = feed.every or settings.every
    if state.failures:
        wait = min(usual * 2 ** min(state.failures - 1, 16), max(settings.slowest, usual))
    elif state.held_back:
        wait = min(settings.fastest, usual)
    elif feed.every or state.changed_at is None:
        wait = usual
    else:
        quiet_for = now - state.changed_at
        wait = max(settings.fastest, min(usual, quiet_for * QUICKEN))
    wait = max(wait, PAUSE_PER_READING * reading)
    due: datetime = now + wait * (1 + JITTER * rng.uniform(-1, 1))
    if retry_after is not None:
        pause = min(retry_after, settings.slowest)
        # All feeds of a server may have received the same answer at the same time.
        due = max(due, now + pause * (1 + JITTER * rng.random()))
    return due
