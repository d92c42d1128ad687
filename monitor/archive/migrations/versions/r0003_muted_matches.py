"""Adds whether a match was muted. Matches recorded before count as not muted."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Adds the column, and the index of the few matches that are muted."""
    op.add_column(
        "matches", sa.Column("muted", sa.Boolean, nullable=False, server_default=sa.false())
    )
    op.create_index(
        "matches_muted",
        "matches",
        ["watchlist", "matched_at", "article"],
        sqlite_where=sa.text("muted = 1"),
        postgresql_where=sa.text("muted"),
    )
