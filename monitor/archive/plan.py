"""Compares what two configurations, or one and the record, make of the archived articles."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Engine

from monitor.alerts.plan import (
    Coverage,
    PlannedChange,
    SubscriberChange,
    alerts_by_subscriber,
    covered,
    gained,
    overlap,
    subscriber_changes,
)
from monitor.archive.matching import WARM_UP, Asked, CoverageSearch, Period, period
from monitor.archive.muted import muted_articles
from monitor.archive.recorded import alerting_watchlists, received_alerts, recorded_coverage
from monitor.model import FeedFilter, Watchlist
from monitor.watchlists.changes import DefinedWatchlists, WatchlistChange, changes
from monitor.watchlists.query import parse

# A change with the watchlist's coverage before and after it.
Compared = tuple[WatchlistChange, Coverage, Coverage]


@dataclass(frozen=True, slots=True)
class Plan:
    """What a configuration would have done otherwise in a period, and for whom.

    `unchanged` counts the watchlists that are the same or, compared with the record, had the same
    alerts.
    """

    period: Period
    changes: list[PlannedChange]
    unchanged: int
    subscribers: list[SubscriberChange]


class Planner:
    """Makes a plan: iterate once over `search`, then call `plan`.

    Without `before`, the configuration is compared with what the daemon recorded.
    """

    def __init__(
        self,
        engine: Engine,
        after: DefinedWatchlists,
        before: DefinedWatchlists | None,
        *,
        since: datetime,
        until: datetime,
    ) -> None:
        """Raises QueryError for a query that the configuration would have refused."""
        self._engine = engine
        self._after, self._before = after, before
        self._period = period(engine, since, until)
        self._changes = changes(before, after) if before else []
        self._muted = muted_articles(engine, self._period.since - WARM_UP, self._period.until)
        # Versions of watchlists that match the same articles are looked for once.
        self._places: dict[tuple[str, FeedFilter], int] = {}
        asked: list[Asked] = []
        for watchlist, definitions in self._versions():
            key = parse(watchlist.query, definitions).reading, watchlist.feeds
            if key not in self._places:
                self._places[key] = len(asked)
                asked.append((watchlist, definitions))
        self.search = CoverageSearch(engine, asked, self._period)

    def plan(self) -> Plan:
        """Returns the plan. Raises ArchiveUnavailable if the database fails."""
        compared = self._with_before(self._before) if self._before else self._with_record()
        new = {change.name: gained(before, after) for change, before, after in compared}
        stories = {article.story for found in new.values() for article in found}
        alerting = self._alerting(compared, stories)
        planned = [
            PlannedChange(
                change, before, after, new[change.name], gained(after, before),
                overlap(change.name, new[change.name], alerting),
            )
            for change, before, after in compared
        ]  # fmt: skip
        if not self._before:
            planned = [each for each in planned if each.gained or each.lost]
        differing = sum(each.change.after is not None for each in planned)
        return Plan(
            self._period,
            planned,
            len(self._after.watchlists) - differing,
            self._subscribers(compared),
        )

    def _versions(self) -> Iterator[Asked]:
        """Yields the watchlists to look for, with their definitions."""
        if self._before is None:
            for watchlist in self._after.watchlists:
                yield watchlist, self._after.definitions
            return
        for change in self._changes:
            if change.before:
                yield change.before, self._before.definitions
            if change.after:
                yield change.after, self._after.definitions

    def _covered(self, watchlist: Watchlist | None, side: DefinedWatchlists) -> Coverage:
        if watchlist is None:
            return Coverage({}, [])
        key = parse(watchlist.query, side.definitions).reading, watchlist.feeds
        found = self.search.found[self._places[key]]
        return covered(watchlist, found, self._period.since, self._muted.get(watchlist.name, ()))

    def _with_before(self, before: DefinedWatchlists) -> list[Compared]:
        return [
            (
                change,
                self._covered(change.before, before),
                self._covered(change.after, self._after),
            )
            for change in self._changes
        ]

    def _with_record(self) -> list[Compared]:
        recorded = recorded_coverage(self._engine, self._period)
        compared: list[Compared] = []
        for watchlist in self._after.watchlists:
            before = recorded.pop(watchlist.name, None)
            change = WatchlistChange(
                "changed" if before else "new", watchlist.name, None, watchlist
            )
            after = self._covered(watchlist, self._after)
            compared.append((change, before or Coverage({}, []), after))
        for name, before in sorted(recorded.items()):
            compared.append((WatchlistChange("removed", name), before, Coverage({}, [])))
        return compared

    def _alerting(self, compared: Iterable[Compared], stories: set[str]) -> dict[str, set[str]]:
        """Returns the watchlists of the configuration that alert on each of these stories."""
        names = {watchlist.name for watchlist in self._after.watchlists}
        names.difference_update(change.name for change, _, _ in compared)
        found: defaultdict[str, set[str]] = defaultdict(set)
        if names and stories:
            for story, alerting in alerting_watchlists(self._engine, self._period, stories).items():
                found[story] = alerting & names
        for change, _, after in compared:
            for article in after.alerts:
                found[article.story].add(change.name)
        return found

    def _subscribers(self, compared: list[Compared]) -> list[SubscriberChange]:
        before = (
            alerts_by_subscriber((change.before, coverage) for change, coverage, _ in compared)
            if self._before
            else received_alerts(self._engine, self._period)
        )
        after = alerts_by_subscriber((change.after, coverage) for change, _, coverage in compared)
        return subscriber_changes(before, after)
