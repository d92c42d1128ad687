"""Watches whether what should happen happens, and tells operators: a dead man's switch.

It runs in the archive's process, which needs neither scheduler nor worker. Several may look at
once: the state changes in the transaction that tells operators, only for the process that knew it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import structlog

from monitor.alerts.concerns import (
    DAYS,
    Concern,
    ConcernsState,
    collapse,
    decide,
    overdue,
    with_day,
)
from monitor.archive.activity import articles_by_day
from monitor.archive.rhythms import alert_days, readings
from monitor.archive_watch import ArchiveWatch
from monitor.overview.concerns import GENERAL, feed_concerns, name_of, process_concerns
from monitor.overview.feeds import FeedOverview, feed_overviews
from monitor.runtime.operators import tell

if TYPE_CHECKING:
    from redis.client import Pipeline

    from monitor.archive.database import Archive
    from monitor.config import Config
    from monitor.runtime.composition import Runtime

EVERY = timedelta(seconds=30)
# The archive is asked less often: its answers change by the day, and it reads a month's articles.
ARCHIVE_EVERY = timedelta(hours=1)
# While older records wait to be written, the archive does not know the last hours.
MOST_BEHIND = timedelta(minutes=5)
ARCHIVE_KINDS = frozenset({"overdue", "silent", "collapsed"})
DAY = timedelta(days=1)
# So many concerns are named in the title of one alert.
MOST_NAMED = 3

log = structlog.stdlib.get_logger(__name__)


class ConcernsWatch(ArchiveWatch):
    """Looks at processes and feeds every `EVERY`, and at rhythms every `ARCHIVE_EVERY`."""

    every = EVERY

    def __init__(self, runtime: Runtime) -> None:
        super().__init__(runtime)
        self._asked_at: datetime | None = None
        # What the archive showed when it was last asked.
        self._in_archive: list[Concern] | None = None

    def use(self, config: Config) -> None:
        """Takes a new configuration."""
        super().use(config)
        self._asked_at = None

    def look(self, engine: Archive, now: datetime) -> None:
        """Looks at everything, and tells operators what is new and what is well again."""
        runtime = self._runtime
        overviews = feed_overviews(runtime.config.feeds, runtime.store)
        found = [*process_concerns(runtime), *feed_concerns(overviews)]
        stored = runtime.store.concerns.state()
        before = stored or ConcernsState()
        if any(concern.key in GENERAL for concern in found):
            # Silence follows from these: what is known of it is neither told nor over.
            silent = [each.concern for each in before.known if each.concern.key not in GENERAL]
            found += [each for each in silent if each.key not in {one.key for one in found}]
        else:
            before = with_day(before, _day(now))
            self._ask(engine, overviews, before.days, now)
            found += self._in_archive if self._in_archive is not None else _of_archive(before)
        after, told, over = decide(before, found, now)
        if after == stored:
            return

        def alongside(pipe: Pipeline) -> None:
            if told:
                tell(runtime, _title(told), _text(told), now, pipe)
            if over:
                text = "\n".join(f"No longer true: {each.title}." for each in over)
                tell(runtime, f"well again: {_title(over)}", text, now, pipe)

        if runtime.store.concerns.change(stored, after, alongside):
            for each in told:
                log.error("operators concerned", what=each.title, advice=each.advice)
            for each in over:
                log.info("well again", what=each.title)

    def _ask(
        self, engine: Archive, overviews: Sequence[FeedOverview], days: Sequence[int], now: datetime
    ) -> None:
        """Asks the archive about rhythms, unless it was asked lately or is behind."""
        oldest = self._runtime.store.unarchived.backlog().oldest
        is_behind = oldest is not None and oldest < now - MOST_BEHIND
        was_asked = self._asked_at and timedelta(0) <= now - self._asked_at < ARCHIVE_EVERY
        if is_behind or was_asked:
            return
        self._asked_at = now
        self._in_archive = [
            *self._of_rhythms(engine, overviews, days, now),
            *_of_readings(engine, overviews, now),
        ]

    def _of_rhythms(
        self, engine: Archive, overviews: Sequence[FeedOverview], days: Sequence[int], now: datetime
    ) -> Iterator[Concern]:
        """Yields the feeds without news, and the watchlists without alerts, for too long."""
        since, today = now - DAYS * DAY, _day(now)
        by_feed = articles_by_day(engine, since)
        working = {*days, *(day for counts in by_feed.values() for day in counts)}
        for each in overviews:
            active = by_feed.get(each.feed.public_url, {})
            if silent := overdue(active, working, today):
                yield Concern(
                    f"overdue:{each.feed.id}",
                    f"the feed {name_of(each)} has brought nothing for {_days(silent)}",
                    f"It fails: {each.state.error}."
                    if each.state.failures
                    else "It answers, but with nothing new: see whether the site has another feed.",
                )
        by_watchlist = alert_days(engine, since)
        for watchlist in self._runtime.config.watchlists:
            # One with `spike` is watched by the hour.
            active_days = by_watchlist.get(watchlist.name, set())
            if watchlist.spike is None and (silent := overdue(active_days, working, today)):
                yield Concern(
                    f"silent:{watchlist.name}",
                    f"the watchlist {watchlist.heading} has not alerted for {_days(silent)}",
                    "See whether its feeds still bring articles, and whether its query still fits.",
                )


def _of_readings(
    engine: Archive, overviews: Sequence[FeedOverview], now: datetime
) -> Iterator[Concern]:
    """Yields the feeds whose articles are suddenly much shorter, or can no longer be read."""
    usual = readings(engine, now - DAYS * DAY, now - DAY)
    lately = readings(engine, now - DAY, now)
    for each in overviews:
        url = each.feed.public_url
        if url in usual and url in lately and (how := collapse(usual[url], lately[url])):
            yield Concern(
                f"collapsed:{each.feed.id}",
                f"the articles of {name_of(each)} {how}",
                "See whether the site now shows a login page, a paywall or a browser check: "
                "`presswatch clean URL` shows what is read of a page.",
            )


def _of_archive(state: ConcernsState) -> list[Concern]:
    """Returns what is known from the archive."""
    return [
        each.concern for each in state.known if each.concern.key.partition(":")[0] in ARCHIVE_KINDS
    ]


def _title(concerns: Sequence[Concern]) -> str:
    named = "; ".join(each.title for each in concerns[:MOST_NAMED])
    more = len(concerns) - MOST_NAMED
    return f"{named}; and {more} more" if more > 0 else named


def _text(concerns: Sequence[Concern]) -> str:
    return "\n".join(f"{each.title}. {each.advice}" for each in concerns)


def _day(now: datetime) -> int:
    return int(now.timestamp() // DAY.total_seconds())


def _days(count: int) -> str:
    return "a day" if count == 1 else f"{count} days"
