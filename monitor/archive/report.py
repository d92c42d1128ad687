"""Reads the figures of a report. A match counts at the moment at which the article was matched."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from sqlalchemy import func, select

from monitor.archive.database import begin
from monitor.archive.report_counts import Counts, count_coverage
from monitor.archive.report_stories import described, spikes_in
from monitor.archive.schema import articles, matches
from monitor.reports.figures import (
    CoveredStory,
    Figures,
    NamedTally,
    ReportedSpike,
    Tally,
    WatchlistFigures,
)
from monitor.watchlists.article import primary_subtag

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from monitor.reports.periods import Period

# So many watchlists and languages are named, and so many watchlists with their stories.
MOST_WATCHLISTS = 50
MOST_LANGUAGES = 20
MOST_DESCRIBED = 20


def covered_watchlists(engine: Engine) -> list[str]:
    """Returns the names of all watchlists that ever matched, sorted."""
    # DISTINCT would read the whole index; this looks up each name.
    first = select(func.min(matches.c.watchlist).label("name")).cte("names", recursive=True)
    following = select(func.min(matches.c.watchlist)).where(matches.c.watchlist > first.c.name)
    names = first.union_all(
        select(following.scalar_subquery()).select_from(first).where(first.c.name.is_not(None))
    )
    with begin(engine) as connection:
        return sorted(connection.scalars(select(names.c.name).where(names.c.name.is_not(None))))


def read_figures(engine: Engine, period: Period, watchlists: Sequence[str]) -> Figures:
    """Returns the figures of a report about these watchlists.

    There is no comparison if the archive's oldest article was found after the period before began.
    Raises ArchiveUnavailable if the database fails.
    """
    with begin(engine) as connection:
        oldest = connection.execute(select(func.min(articles.c.found_at))).scalar()
        counts = count_coverage(connection, period, watchlists)
        ranked = sorted(
            dict.fromkeys(watchlists),
            key=lambda name: (-counts.volumes[name, True].articles, name),
        )
        stories = {
            (name, story): count
            for (name, story), count in counts.stories.items()
            if name in ranked[:MOST_DESCRIBED]
        }
        details = described(connection, period, stories)
        spikes = spikes_in(connection, period, watchlists)
    is_compared = oldest is not None and oldest <= period.before.since
    return _Assembly(period, counts, ranked, is_compared=is_compared).figures(details, spikes)


class _Assembly:
    """Puts the figures of a report together from its counts."""

    def __init__(
        self, period: Period, counts: Counts, ranked: list[str], *, is_compared: bool
    ) -> None:
        self._period = period
        self._counts = counts
        self._ranked = ranked
        self._is_compared = is_compared

    def figures(
        self,
        stories: Mapping[str, Sequence[CoveredStory]],
        spikes: tuple[list[ReportedSpike], int],
    ) -> Figures:
        now, before = self._counts.totals[True], self._counts.totals[False]
        of_now = [self._counts.volumes[name, True] for name in self._ranked]
        of_before = [self._counts.volumes[name, False] for name in self._ranked]
        return Figures(
            since=self._period.since,
            until=self._period.until,
            watchlist_count=len(self._ranked),
            articles=self._tally(now.articles, before.articles),
            matches=self._tally(*(sum(v.articles for v in each) for each in (of_now, of_before))),
            alerts=self._tally(*(sum(v.alerts for v in each) for each in (of_now, of_before))),
            stories=self._tally(now.stories, before.stories),
            source_count=self._tally(now.sources, before.sources),
            later=sum(volume.later for volume in of_now),
            steps=self._steps(now.steps),
            steps_before=self._steps(before.steps) if self._is_compared else (),
            watchlists=tuple(
                self._watchlist(name, stories.get(name, ()))
                for name in self._ranked[:MOST_WATCHLISTS]
            ),
            sources=tuple(
                NamedTally(name, self._tally(*count))
                for name, count in self._counts.sources.items()
            ),
            languages=self._languages(),
            spikes=tuple(spikes[0]),
            spike_count=spikes[1],
        )

    def _watchlist(self, name: str, stories: Sequence[CoveredStory]) -> WatchlistFigures:
        now, before = self._counts.volumes[name, True], self._counts.volumes[name, False]
        return WatchlistFigures(
            name,
            articles=self._tally(now.articles, before.articles),
            alerts=self._tally(now.alerts, before.alerts),
            later=now.later,
            steps=self._steps(now.steps),
            steps_before=self._steps(before.steps) if self._is_compared else (),
            stories=tuple(stories),
        )

    def _languages(self) -> tuple[NamedTally, ...]:
        """Returns the languages without their regions, those with the most articles first."""
        now: Counter[str] = Counter()
        before: Counter[str] = Counter()
        for tag, counts in self._counts.languages.items():
            code = primary_subtag(tag or "")
            now[code] += counts[0]
            before[code] += counts[1]
        return tuple(
            NamedTally(code, self._tally(count, before[code]))
            for code, count in now.most_common(MOST_LANGUAGES)
        )

    def _tally(self, now: int, before: int) -> Tally:
        return Tally(now, before if self._is_compared else None)

    def _steps(self, counted: Mapping[int, int]) -> tuple[int, ...]:
        return tuple(counted.get(step, 0) for step in range(self._period.steps))
