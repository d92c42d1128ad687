"""Creates the first tables, and the index of words."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import TSVECTOR

revision = "0001"
down_revision = None

_ID = sa.String(32)


def upgrade() -> None:
    """Creates what SQLite and PostgreSQL share, and the index that differs."""
    _create_articles()
    _create_alerts()
    _create_matches()
    _create_deliveries()
    if op.get_bind().dialect.name == "sqlite":
        # Tokens end at spaces and line breaks only: words were split and folded before. Without
        # places and lengths, which no search asks for, the index has a third of the size.
        op.execute(
            "CREATE VIRTUAL TABLE words USING fts5(lexemes, content='', detail=none, columnsize=0, "
            "tokenize=\"unicode61 remove_diacritics 0 categories 'L* M* N* P* S* C*' "
            "separators '\n'\")"
        )
    else:
        op.add_column("articles", sa.Column("words", TSVECTOR, nullable=False))
        op.create_index("articles_words", "articles", ["words"], postgresql_using="gin")


def _create_articles() -> None:
    op.create_table(
        "articles",
        sa.Column(
            "number", sa.BigInteger().with_variant(sa.Integer, "sqlite"), sa.Identity(),
            primary_key=True,
        ),
        sa.Column("id", _ID, nullable=False, unique=True),
        sa.Column("url", sa.Text, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("rules", sa.Integer, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("feed_url", sa.Text, nullable=False),
        sa.Column("site", sa.Text, nullable=False),
        sa.Column("tags", sa.Text, nullable=False),
        sa.Column("authors", sa.Text, nullable=False),
        sa.Column("language", sa.Text),
        sa.Column("published_at", sa.BigInteger),
        sa.Column("found_at", sa.BigInteger, nullable=False),
        sa.Column("changed_at", sa.BigInteger, nullable=False),
        sa.Column("story", _ID, nullable=False),
        sa.Column("text_from", sa.Text, nullable=False),
        sa.Column("quality", sa.Text, nullable=False),
        sa.Column("paywalled", sa.Boolean, nullable=False),
        sa.Column("joined", sa.LargeBinary, nullable=False),
        sa.Column("text", sa.LargeBinary, nullable=False),
        sqlite_autoincrement=True,
    )  # fmt: skip
    op.create_index("articles_found_at", "articles", ["found_at", "source", "language"])
    op.create_index("articles_story", "articles", ["story"])
    op.create_index("articles_source", "articles", ["source", "found_at"])


def _create_alerts() -> None:
    op.create_table(
        "alerts",
        sa.Column("id", _ID, primary_key=True),
        sa.Column("watchlist", sa.Text, nullable=False),
        sa.Column("article", _ID, nullable=False),
        sa.Column("story", _ID, nullable=False),
        sa.Column("priority", sa.Text, nullable=False),
        sa.Column("detected_at", sa.BigInteger, nullable=False),
        sa.Column("document", sa.Text, nullable=False),
    )
    op.create_index("alerts_detected_at", "alerts", ["detected_at"])
    op.create_index("alerts_watchlist", "alerts", ["watchlist", "detected_at"])
    op.create_index("alerts_article", "alerts", ["article"])


def _create_matches() -> None:
    op.create_table(
        "matches",
        sa.Column("watchlist", sa.Text, primary_key=True),
        sa.Column("article", _ID, primary_key=True),
        sa.Column("matched_at", sa.BigInteger, nullable=False),
        sa.Column("alert", _ID),
        sa.Column("later", sa.Boolean, nullable=False),
    )
    op.create_index("matches_watchlist", "matches", ["watchlist", "matched_at"])
    op.create_index("matches_article", "matches", ["article"])


def _create_deliveries() -> None:
    op.create_table(
        "deliveries",
        sa.Column("id", _ID, primary_key=True),
        sa.Column("alert", _ID, nullable=False),
        sa.Column("subscriber", sa.Text, nullable=False),
        sa.Column("channel", sa.Text, nullable=False),
        sa.Column("event", sa.Text, nullable=False),
        sa.Column("detail", sa.Text, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
    )
    op.create_index("deliveries_alert", "deliveries", ["alert", "at"])
    op.create_index("deliveries_at", "deliveries", ["at"])
