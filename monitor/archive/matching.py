"""Finds the archived articles that many watchlists match, in one pass."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Engine, func, select

from monitor.alerts.plan import ArchivedArticle
from monitor.archive.database import begin
from monitor.archive.narrow import UNKNOWN_WORDS, All, Filter, Has, Some, narrow
from monitor.archive.pool import Numbers, in_batches
from monitor.archive.read import read_described
from monitor.archive.schema import articles
from monitor.archive.search import has, prefer_index
from monitor.model import Watchlist
from monitor.watchlists.matcher import Matcher
from monitor.watchlists.query import parse

# A story that began before a period has mostly had its alert within this time before it: new
# articles find their stories by words for as long (`monitor.store.stories.WINDOW`).
WARM_UP = timedelta(hours=72)
# With so many words, of which half are in all of 300,000 articles, the index takes 3 s, an eighth
# of what reading all of them takes; with ten times as many it takes longer than reading.
MOST_LEXEMES = 1_000
_ROWS = 10_000

# A watchlist, with the definitions that its query uses.
Asked = tuple[Watchlist, Mapping[str, str]]
Terms = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Period:
    """A time from `since` until just before `until`, with what the archive has of it.

    `since` is when its first article was found, if that was later than asked for.
    """

    since: datetime
    until: datetime
    articles: int

    @property
    def days(self) -> float:
        """Returns the length in days."""
        return (self.until - self.since) / timedelta(days=1)


def period(engine: Engine, since: datetime, until: datetime) -> Period:
    """Returns the part of a time that the archive reaches back to."""
    found_at = articles.c.found_at
    with begin(engine) as connection:
        first = connection.execute(select(func.min(found_at)).where(found_at < until)).scalar()
        count = connection.execute(
            select(func.count()).where(found_at >= since, found_at < until)
        ).scalar_one()
    return Period(max(since, first) if first else since, until, count)


class CoverageScanner:
    """Decides which watchlists match articles, all in one pass. A `Decider` of `pool`."""

    def __init__(self, engine: Engine, asked: Sequence[Asked]) -> None:
        """Raises QueryError for a broken query."""
        self.engine = engine
        self._asked = tuple(asked)
        self.roots = [parse(each.query, definitions).root for each, definitions in asked]
        watchlists = [watchlist for watchlist, _ in asked]
        self._matcher = Matcher(watchlists, roots=self.roots)

    @property
    def arguments(self) -> tuple[Any, ...]:
        """Returns what a scanner in another process is made from, beside the archive."""
        return (self._asked,)

    def matching(self, numbers: Numbers) -> list[tuple[ArchivedArticle, list[tuple[int, Terms]]]]:
        """Returns the articles that any watchlist matches, with those that do, and their terms.

        They are in the order of `numbers`; a watchlist is named by its place.
        """
        found = {}
        for row, described, stored in read_described(self.engine, numbers):
            if terms := self._matcher.terms(stored, described):
                archived = ArchivedArticle(row.number, row.id, row.story, row.found_at)
                found[row.number] = archived, terms
        return [found[number] for number in numbers if number in found]


class CoverageSearch:
    """Finds the articles that watchlists match: iterate once over it, then read `found`.

    `found` holds, for each watchlist, its articles with their terms, in the order of time.
    `candidates` is known from the first batch on; `examined` of them are decided.
    """

    def __init__(self, engine: Engine, asked: Sequence[Asked], period: Period) -> None:
        """Raises QueryError for a broken query."""
        self._scanner = CoverageScanner(engine, asked)
        self._period = period
        self.candidates = 0
        self.examined = 0
        self.found: list[list[tuple[ArchivedArticle, Terms]]] = [[] for _ in asked]

    def __iter__(self) -> Iterator[None]:
        """Examines a batch at a time. Raises ArchiveUnavailable if the database fails."""
        # Articles match the same few combinations of terms.
        known: dict[Terms, Terms] = {}
        numbers = self._select()
        self.candidates = len(numbers)
        for batch, matching in in_batches(self._scanner, numbers):
            for archived, watchlists in matching:
                for place, terms in watchlists:
                    self.found[place].append((archived, known.setdefault(terms, terms)))
            self.examined += len(batch)
            yield

    def _select(self) -> array[int]:
        """Returns the numbers of the articles that may match any watchlist, oldest first."""
        numbers = array("q")
        if not self.found:
            return numbers
        found_at = articles.c.found_at
        statement = (
            select(articles.c.number)
            .where(found_at >= self._period.since - WARM_UP, found_at < self._period.until)
            .order_by(found_at, articles.c.number)
        )
        filters = [narrow(root).filter for root in self._scanner.roots]
        narrowed = [filter_ for filter_ in filters if filter_ is not None]
        is_narrow = len(narrowed) == len(filters) and sum(map(_size, narrowed)) <= MOST_LEXEMES
        if is_narrow:
            any_of = Some((*dict.fromkeys(narrowed), UNKNOWN_WORDS))
            statement = statement.where(has(self._scanner.engine, any_of))
        with begin(self._scanner.engine) as connection:
            if is_narrow:
                prefer_index(connection)
            rows = connection.execution_options(yield_per=_ROWS).execute(statement)
            for part in rows.partitions():
                numbers.extend(row.number for row in part)
        return numbers


def _size(filter_: Filter) -> int:
    if isinstance(filter_, Has):
        return 1
    without = filter_.without if isinstance(filter_, All) else ()
    return sum(map(_size, (*filter_.parts, *without)))
