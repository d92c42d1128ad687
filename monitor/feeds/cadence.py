"""Decides when a feed is polled next, from its rhythm and how its last poll went. Pure.

docs/polling.md explains the same to operators.
"""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

from monitor.config import PollSettings
from monitor.feeds.pushes import NO_PUSH, Push
from monitor.feeds.rhythm import Rhythm
from monitor.model import Feed, FeedHints, FeedState

# A poll is due when half a publication is expected: it is then found within half the usual gap.
EXPECTED = 0.5
# The interval of a feed whose rhythm is not known yet, unless the settings name another.
STARTING = timedelta(minutes=15)
# As long as the rhythm is not known, a feed with news is polled again after this share of the time
# since then: publishers publish in bursts.
QUICKEN = 0.5
# A hint may double the interval, up to this. Most hints are the defaults of some software:
# WordPress says `hourly` whatever a site publishes.
MOST_STRETCH = 2
HINT_LIMIT = timedelta(minutes=15)
# Spreads the polls of feeds that were added together: a tenth each time, and half after the first.
JITTER = 0.1
FIRST_JITTER = 0.5
# Reading a feed takes at most a tenth of the time, however large it is.
PAUSE_PER_READING = 10
# Some failures last for days: such a feed is polled more rarely than `slowest`, but still daily.
RAREST = timedelta(days=1)
# When a feed is due that is polled no more: in Redis it stays scheduled, so that restarts and
# changes of the configuration do not take it for a new one.
NEVER = datetime(9999, 1, 1, tzinfo=UTC)
LASTING = 12
# After a failure of a kind: the first wait, as a multiple of the usual one, and the longest, as a
# multiple of `slowest`. Each failure in a row doubles the wait. What an overload or a restart of
# the server explains may pass at any moment; the others rarely do by themselves.
_PASSING, _STUBBORN, _LASTING = (1, 1), (1, LASTING), (2, LASTING)
_BACK_OFF = {
    "timeout": _PASSING, "unreachable": _PASSING, "connection": _PASSING, "empty": _PASSING,
    "http_408": _PASSING, "http_425": _PASSING, "http_5": _PASSING,
    "dns": _STUBBORN, "not_a_feed": _STUBBORN, "http_429": _STUBBORN, "fault": _STUBBORN,
    "tls": _LASTING, "http_4": _LASTING, "refused_address": _LASTING, "too_large": _LASTING,
    "wrong_content": _LASTING,
}  # fmt: skip


def next_poll(
    feed: Feed,
    state: FeedState,
    settings: PollSettings,
    *,
    now: datetime,
    rng: random.Random,
    failure: str = "",
    retry_after: timedelta | None = None,
    fresh_for: timedelta = timedelta(0),
    reading: timedelta = timedelta(0),
    is_first: bool = False,
    push: Push = NO_PUSH,
) -> datetime:
    """Returns the time of a feed's next poll, given its state after the last one.

    A feed with its own `every` is polled at that interval. Any other is polled so that a new entry
    is found within half the usual gap between two, at intervals between `fastest` and `slowest`
    (or `settings.every`, if that is set). Hints of the feed and of its server (`fresh_for`) can
    make that longer, within limits. Any feed is polled sooner after a poll that may have missed
    entries. If entries were held back, the next poll comes as soon as `fastest` allows. After
    failures the interval grows by the kind of `failure`, as `monitor.errors.error_kind` names it.
    `reading` is how long it took to read the feed; `is_first` says that this was the first poll.

    A feed whose hub tells of new entries (`push`) is polled at its longest interval. After a push
    that led to polls, the next one comes as soon as `fastest` allows: this one may have begun
    before the push, or have met a cache that is behind.

    The feed is not polled before a server's Retry-After, but that counts only up to a day. One that
    is stopped is due `NEVER`.
    """
    if state.stopped_at is not None:
        return NEVER
    if state.failures:
        wait = _after_failures(feed, state, settings, failure)
    elif state.held_back:
        wait = min(settings.fastest, feed.every or settings.fastest)
    else:
        longest = longest_wait(feed, settings)
        is_fixed = feed.every is not None or push.is_relied_on(now)
        wait = longest if is_fixed else _by_rhythm(feed, state, settings, now, fresh_for)
        if push.pinged_at is not None and now < push.pinged_at + settings.fastest:
            wait = min(wait, settings.fastest)
        if state.gaps and state.gaps.hurry_s:
            hurry = timedelta(seconds=state.gaps.hurry_s)
            wait = min(wait, max(hurry, settings.fastest))
    wait = max(wait, PAUSE_PER_READING * reading)
    earlier = FIRST_JITTER if is_first else JITTER
    due: datetime = now + wait * (1 + rng.uniform(-earlier, JITTER))
    if retry_after is not None:
        pause = min(retry_after, max(RAREST, settings.slowest))
        # All feeds of a server may have received the same answer at the same time.
        due = max(due, now + pause * (1 + JITTER * rng.random()))
    return due


def longest_wait(feed: Feed, settings: PollSettings) -> timedelta:
    """Returns the longest time between two polls of a feed that answers."""
    every = feed.every or settings.fixed_every
    return every or max(settings.slowest, settings.fastest)


def _by_rhythm(
    feed: Feed, state: FeedState, settings: PollSettings, now: datetime, fresh_for: timedelta
) -> timedelta:
    longest = longest_wait(feed, settings)
    rhythm = Rhythm.unpack(state.rhythm)
    wait = rhythm.time_until(EXPECTED, now, longest) if rhythm else None
    if wait is None:
        wait = settings.fixed_every or STARTING
        if state.changed_at is not None:
            wait = min(wait, (now - state.changed_at) * QUICKEN)
    wait = max(settings.fastest, min(wait, longest))
    hints = state.hints or FeedHints()
    asked = max(fresh_for, timedelta(seconds=hints.every_s or 0))
    wait = max(wait, min(asked, MOST_STRETCH * wait, HINT_LIMIT, longest))
    return _without_skipped(hints, now, wait, longest)


def _without_skipped(
    hints: FeedHints, now: datetime, wait: timedelta, longest: timedelta
) -> timedelta:
    """Moves a poll out of the hours and days that a feed wants to be skipped, within limits."""
    while wait < longest and _is_skipped(hints, now + wait):
        hour = (now + wait).replace(minute=0, second=0, microsecond=0)
        wait = hour + timedelta(hours=1) - now
    return min(wait, longest)


def _is_skipped(hints: FeedHints, moment: datetime) -> bool:
    return moment.hour in hints.skip_hours or moment.weekday() in hints.skip_weekdays


def _after_failures(
    feed: Feed, state: FeedState, settings: PollSettings, failure: str
) -> timedelta:
    usual = feed.every or settings.fixed_every or min(STARTING, settings.slowest)
    status_class = failure[: len("http_5")]
    first, most = _BACK_OFF.get(failure) or _BACK_OFF.get(status_class) or _PASSING
    longest = settings.slowest if most == 1 else min(most * settings.slowest, RAREST)
    wait: timedelta = first * usual * 2 ** min(state.failures - 1, 16)
    return min(wait, max(longest, settings.slowest, usual))
