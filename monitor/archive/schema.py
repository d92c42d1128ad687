"""The tables of the archive, the same in SQLite and PostgreSQL but for the index of words.

Moments are milliseconds since the epoch: both databases compare, group and index integers alike.
The migrations create the tables; a test holds that they create these.

The index of words holds the lexemes of `articles.joined` (see `words`). In SQLite it is the FTS5
table `words`, whose rowid is `articles.number`; it knows which lexemes an article has, but neither
their order nor their places. In PostgreSQL it is the column `words` of `indexed_articles`.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Dialect,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    false,
    text,
)
from sqlalchemy.dialects.postgresql import TSVECTOR
from sqlalchemy.types import TypeDecorator

from monitor.archive.packing import pack, unpack
from monitor.untrusted import join_surrogates

# The newest migration: what this version reads and writes.
REVISION = "0006"

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


class Moment(TypeDecorator[datetime]):
    """A moment in UTC, exact to the millisecond."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:  # noqa: ARG002
        """Returns milliseconds since the epoch."""
        return None if value is None else (value - _EPOCH) // _MILLISECOND

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """Returns the moment."""
        return None if value is None else _EPOCH + value * _MILLISECOND


def storable(text: str) -> str:
    """Returns a text as both databases can keep it: no NUL, and no half of a surrogate pair."""
    if text.isascii() and "\0" not in text:
        return text
    return join_surrogates(text).replace("\0", "\ufffd")


class AnyText(TypeDecorator[str]):
    """A text from strangers."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:  # noqa: ARG002
        """Returns the text without what databases refuse."""
        return None if value is None else storable(value)


class Packed(TypeDecorator[str]):
    """A long text, compressed: see `packing`."""

    impl = LargeBinary
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> bytes | None:  # noqa: ARG002
        """Returns the text in UTF-8, compressed."""
        return None if value is None else pack(storable(value))

    def process_result_value(self, value: bytes | None, dialect: Dialect) -> str | None:  # noqa: ARG002
        """Returns the text."""
        return None if value is None else unpack(value)


class Plain(TypeDecorator[Any]):
    """A value of JSON, as text: nothing is asked of its parts."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str:  # noqa: ARG002
        """Returns the value as JSON."""
        return storable(json.dumps(value, ensure_ascii=False))

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:  # noqa: ARG002
        """Returns the value."""
        return None if value is None else json.loads(value)


metadata = MetaData()

_ID = String(32)

articles = Table(
    "articles",
    metadata,
    # SQLite only counts up a column that is exactly INTEGER; an index of words refers to it.
    Column("number", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("id", _ID, nullable=False, unique=True),
    Column("url", AnyText, nullable=False),
    Column("title", AnyText, nullable=False),
    # The version of the rules by which words were folded.
    Column("rules", Integer, nullable=False),
    Column("source", AnyText, nullable=False),
    Column("feed_url", AnyText, nullable=False),
    Column("site", AnyText, nullable=False),
    Column("tags", Plain, nullable=False),
    Column("authors", Plain, nullable=False),
    Column("language", AnyText),
    Column("published_at", Moment),
    # When it was processed first, and last.
    Column("found_at", Moment, nullable=False),
    Column("changed_at", Moment, nullable=False),
    Column("story", _ID, nullable=False),
    Column("text_from", AnyText, nullable=False),
    Column("quality", AnyText, nullable=False),
    Column("paywalled", Boolean, nullable=False),
    # What queries compare, in lines: `monitor.watchlists.article.joined_texts`.
    Column("joined", Packed, nullable=False),
    # Last: SQLite reads a row from its beginning, and searches seldom need this.
    Column("text", Packed, nullable=False),
    # Holds all that a search counts by, and is a tenth of the table.
    Index("articles_found_at", "found_at", "source", "language"),
    Index("articles_story", "story"),
    Index("articles_source", "source", "found_at"),
    # Holds all that alerts and matches are counted by: rows are large, and far apart on disk.
    Index("articles_counted", "id", "source", "language", "story", "site"),
    # A number is never used again: the index of words may still know it.
    sqlite_autoincrement=True,
)

# The same table as PostgreSQL has it.
indexed_articles = articles.to_metadata(MetaData())
indexed_articles.append_column(Column("words", TSVECTOR, nullable=False))
Index("articles_words", indexed_articles.c.words, postgresql_using="gin")

alerts = Table(
    "alerts",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("watchlist", AnyText, nullable=False),
    Column("article", _ID, nullable=False),
    Column("story", _ID, nullable=False),
    Column("priority", AnyText, nullable=False),
    # As the document says; the article may come from another feed, too.
    Column("source", AnyText, nullable=False, server_default=""),
    Column("language", AnyText),
    Column("detected_at", Moment, nullable=False),
    Column("document", Plain, nullable=False),
    # Both hold all that alerts are counted by, and the first one the order of pages as well.
    Index("alerts_detected_at", "detected_at", "id", "watchlist", "source", "language"),
    Index("alerts_watchlist", "watchlist", "detected_at", "source"),
    Index("alerts_article", "article"),
)

matches = Table(
    "matches",
    metadata,
    Column("watchlist", AnyText, primary_key=True),
    Column("article", _ID, primary_key=True),
    Column("matched_at", Moment, nullable=False),
    Column("alert", _ID),
    # Found by looking back, so that nobody was alerted.
    Column("later", Boolean, nullable=False),
    # A mute held the alert back.
    Column("muted", Boolean, nullable=False, server_default=false()),
    Index("matches_watchlist", "watchlist", "matched_at", "article"),
    Index("matches_article", "article", "matched_at", "watchlist"),
)
# Few matches are muted, and the pages ask for these alone: among 300,000 matches of a watchlist,
# 200 muted ones are counted in 0.6 ms. SQLite would count by `matches_watchlist`, in 72 ms, if this
# index did not begin with the watchlist. It uses a partial index only for the condition as
# SQLAlchemy writes it.
Index(
    "matches_muted",
    matches.c.watchlist,
    matches.c.matched_at,
    matches.c.article,
    sqlite_where=text("muted = 1"),
    postgresql_where=matches.c.muted,
)

# The page of matches that were found later asks for these alone, of all watchlists by time.
Index(
    "matches_later",
    matches.c.matched_at,
    matches.c.article,
    sqlite_where=text("later = 1"),
    postgresql_where=matches.c.later,
)

deliveries = Table(
    "deliveries",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("alert", _ID, nullable=False),
    Column("subscriber", AnyText, nullable=False),
    Column("channel", AnyText, nullable=False),
    Column("event", AnyText, nullable=False),
    Column("detail", AnyText, nullable=False),
    Column("at", Moment, nullable=False),
    Index("deliveries_alert", "alert", "at"),
    Index("deliveries_at", "at"),
)

marks = Table(
    "marks",
    metadata,
    Column("alert", _ID, primary_key=True),
    Column("read", Boolean, nullable=False),
    Column("starred", Boolean, nullable=False),
    Column("relevant", Boolean),
    Column("note", AnyText, nullable=False),
    Column("changed_at", Moment, nullable=False),
)
