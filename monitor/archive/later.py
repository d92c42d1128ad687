"""Marks articles in the archive that a watchlist matches, but was not there to match in time."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import Connection, Engine, literal, null, select, true
from sqlalchemy.dialects import postgresql, sqlite

from monitor.archive.database import begin
from monitor.archive.schema import AnyText, articles, matches


def mark_later(engine: Engine, watchlist: str, found: Collection[str]) -> set[str]:
    """Marks articles, given by their ids, as found later, dated when the articles were found.

    Leaves matches that are recorded already as they are. Returns the ids of the articles that are
    now marked. To mark again changes nothing.
    """
    if not found:
        return set()
    with begin(engine) as connection:
        _insert(connection, watchlist, found)
        marked = select(matches.c.article).where(
            matches.c.watchlist == watchlist, matches.c.article.in_(found), matches.c.later
        )
        return set(connection.scalars(marked))


def _insert(connection: Connection, watchlist: str, found: Collection[str]) -> None:
    # From the table: an article that was forgotten meanwhile gets no match. In one order, so that
    # two archives that mark the same articles do not wait for each other.
    rows = (
        select(literal(watchlist, AnyText), articles.c.id, articles.c.found_at, null(), true())
        .where(articles.c.id.in_(found))
        .order_by(articles.c.id)
    )
    columns = ["watchlist", "article", "matched_at", "alert", "later"]
    insert = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    connection.execute(insert(matches).from_select(columns, rows).on_conflict_do_nothing())
