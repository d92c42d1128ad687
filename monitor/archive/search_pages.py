"""Searches the archive page by page, each within a limit on time and work.

A page is what somebody waits for. `search.Search` finds and counts everything, however long it
takes.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import BigInteger, Engine, Select, select, tuple_, type_coerce

from monitor.archive.browse import in_languages
from monitor.archive.database import begin
from monitor.archive.narrow import UNKNOWN_WORDS, Some, narrow
from monitor.archive.read import read_articles
from monitor.archive.scan import Scanner
from monitor.archive.schema import articles
from monitor.archive.search import FoundArticle, has, prefer_index
from monitor.watchlists.article import primary_subtag

# Where a page ends: when its last article was found, in milliseconds, and that article's number.
Position = tuple[int, int]

# So many candidates are decided at once, and in all.
_BATCH = 200
MOST_EXAMINED = 20_000
LIMIT_S = 3.0


@dataclass(frozen=True, slots=True)
class SearchPage:
    """Articles that a query matches, newest first.

    Every article found after `reached` was searched. `older` is where the next page begins, None at
    the end.
    """

    articles: tuple[FoundArticle, ...]
    reached: datetime
    older: Position | None


def search_page(
    engine: Engine,
    query: str,
    definitions: Mapping[str, str],
    *,
    since: datetime,
    until: datetime | None = None,
    sources: Sequence[str] = (),
    languages: Sequence[str] = (),
    after: Position | None = None,
    limit: int = 50,
    limit_s: float = LIMIT_S,
) -> SearchPage:
    """Searches articles found since a moment and before `until`, or those older than a position.

    Ends after `limit` articles, or `limit_s` seconds. Raises QueryError for a broken query, and
    ArchiveUnavailable if the database fails.
    """
    deadline = time.monotonic() + limit_s
    scanner = Scanner(engine, query, definitions)
    candidates = _candidates(engine, scanner, since, until, sources, languages, after)
    found: list[FoundArticle] = []
    for at in range(0, min(len(candidates), MOST_EXAMINED), _BATCH):
        batch = candidates[at : min(at + _BATCH, MOST_EXAMINED)]
        matching = scanner.matching([number for _, number in batch])
        pairs = [pair for pair in batch if pair[1] in matching]
        room = limit - len(found)
        found += _read(scanner, [number for _, number in pairs[:room]])
        is_full = len(pairs) >= room
        last = pairs[room - 1] if is_full else batch[-1]
        is_up = time.monotonic() > deadline
        if (is_full or is_up) and last != candidates[-1]:
            return SearchPage(tuple(found), _moment(last), last)
    if len(candidates) > MOST_EXAMINED:
        last = candidates[MOST_EXAMINED - 1]
        return SearchPage(tuple(found), _moment(last), last)
    return SearchPage(tuple(found), since, None)


def _candidates(
    engine: Engine,
    scanner: Scanner,
    since: datetime,
    until: datetime | None,
    sources: Sequence[str],
    languages: Sequence[str],
    after: Position | None,
) -> list[Position]:
    """Returns what the index of words selects, newest first: one more than is examined."""
    moment = type_coerce(articles.c.found_at, BigInteger)
    statement: Select[Any] = (
        select(moment, articles.c.number)
        .where(articles.c.found_at >= since)
        .order_by(moment.desc(), articles.c.number.desc())
        .limit(MOST_EXAMINED + 1)
    )
    if until is not None:
        statement = statement.where(articles.c.found_at < until)
    if sources:
        statement = statement.where(articles.c.source.in_(sources))
    if languages:
        codes = {primary_subtag(language) for language in languages}
        statement = statement.where(in_languages(articles.c.language, sorted(codes)))
    if after is not None:
        statement = statement.where(tuple_(moment, articles.c.number) < tuple_(*after))
    narrowing = narrow(scanner.matcher.root(0))
    if narrowing.filter is not None:
        statement = statement.where(has(engine, Some((narrowing.filter, UNKNOWN_WORDS))))
    with begin(engine) as connection:
        if narrowing.filter is not None:
            prefer_index(connection)
        return [(int(at), int(number)) for at, number in connection.execute(statement)]


def _read(scanner: Scanner, numbers: Sequence[int]) -> list[FoundArticle]:
    """Returns those articles that are still there and match, in this order."""
    found = {
        row.number: FoundArticle(stored.article, row.found_at, match)
        for row, stored in read_articles(scanner.engine, numbers)
        for match in scanner.matcher.match(stored)
    }
    return [found[number] for number in numbers if number in found]


def _moment(position: Position) -> datetime:
    return datetime.fromtimestamp(position[0] / 1000, UTC)
