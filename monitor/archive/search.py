"""Searches the archive with a query of the watchlist language.

The index of words selects candidates; where it cannot decide alone, the matcher does, with the same
code as for watchlists. Every transaction is short, so that a search that waits for its reader
delays nobody. Of each candidate, 24 bytes are kept.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import (
    BigInteger,
    Connection,
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


def prefer_index(connection: Connection) -> None:
    """Makes PostgreSQL use the index of words in this transaction, however common a word is.

    Otherwise it reads every article's words, which takes seven times as long: they are not kept in
    the table itself.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(text("SET LOCAL enable_seqscan = off"))
        # So many bytes hold the places of millions of articles one by one. With fewer, the words of
        # all articles on a page would be read as well.
        connection.execute(text("SET LOCAL work_mem = '64MB'"))


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


class _Names(dict[Any, int]):
    """Numbers names from 0 on, so that four bytes of each article suffice to count by them."""

    def __missing__(self, name: Any) -> int:
        number = self[name] = len(self)
        return number


class _Candidates:
    """The articles that the index selected: numbers, moments, and what they are counted by."""

    def __init__(self, languages: Iterable[str]) -> None:
        """Takes the languages that are asked for; without any, all are."""
        self.numbers = array("q")
        self.moments_ms = array("q")
        self.sources = array("i")
        self.languages = array("i")
        self.source_names, self.language_names = _Names(), _Names()
        self._wanted = frozenset(map(primary_subtag, languages))

    def add(self, rows: Sequence[Sequence[Any]]) -> None:
        """Adds rows, unless they are in a language other than those asked for, if any."""
        if self._wanted:
            rows = [row for row in rows if row[3] and primary_subtag(row[3]) in self._wanted]
        if not rows:
            return
        # By columns, which takes a third of the time.
        numbers, moments_ms, sources, languages = zip(*rows, strict=True)
        self.numbers.extend(numbers)
        self.moments_ms.extend(moments_ms)
        self.sources.extend(map(self.source_names.__getitem__, sources))
        self.languages.extend(map(self.language_names.__getitem__, languages))


class Search:
    """A search: iterate once over it for what it finds, then read its totals.

    `candidates` is known from the first batch on; `examined` of them are decided. `matching` holds
    the numbers of all articles found, newest first, and `moments_ms` when each was found.
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
        must_stop: Callable[[], bool] | None = None,
    ) -> None:
        """Searches articles found since a moment and before `until`.

        `sources` are names of feeds, `languages` codes without regard to regions. The newest
        `limit` articles are yielded; all are counted. A large search starts up to `most_processes`,
        unless that is 1. `must_stop` is asked between batches: once it is true, the search
        ends with what it found, which is the newest. Raises QueryError for a broken query.
        """
        self._scanner = Scanner(engine, query, definitions or {})
        self._most_processes = most_processes
        self._narrowing = narrow(self._scanner.matcher.root(0))
        self._period = since, until
        self._sources = sources
        self._left = limit
        self._found = _Candidates(languages)
        self._must_stop = must_stop or (lambda: False)
        self.is_complete = False
        self.matching = array("q")
        self.moments_ms = array("q")
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
        has_all = self._select()
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
            if self._must_stop():
                break
        self.is_complete = has_all and self.examined == self.candidates

    @property
    def reached_ms(self) -> int | None:
        """Returns when the last article that was decided was found; None if none was."""
        return self._found.moments_ms[self.examined - 1] if self.examined else None

    def read(self, numbers: Sequence[int]) -> list[FoundArticle]:
        """Returns those of these articles that the query matches, in order, with the evidence."""
        found = self._with_evidence(numbers)
        return [found[number] for number in numbers if number in found]

    def _with_evidence(self, numbers: Sequence[int]) -> dict[int, FoundArticle]:
        found: dict[int, FoundArticle] = {}
        for row, stored in read_articles(self._scanner.engine, numbers) if numbers else ():
            for match in self._scanner.matcher.match(stored):
                found[row.number] = FoundArticle(stored.article, row.found_at, match)
        return found

    def _select(self) -> bool:
        """Selects the candidates, newest first; returns whether there was time for all."""
        with begin(self._scanner.engine) as connection:
            if self._narrowing.filter is not None:
                prefer_index(connection)
            with connection.execution_options(yield_per=_ROWS).execute(self._candidates()) as rows:
                for part in rows.partitions():
                    self._found.add(part)
                    if self._must_stop():
                        return False
        return True

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
        found = self._with_evidence([self._found.numbers[place] for place in places])
        return {
            place: found[number]
            for place in places
            if (number := self._found.numbers[place]) in found
        }

    def _count(self, places: Sequence[int]) -> None:
        found, totals = self._found, self.totals
        totals.articles += len(places)
        self.matching.extend(found.numbers[place] for place in places)
        self.moments_ms.extend(found.moments_ms[place] for place in places)
        for day, count in Counter(found.moments_ms[place] // _DAY_MS for place in places).items():
            totals.by_day[_FIRST_DAY + timedelta(days=day)] += count
        names = list(found.source_names)
        for source, count in Counter(found.sources[place] for place in places).items():
            totals.by_source[names[source]] += count
        names = list(found.language_names)
        for number, count in Counter(found.languages[place] for place in places).items():
            language = names[number]
            totals.by_language[primary_subtag(language) if language else None] += count
