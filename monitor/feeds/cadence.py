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


def next_poll(
    feed: Feed,
    state: FeedState,
    settings: PollSettings,
    *,
    now: datetime,
    rng: random.Random,
    retry_after: timedelta | None = None,
) -> datetime:
    """The moment of a feed's next poll, given its state after the last one.

    A feed with an `every` of its own keeps to it. Any other is polled `settings.every`, or sooner
    the more recently it brought something new: publishers publish in bursts. Failures back off,
    doubling up to `slowest`. A server's Retry-After is obeyed, but never beyond `slowest`.
    """
    usual = feed.every or settings.every
    if state.failures:
        wait = min(usual * 2 ** min(state.failures - 1, 16), max(settings.slowest, usual))
    elif feed.every or state.changed_at is None:
        wait = usual
    else:
        quiet_for = now - state.changed_at
        wait = max(settings.fastest, min(usual, quiet_for * QUICKEN))
    if retry_after is not None:
        wait = max(wait, min(retry_after, settings.slowest))
    due: datetime = now + wait * (1 + JITTER * rng.uniform(-1, 1))
    return due
