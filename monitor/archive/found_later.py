"""Lists matches that were found later, by looking back in the archive: nobody was alerted."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import BigInteger, distinct, func, select, tuple_, type_coerce

from monitor.archive.browse import AlertFilter, Cursor, cut, in_languages
from monitor.archive.database import begin
from monitor.archive.schema import articles, matches

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Engine


@dataclass(frozen=True, slots=True)
class LaterArticle:
    """An article that watchlists matched later; `found_at` is when the article itself was found."""

    id: str
    title: str
    url: str
    source: str
    language: str | None
    story: str
    found_at: datetime
    watchlists: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LaterPage:
    """A page of articles; `older` is where the next one begins, None at the end."""

    articles: tuple[LaterArticle, ...]
    older: Cursor | None


def later_page(
    engine: Engine, selection: AlertFilter, *, after: Cursor | None = None, limit: int = 50
) -> LaterPage:
    """Returns the newest articles that were matched later, or those older than a cursor.

    Of a selection, the time, the watchlists, sources and languages hold; the rest is of alerts.
    """
    moment = type_coerce(matches.c.matched_at, BigInteger)
    query = (
        select(
            matches.c.article.label("id"),
            moment.label("moment_ms"),
            *(articles.c[name] for name in ("title", "url", "source", "language", "story")),
            articles.c.found_at,
        )
        .join(articles, articles.c.id == matches.c.article)
        .where(*_conditions(selection))
        .order_by(moment.desc(), matches.c.article.desc())
        .distinct()
        .limit(limit + 1)
    )
    if after is not None:
        query = query.where(tuple_(moment, matches.c.article) < tuple_(*after))
    with begin(engine) as connection:
        rows, older = cut(connection.execute(query).all(), limit)
        names = _watchlists(connection, [row.id for row in rows])
    return LaterPage(tuple(_article(row, names[row.id]) for row in rows), older)


def later_watchlists(engine: Engine, article: str) -> tuple[str, ...]:
    """Returns the watchlists that matched an article later, by name."""
    with begin(engine) as connection:
        return tuple(_watchlists(connection, [article])[article])


def count_later(engine: Engine, selection: AlertFilter) -> int:
    """Returns how many articles of a selection were matched later; see `later_page`."""
    query = (
        select(func.count(distinct(matches.c.article)))
        .join(articles, articles.c.id == matches.c.article)
        .where(*_conditions(selection))
    )
    with begin(engine) as connection:
        return connection.scalar(query) or 0


def _watchlists(connection: Any, found: Collection[str]) -> dict[str, list[str]]:
    names: dict[str, list[str]] = defaultdict(list)
    query = (
        select(matches.c.article, matches.c.watchlist)
        .where(matches.c.later, matches.c.article.in_(found))
        .order_by(matches.c.watchlist)
    )
    for article, watchlist in connection.execute(query):
        names[article].append(watchlist)
    return names


def _article(row: Any, watchlists: list[str]) -> LaterArticle:
    return LaterArticle(
        row.id, row.title, row.url, row.source, row.language, row.story, row.found_at,
        tuple(watchlists),
    )  # fmt: skip


def _conditions(selection: AlertFilter) -> Iterator[ColumnElement[bool]]:
    yield matches.c.later
    if selection.since is not None:
        yield matches.c.matched_at >= selection.since
    if selection.until is not None:
        yield matches.c.matched_at < selection.until
    if selection.watchlists:
        yield matches.c.watchlist.in_(selection.watchlists)
    if selection.sources:
        yield articles.c.source.in_(selection.sources)
    if selection.languages:
        yield in_languages(articles.c.language, selection.languages)
