"""Folds the words of stored articles again, after the rules have changed.

Until then, a search reads such an article from its original text, which takes longer, and does not
find it by words that the new rules alone make equal.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Engine, Row, bindparam, func, select, update
from sqlalchemy import Text as SqlText

from monitor.archive.database import begin
from monitor.archive.read import ARTICLE_COLUMNS, article_of
from monitor.archive.rows import index, unindex
from monitor.archive.schema import articles, indexed_articles
from monitor.archive.words import lexemes
from monitor.watchlists.article import joined_texts
from monitor.watchlists.text import RULES

AT_ONCE = 100


def refold(engine: Engine, below: int | None = None) -> int | None:
    """Folds some of the newest articles again that are older than a number.

    Returns the number from which to go on, or None if no older article needs it.
    """
    with begin(engine) as connection:
        stale = select(*ARTICLE_COLUMNS, articles.c.joined).where(articles.c.rules != RULES)
        if below is not None:
            stale = stale.where(articles.c.number < below)
        rows = connection.execute(stale.order_by(articles.c.number.desc()).limit(AT_ONCE)).all()
        if rows:
            _refold(connection, rows)
    return rows[-1].number if rows else None


def _refold(connection: Connection, rows: Sequence[Row[*tuple[Any, ...]]]) -> None:
    folded = [(row.number, joined_texts(article_of(row))) for row in rows]
    table = articles
    values: dict[str, Any] = {"joined": bindparam("new"), "rules": RULES}
    if connection.dialect.name == "sqlite":
        unindex(connection, [(row.number, row.joined) for row in rows])
        index(connection, folded)
    else:
        table = indexed_articles
        words = func.string_to_array(bindparam("lexemes", type_=SqlText), " ")
        values["words"] = func.array_to_tsvector(words)
    statement = update(table).where(table.c.number == bindparam("at")).values(values)
    connection.execute(
        statement,
        [
            {"at": number, "new": joined, "lexemes": lexemes(joined)}
            if table is indexed_articles
            else {"at": number, "new": joined}
            for number, joined in folded
        ],
    )
