"""Reads the matches of a period one by one, in short transactions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import select, tuple_

from monitor.archive.database import begin
from monitor.archive.schema import articles, matches
from monitor.reports.figures import MatchRow

if TYPE_CHECKING:
    from sqlalchemy import Engine, Row, Select

    from monitor.reports.periods import Period

# Rows that are read at once.
PAGE = 1_000

_MATCHES = select(
    matches.c.matched_at,
    matches.c.watchlist,
    matches.c.later,
    articles.c.title,
    articles.c.url,
    articles.c.source,
    articles.c.site,
    articles.c.language,
    articles.c.authors,
    articles.c.published_at,
    articles.c.quality,
    articles.c.paywalled,
    articles.c.story,
    matches.c.article,
    matches.c.alert,
).join(articles, articles.c.id == matches.c.article)


def read_matches(engine: Engine, period: Period, watchlists: Sequence[str]) -> Iterator[MatchRow]:
    """Yields what these watchlists matched in a period: by watchlist, oldest first.

    Each page is a transaction of its own, so that a slow reader delays nobody.
    """
    for watchlist in watchlists:
        last: tuple[datetime, str] | None = None
        while rows := _page(engine, _of(watchlist, period, last)):
            yield from map(_match_row, rows)
            last = rows[-1].matched_at, rows[-1].article


def _of(watchlist: str, period: Period, last: tuple[datetime, str] | None) -> Select[Any]:
    """Selects the next page of a watchlist's matches, after the last one that was read."""
    at, article = matches.c.matched_at, matches.c.article
    since = last[0] if last else period.since
    query = _MATCHES.where(matches.c.watchlist == watchlist, at >= since, at < period.until)
    if last:
        query = query.where(tuple_(at, article) > tuple_(*last, types=(at.type, article.type)))
    return query.order_by(at, article).limit(PAGE)


def _page(engine: Engine, query: Select[Any]) -> list[Row[Any]]:
    with begin(engine) as connection:
        return list(connection.execute(query))


def _match_row(row: Row[Any]) -> MatchRow:
    fields = row._asdict()
    return MatchRow(**fields | {"authors": tuple(fields["authors"])})
