"""Learns how often a feed publishes, by hour of the day and weekday in UTC. Pure.

Entries that appear within the same minute count as one publication, since one poll finds them all.
Hours and weekdays are counted apart: a feed would need months to fill a table of 168 hours.
"""

from __future__ import annotations

import base64
import math
import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Self

HOUR = timedelta(hours=1)
# A publication counts half after this time.
FADING = timedelta(days=28)
# A burst is over after about this time.
BURST_FADING = timedelta(hours=1)
# On a feed's first document, publications that are older than this say nothing about its rhythm.
LOOK_BACK = timedelta(days=28)
# The oldest entries of a document may be pinned there for years, and the others are the rhythm.
RECENT_SHARE = 0.75
# Without either of these a rhythm is a guess.
KNOWN_AFTER = timedelta(days=1)
KNOWN_COUNT = 5
LEAST_GAP, MOST_GAP = timedelta(seconds=1), timedelta(days=365)
# Hours and weekdays differ by chance until a feed was observed for so long.
HOURS_KNOWN_AFTER = timedelta(days=3)
WEEKDAYS_KNOWN_AFTER = timedelta(days=14)
# Added to the count of each hour and weekday, so that none is expected to be silent for ever.
PRIOR = 1.0

# When it was counted, in minutes, and then half-precision numbers: the hours of observation, the
# recent publications, and those of each hour and weekday.
_PACKED = struct.Struct("<I33e")
_MOST = 60_000.0


@dataclass(frozen=True, slots=True)
class Rhythm:
    """Publications of a feed up to `at`; older ones, and the time observed, count less.

    `by_hour` and `by_weekday` (Monday first) hold the same publications, and `recent` those of the
    last hours.
    """

    at: datetime
    observed_h: float = 0.0
    recent: float = 0.0
    by_hour: tuple[float, ...] = (0.0,) * 24
    by_weekday: tuple[float, ...] = (0.0,) * 7

    @classmethod
    def of_document(cls, dates: Iterable[datetime | None], now: datetime) -> Self:
        """Returns the rhythm that the dates of a feed's first document suggest."""
        minutes = _minutes(date for date in dates if date and now - LOOK_BACK <= date <= now)
        minutes = minutes[-math.ceil(RECENT_SHARE * len(minutes)) :] if minutes else []
        return cls(at=minutes[0] if minutes else now).with_publications(minutes, now)

    def with_publications(self, moments: Iterable[datetime], now: datetime) -> Self:
        """Returns the rhythm at `now`, after publications since `at`."""
        faded, observed_h, recent = self._faded(now)
        by_hour = [count * faded for count in self.by_hour]
        by_weekday = [count * faded for count in self.by_weekday]
        for minute in _minutes(moments):
            weight = 0.5 ** ((now - minute) / FADING)
            by_hour[minute.hour] += weight
            by_weekday[minute.weekday()] += weight
            recent += 0.5 ** ((now - minute) / BURST_FADING)
        return type(self)(now, observed_h, recent, tuple(by_hour), tuple(by_weekday))

    def _faded(self, now: datetime) -> tuple[float, float, float]:
        """Returns what a count at `at` counts at `now`, and `observed_h` and `recent` at `now`."""
        elapsed = max(now - self.at, timedelta(0))
        faded = 0.5 ** (elapsed / FADING)
        observed_h = self.observed_h * faded + (FADING / HOUR) / math.log(2) * (1 - faded)
        return faded, observed_h, self.recent * 0.5 ** (elapsed / BURST_FADING)

    def usual_gap(self, now: datetime) -> timedelta | None:
        """Returns the mean time between two publications; None if the rhythm is not known."""
        faded, observed_h, _ = self._faded(now)
        return _gap(observed_h, sum(self.by_hour) * faded)

    def time_until(self, publications: float, now: datetime, most: timedelta) -> timedelta | None:
        """Returns when so many publications may be expected; None if the rhythm is not known.

        That is by hour and weekday, sooner during a burst, and at most `most` after `now`.
        """
        faded, observed_h, recent = self._faded(now)
        total = sum(self.by_hour) * faded
        gap = _gap(observed_h, total)
        if gap is None:
            return None
        if recent > publications:
            # As if only the burst that just happens went on and faded away.
            most = min(most, BURST_FADING * math.log2(recent / (recent - publications)))
        observed = observed_h * HOUR
        moment, left = now, publications
        while moment < now + most:
            pace = 1 / gap.total_seconds()
            if observed >= HOURS_KNOWN_AFTER:
                pace *= _factor(self.by_hour, moment.hour, faded, total)
            if observed >= WEEKDAYS_KNOWN_AFTER:
                pace *= _factor(self.by_weekday, moment.weekday(), faded, total)
            next_hour = moment.replace(minute=0, second=0, microsecond=0) + HOUR
            expected = pace * (next_hour - moment).total_seconds()
            if expected >= left:
                return min(most, moment + timedelta(seconds=left / pace) - now)
            moment, left = next_hour, left - expected
        return most

    def pack(self) -> str:
        """Returns the stored form, 94 characters."""
        counts = (self.observed_h, self.recent, *self.by_hour, *self.by_weekday)
        minutes = int(self.at.timestamp() // 60)
        packed = _PACKED.pack(minutes, *(min(count, _MOST) for count in counts))
        return base64.b64encode(packed).decode()

    @classmethod
    def unpack(cls, stored: str | None) -> Self | None:
        """Reads what `pack` returned; None if there is nothing or it cannot be read."""
        if not stored:
            return None
        try:
            minutes, observed_h, recent, *counts = _PACKED.unpack(base64.b64decode(stored))
        except (struct.error, ValueError):
            return None
        at = datetime.fromtimestamp(60 * minutes, UTC)
        return cls(at, observed_h, recent, tuple(counts[:24]), tuple(counts[24:]))


def rhythm_after(
    stored: str | None,
    since: datetime | None,
    *,
    listed: Iterable[datetime | None],
    new: Iterable[datetime | None],
    now: datetime,
) -> Rhythm:
    """Returns a feed's rhythm after reading a document.

    `stored` is what was known before, `since` is when the feed was last read, and `listed` and
    `new` are the dates of all entries and of the new ones, None if missing or doubtful.
    """
    known = Rhythm.unpack(stored)
    if known is None or since is None:
        return Rhythm.of_document(listed, now)
    # An entry appeared after the last poll, whatever it says itself.
    moments = [date if date and since <= date <= now else now for date in new]
    return known.with_publications(moments, now) if moments else known


def _minutes(moments: Iterable[datetime]) -> list[datetime]:
    """Returns the minutes of moments, in order, each once."""
    return sorted({moment.replace(second=0, microsecond=0) for moment in moments})


def _gap(observed_h: float, total: float) -> timedelta | None:
    if observed_h * HOUR < KNOWN_AFTER and total < KNOWN_COUNT:
        return None
    return max(LEAST_GAP, min(observed_h / max(total, 0.01) * HOUR, MOST_GAP))


def _factor(counts: Sequence[float], number: int, faded: float, total: float) -> float:
    """Returns how much more than usual is published in an hour or weekday; their mean is 1."""
    return (counts[number] * faded + PRIOR) * len(counts) / (total + PRIOR * len(counts))
