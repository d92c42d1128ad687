"""Searches the archive with a query of the watchlist language.

The index of words selects candidates; where it cannot decide alone, the matcher does, with the same
code as for watchlists. Every transaction is short, so that a search that waits for its reader
delays nobody. Of each candidate, 24 bytes are kept.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import (
    BigInteger,
    Engine,
    Select,
    TextClause,
    select,
    text,
    type_coerce,
)

from monitor.archive.database import begin
from monitor.archive.narrow import UNKNOWN_WORDS, Filter, Some, fts5, narrow, tsquery
from monitor.archive.pool import BATCH, MAX_PROCESSES, in_batches
from monitor.archive.read import read_articles
from monitor.archive.scan import Scanner
from monitor.archive.schema import articles
from monitor.model import Article, Match
from monitor.watchlists.article import primary_subtag

_ROWS = 10_000
_DAY_MS = 24 * 60 * 60 * 1000
_FIRST_DAY = date(1970, 1, 1)


def has(engine: Engine, filter_: Filter) -> TextClause:
    """Returns the condition that an article passes a filter of the index of words."""
    if engine.dialect.name == "sqlite":
        # The plus keeps SQLite from reading whole rows: the index of moments has all columns.
        condition = "+articles.number IN (SELECT rowid FROM words WHERE words MATCH :words)"
        spelt = fts5(filter_)
    else:
        condition = "articles.words @@ CAST(:words AS tsquery)"
        spelt = tsquery(filter_)
    return text(condition).bindparams(words=spelt)


@dataclass(frozen=True, slots=True)
class FoundArticle:
    """An article that a query matches, when it was found, and the evidence."""

    article: Article
    found_at: datetime
    match: Match


@dataclass(slots=True)
class Totals:
    """Counts of the articles that a query matches; days are in UTC."""

    articles: int = 0
    by_day: Counter[date] = field(default_factory=Counter)
    by_source: Counter[str] = field(default_factory=Counter)
    by_language: Counter[str | None] = field(default_factory=Counter)


class _Candidates:
    """The articles that the index selected: numbers, moments, and what they are counted by."""

    def __init__(self) -> None:
        self.numbers = array("q")
        self.moments_ms = array("q")
        self.sources = array("i")
        self.languages = array("i")
        # At each number in `sources` and `languages`, the name that it stands for.
        self.names: list[Any] = []
        self._known: dict[tuple[str, Any], int] = {}

    def add(self, rows: Iterable[Sequence[Any]], languages: frozenset[str]) -> None:
        """Adds rows, unless they are in a language other than those asked for, if any."""
        for number, moment_ms, source, language in rows:
            code = primary_subtag(language) if language else None
            if languages and code not in languages:
                continue
            self.numbers.append(number)
            self.moments_ms.append(moment_ms)
            self.sources.append(self._number("source", source))
            self.languages.append(self._number("language", code))

    def _number(self, kind: str, name: str | None) -> int:
        number = self._known.get((kind, name))
        if number is None:
            number = self._known[kind, name] = len(self.names)
            self.names.append(name)
        return number


class Search:
    """A search: iterate once over it for what it finds, then read its totals.

    `candidates` is known from the first batch on; `examined` of them are decided.
    """

    def __init__(
        self,
        engine: Engine,
        query: str,
        definitions: Mapping[str, str] | None = None,
        *,
        since: datetime,
        until: datetime | None = None,
        sources: Sequence[str] = (),
        languages: Sequence[str] = (),
        limit: int | None = None,
        most_processes: int = MAX_PROCESSES,
    ) -> None:
        """Searches articles found since a moment and before `until`.

        `sources` are names of feeds, `languages` codes without regard to regions. The newest
        `limit` articles are yielded; all are counted. A large search starts up to `most_processes`,
        unless that is 1. Raises QueryError for a broken query.
        """
        self._scanner = Scanner(engine, query, definitions or {})
        self._most_processes = most_processes
        self._narrowing = narrow(self._scanner.matcher.root(0))
        self._period = since, until
        self._sources = sources
        self._languages = frozenset(map(primary_subtag, languages))
        self._left = limit
        self._found = _Candidates()
        self.examined = 0
        self.totals = Totals()

    @property
    def candidates(self) -> int:
        """Returns how many articles the index selected."""
        return len(self._found.numbers)

    def __iter__(self) -> Iterator[list[FoundArticle]]:
        """Yields the articles found in batches, newest first. A batch may be empty.

        Raises ArchiveUnavailable if the database fails.
        """
        self._select()
        for batch, matching in self._decided():
            first = self.examined
            places = [place for place, number in enumerate(batch, first) if number in matching]
            shown = places if self._left is None else places[: self._left]
            found = self._read(shown)
            gone = set(shown).difference(found)
            self._count([place for place in places if place not in gone] if gone else places)
            self.examined += len(batch)
            if self._left is not None:
                self._left -= len(found)
            yield list(found.values())

    def _select(self) -> None:
        """Selects the candidates, newest first."""
        with begin(self._scanner.engine) as connection:
            rows = connection.execution_options(yield_per=_ROWS).execute(self._candidates())
            for part in rows.partitions():
                self._found.add(part, self._languages)

    def _candidates(self) -> Select[tuple[int, int, str, str | None]]:
        since, until = self._period
        statement = (
            select(
                articles.c.number,
                type_coerce(articles.c.found_at, BigInteger),
                articles.c.source,
                articles.c.language,
            )
            .where(articles.c.found_at >= since)
            .order_by(articles.c.found_at.desc())
        )
        if until is not None:
            statement = statement.where(articles.c.found_at < until)
        if self._sources:
            statement = statement.where(articles.c.source.in_(self._sources))
        if self._narrowing.filter is not None:
            filter_ = Some((self._narrowing.filter, UNKNOWN_WORDS))
            statement = statement.where(has(self._scanner.engine, filter_))
        return statement

    def _decided(self) -> Iterator[tuple[Sequence[int], Iterable[int]]]:
        """Yields batches of the candidates, in order, with those that match."""
        numbers = self._found.numbers
        if not self._narrowing.is_exact:
            yield from in_batches(self._scanner, numbers, self._most_processes)
            return
        undecided = self._of_unknown_words()
        at = 0
        while at < len(numbers):
            size = _ROWS if self._left == 0 else BATCH
            batch = numbers[at : at + size]
            matching = set(batch)
            if unknown := matching & undecided:
                matching -= unknown - self._scanner.matching(sorted(unknown))
            yield batch, matching
            at += size

    def _of_unknown_words(self) -> set[int]:
        with begin(self._scanner.engine) as connection:
            unknown = has(self._scanner.engine, UNKNOWN_WORDS)
            return set(connection.execute(select(articles.c.number).where(unknown)).scalars())

    def _read(self, places: Sequence[int]) -> dict[int, FoundArticle]:
        """Returns the articles at these places, in order, without those that changed meanwhile."""
        place_of = {self._found.numbers[place]: place for place in places}
        found: dict[int, FoundArticle] = {}
        if not place_of:
            return found
        for row, stored in read_articles(self._scanner.engine, list(place_of)):
            for match in self._scanner.matcher.match(stored):
                found[place_of[row.number]] = FoundArticle(stored.article, row.found_at, match)
        return dict(sorted(found.items()))

    def _count(self, places: Sequence[int]) -> None:
        found, totals = self._found, self.totals
        totals.articles += len(places)
        for day, count in Counter(found.moments_ms[place] // _DAY_MS for place in places).items():
            totals.by_day[_FIRST_DAY + timedelta(days=day)] += count
        for source, count in Counter(found.sources[place] for place in places).items():
            totals.by_source[found.names[source]] += count
        for language, count in Counter(found.languages[place] for place in places).items():
            totals.by_language[found.names[language]] += count
