"""When a feed is polled next: a function of how its last poll went."""

from __future__ import annotations

import random
from datetime import datetime, timedelta

from monitor.config import PollSettings
from monitor.model import Feed, FeedState

# A feed that brought something is looked at again sooner, down to `fastest`.
QUICKEN = 0.5
# Feeds that were added together drift apart.
JITTER = 0.1
# A feed is read for at most a tenth of the time, however large it is.
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
    """The moment of a feed's next poll, given its state after the last one.

    A feed with an `every` of its own keeps to it. Any other is polled `settings.every`, or sooner
    the more recently it brought something new: publishers publish in bursts. Where entries were
    held back, the next ones are taken as soon as `fastest` allows. Failures back off, doubling up
    to `slowest`. `reading` is how long it took to read the feed.

    A server's Retry-After is obeyed, but never beyond `slowest`: the feed is not asked earlier.
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
        asked = min(retry_after, settings.slowest)
        # All feeds of a server may have been given the same answer at once.
        due = max(due, now + asked * (1 + JITTER * rng.random()))
    return due
