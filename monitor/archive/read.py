"""Reads articles from the archive, each batch in a short transaction of its own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import Engine, LargeBinary, Row, select, type_coerce

from monitor.archive.database import begin
from monitor.archive.packing import unpack
from monitor.archive.schema import articles
from monitor.model import Article
from monitor.watchlists.article import StoredArticle, joined_texts
from monitor.watchlists.text import RULES

_FIELDS = tuple(name for name in Article.__dataclass_fields__ if name != "text")
# As they are stored: the text is unpacked only when it is needed.
_JOINED, _TEXT = (
    type_coerce(column, LargeBinary).label(f"packed_{column.name}")
    for column in (articles.c.joined, articles.c.text)
)
_WORDS = (articles.c.number, articles.c.rules, _JOINED)
# All that watchlists and stories ask of an article but its text.
_DESCRIBED_FIELDS = ("id", "story", "source", "tags", "language")
_DESCRIBED = (*_WORDS, articles.c.found_at, *(articles.c[name] for name in _DESCRIBED_FIELDS))
ARTICLE_COLUMNS = (*_WORDS, articles.c.found_at, *(articles.c[name] for name in _FIELDS), _TEXT)


def read_articles(
    engine: Engine, numbers: Sequence[int], *, words_only: bool = False
) -> Iterator[tuple[Row[Any], StoredArticle]]:
    """Yields rows with their articles, in any order; those that are gone are left out.

    With `words_only`, an article is read from the database again if a query asks for its original
    text.
    """
    with begin(engine) as connection:
        rows = connection.execute(
            select(*(_WORDS if words_only else ARTICLE_COLUMNS)).where(
                articles.c.number.in_(numbers)
            )
        ).all()
    for row in rows:
        yield row, _stored(engine, row, words_only=words_only)


def read_described(
    engine: Engine, numbers: Sequence[int]
) -> Iterator[tuple[Row[Any], Article, StoredArticle]]:
    """Yields rows, in any order, with each article as watchlists see it.

    The first article has neither text nor title. The second is read from the database again if a
    query asks for its original text.
    """
    with begin(engine) as connection:
        rows = connection.execute(select(*_DESCRIBED).where(articles.c.number.in_(numbers))).all()
    for row in rows:
        described = Article(
            row.id, "", "", "", row.source, "", tuple(row.tags), language=row.language,
            story=row.story,
        )  # fmt: skip
        yield row, described, _stored(engine, row, words_only=True)


def _stored(engine: Engine, row: Row[Any], *, words_only: bool) -> StoredArticle:
    def load() -> Article:
        return _load(engine, row.number) if words_only else article_of(row)

    # After a change of the rules, the words are not those that a query has.
    joined = unpack(row.packed_joined) if row.rules == RULES else joined_texts(load())
    return StoredArticle(joined, load)


def _load(engine: Engine, number: int) -> Article:
    with begin(engine) as connection:
        row = connection.execute(select(*ARTICLE_COLUMNS).where(articles.c.number == number)).one()
    return article_of(row)


def article_of(row: Row[Any]) -> Article:
    """Returns the article of a row with `ARTICLE_COLUMNS`."""
    fields = {name: getattr(row, name) for name in _FIELDS}
    fields["tags"], fields["authors"] = tuple(row.tags), tuple(row.authors)
    return Article(**fields, text=unpack(row.packed_text))
