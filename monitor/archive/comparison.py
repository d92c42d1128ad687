"""Compares two queries over a time of the archive: what the new one gains and loses.

Both queries are searched within a time limit, newest articles first. If one of them is cut short,
they are compared over the time that both cover.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Engine, select

from monitor.archive.database import begin
from monitor.archive.schema import articles
from monitor.archive.search import FoundArticle, Search
from monitor.archive.volumes import Buckets
from monitor.model import FeedFilter
from monitor.watchlists.matcher import covers

# Numbers in one statement.
_AT_ONCE = 5_000


@dataclass(frozen=True, slots=True)
class Findings:
    """What a query finds: counts in each bucket, and the newest articles with their evidence."""

    total: int
    counts: tuple[int, ...]
    newest: tuple[FoundArticle, ...]


@dataclass(frozen=True, slots=True)
class Comparison:
    """What a query finds beside the present one, which may be absent.

    `since` is the moment from which on both were searched: later than asked for if the time was up.
    """

    since: datetime
    is_complete: bool
    found: Findings
    present: Findings | None = None
    gained: Findings | None = None
    lost: Findings | None = None


def compare(
    engine: Engine,
    query: str,
    present: str | None,
    definitions: Mapping[str, str],
    buckets: Buckets,
    *,
    feeds: FeedFilter | None = None,
    most: int = 20,
    limit_s: float = 4.0,
    is_cancelled: Callable[[], bool] | None = None,
) -> Comparison:
    """Searches with a query and, unless it is None, with the present one.

    `feeds` limits both. `most` articles of each kind are read. Each search may take half of
    `limit_s`, in seconds; `is_cancelled` ends it earlier. Raises QueryError for a broken query, and
    ArchiveUnavailable if the database fails.
    """
    queries = [query] if present is None else [query, present]
    runs = [
        _Run(engine, each, definitions, buckets, limit_s / len(queries), is_cancelled)
        for each in queries
    ]
    reached = [run.reached for run in runs]
    since = max([buckets.start, *filter(None, reached)])
    found = [run.found_since(since, feeds) for run in runs]
    first = runs[0].findings(found[0], buckets, most)
    is_complete = not any(reached)
    if present is None:
        return Comparison(since, is_complete, first)
    gained = {number: at for number, at in found[0].items() if number not in found[1]}
    lost = {number: at for number, at in found[1].items() if number not in found[0]}
    return Comparison(
        since,
        is_complete,
        first,
        present=runs[1].findings(found[1], buckets, 0),
        gained=runs[0].findings(gained, buckets, most),
        lost=runs[1].findings(lost, buckets, most),
    )


class _Run:
    """A search that has ended; `reached` is how far back it came, None if all the way."""

    def __init__(
        self,
        engine: Engine,
        query: str,
        definitions: Mapping[str, str],
        buckets: Buckets,
        limit_s: float,
        is_cancelled: Callable[[], bool] | None,
    ) -> None:
        deadline = time.monotonic() + limit_s

        def must_stop() -> bool:
            return time.monotonic() > deadline or (is_cancelled is not None and is_cancelled())

        self._engine = engine
        # In this process alone: others would take longer to start than the time allows.
        self._search = Search(
            engine, query, definitions, since=buckets.start, until=buckets.until, limit=0,
            most_processes=1, must_stop=must_stop,
        )  # fmt: skip
        for _ in self._search:
            pass
        self.reached: datetime | None = None
        if not self._search.is_complete:
            reached_ms = self._search.reached_ms
            self.reached = (
                buckets.until
                if reached_ms is None
                else datetime.fromtimestamp(reached_ms / 1000, UTC)
            )

    def found_since(self, since: datetime, feeds: FeedFilter | None) -> dict[int, int]:
        """Returns the numbers of the articles found since a moment, with when each was found."""
        since_ms = since.timestamp() * 1000
        pairs = zip(self._search.matching, self._search.moments_ms, strict=True)
        found = {number: at for number, at in pairs if at >= since_ms}
        if feeds is None or feeds == FeedFilter():
            return found
        covered = set(_covered(self._engine, list(found), feeds))
        return {number: at for number, at in found.items() if number in covered}

    def findings(self, found: Mapping[int, int], buckets: Buckets, most: int) -> Findings:
        """Counts these articles, and reads the newest of them."""
        newest = self._search.read(list(found)[:most])
        return Findings(len(found), buckets.counted(found.values()), tuple(newest))


def _covered(engine: Engine, numbers: Sequence[int], feeds: FeedFilter) -> Iterator[int]:
    """Yields the numbers of those articles that come from these feeds."""
    columns = articles.c
    for at in range(0, len(numbers), _AT_ONCE):
        query = select(columns.number, columns.source, columns.tags, columns.language).where(
            columns.number.in_(numbers[at : at + _AT_ONCE])
        )
        with begin(engine) as connection:
            for number, source, tags, language in connection.execute(query):
                if covers(feeds, source, tags, language):
                    yield number
