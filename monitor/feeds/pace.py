"""Estimates how much a feed publishes, from the dates of what it lists. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

# Publishers have weekdays, so a week is the shortest time that says what is usual.
_WEEK = timedelta(days=7)
# A feed that has just begun says little about its day.
_SHORTEST = timedelta(hours=6)


def entries_a_day(dates: Iterable[datetime | None], now: datetime) -> float | None:
    """Returns how many entries a feed publishes a day, by the dates of those that it lists.

    Counts those of the last week, or of the time that the feed lists if that is shorter. Returns
    None if no entry has a date that can be trusted.
    """
    known = [date for date in dates if date and date <= now]
    if not known:
        return None
    # The oldest entry begins the time, and says nothing about how many came in it.
    span = max(_SHORTEST, min(_WEEK, now - min(known)))
    return sum(date > now - span for date in known) / (span / timedelta(days=1))
