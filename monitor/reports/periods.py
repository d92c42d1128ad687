"""The time that a report is about, in steps. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timedelta

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
# The lengths of steps, each with the most of them that a chart shows.
STEPS = ((HOUR, 48), (DAY, 62), (7 * DAY, 62), (28 * DAY, 62))
LONGEST_STEP = 364 * DAY


@dataclass(frozen=True, slots=True)
class Period:
    """The time from `since` until before `until`, in steps of which the last may be shorter.

    It is longer if what is left would be an hour or less, as when the clocks are set back.
    """

    since: datetime
    until: datetime

    @property
    def length(self) -> timedelta:
        """Returns how long the period is."""
        return self.until - self.since

    @property
    def before(self) -> Period:
        """Returns the period of the same length that ends where this one begins."""
        return Period(self.since - self.length, self.since)

    @property
    def step(self) -> timedelta:
        """Returns the length of a step: an hour, a day, or weeks."""
        fitting = (step for step, most in STEPS if self.length <= most * step)
        return next(fitting, LONGEST_STEP)

    @property
    def steps(self) -> int:
        """Returns how many steps the period has."""
        left_over = HOUR if self.step > HOUR else timedelta(0)
        return max(1, math.ceil((self.length - left_over) / self.step))
