"""Decides what operators must hear of: what has gone silent or wrong, once, and when it is well.

A dead man's switch: it goes off because something does not happen. Pure.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

# A concern is told when it has lasted so long: what is gone at the next look is none.
PATIENCE = timedelta(minutes=1)
# What came on fewer days has no rhythm that it could break.
MIN_DAYS = 7
# How many days are looked at.
DAYS = 28
# What is less than this share of the usual has collapsed.
COLLAPSE = 1 / 3
# So many articles are needed to know what is usual, and what is so now.
MIN_USUAL_ARTICLES = 20
MIN_LATE_ARTICLES = 5


@dataclass(frozen=True, slots=True)
class Concern:
    """Something that is wrong: `title` says what, `advice` what to do; `key` identifies it."""

    key: str
    title: str
    advice: str


@dataclass(frozen=True, slots=True)
class KnownConcern:
    """A concern, since when it is known, and whether operators were told."""

    concern: Concern
    since: datetime
    is_told: bool = False


@dataclass(frozen=True, slots=True)
class ConcernsState:
    """All that is known, and the days (since the epoch, UTC) on which Presswatch was at work."""

    known: tuple[KnownConcern, ...] = ()
    days: tuple[int, ...] = ()

    @property
    def told(self) -> tuple[KnownConcern, ...]:
        """Returns the concerns that operators were told of."""
        return tuple(each for each in self.known if each.is_told)


@dataclass(frozen=True, slots=True)
class Readings:
    """How a feed's articles of some time were read: counts, and their texts' mean size in bytes.

    `whole` counts those that were read in full from their pages.
    """

    articles: int
    whole: int
    mean_bytes: float


def decide(
    before: ConcernsState, found: Sequence[Concern], now: datetime
) -> tuple[ConcernsState, list[Concern], list[Concern]]:
    """Returns the state after a look, what operators are to be told now, and what is well again."""
    known = {each.concern.key: each for each in before.known}
    present = {concern.key for concern in found}
    after, told = [], []
    for concern in found:
        entry = known.get(concern.key) or KnownConcern(concern, now)
        # What it says may have changed.
        entry = replace(entry, concern=concern)
        if not entry.is_told and now - entry.since >= PATIENCE:
            entry = replace(entry, is_told=True)
            told.append(concern)
        after.append(entry)
    over = [each.concern for each in before.told if each.concern.key not in present]
    return replace(before, known=tuple(after)), told, over


def with_day(state: ConcernsState, today: int) -> ConcernsState:
    """Returns the state with a day on which Presswatch was at work, without those long ago."""
    days = {day for day in state.days if day >= today - DAYS} | {today}
    return replace(state, days=tuple(sorted(days)))


def overdue(active: Collection[int], working: Collection[int], today: int) -> int:
    """Returns for how many days something with a rhythm has been silent; 0 if that is usual.

    `active` are the days on which it came, `working` those on which Presswatch was at work; others
    do not count, nor does today. It is overdue after more than twice its longest pause.
    """
    days = sorted(day for day in {*active, *working} if day < today)
    came = set(active)
    if len(came) < MIN_DAYS or today in came:
        return 0
    longest = silent = 0
    has_begun = False
    for day in days:
        if day in came:
            longest, silent, has_begun = max(longest, silent), 0, True
        elif has_begun:
            silent += 1
    return silent if silent > 2 * longest else 0


def collapse(usual: Readings, late: Readings) -> str:
    """Returns how a feed's articles have become worse, as a sentence without subject; "" if not."""
    if usual.articles < MIN_USUAL_ARTICLES or late.articles < MIN_LATE_ARTICLES:
        return ""
    usually_whole, lately_whole = usual.whole / usual.articles, late.whole / late.articles
    if lately_whole < COLLAPSE * usually_whole and usually_whole > 1 - COLLAPSE:
        return (
            f"can no longer be read in full: {late.whole} of the last {late.articles} were, "
            f"{usually_whole:.0%} usually are"
        )
    if late.mean_bytes < COLLAPSE * usual.mean_bytes:
        return f"are {late.mean_bytes / usual.mean_bytes:.0%} as long as usual"
    return ""
