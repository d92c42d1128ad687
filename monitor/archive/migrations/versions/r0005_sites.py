"""Gives articles the registered domain as their site, and indexes matches that were found later.

Until then, the site of an article was its host without `www.`, so that `feeds.bbc.co.uk` and
`bbc.co.uk` counted as two.
"""

import sqlalchemy as sa
from alembic import op

from monitor.articles.sites import site

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Renames the sites that change, and creates the index."""
    _rename_sites(op.get_bind())
    op.create_index(
        "matches_later",
        "matches",
        ["matched_at", "article"],
        sqlite_where=sa.text("later = 1"),
        postgresql_where=sa.text("later"),
    )


def _rename_sites(connection: sa.Connection) -> None:
    """Renames all at once: there may be millions of articles, but only thousands of sites."""
    articles = sa.table("articles", sa.column("site", sa.Text))
    known = connection.scalars(sa.select(articles.c.site).distinct())
    renamed = [
        {"before": before, "after": after}
        for before in known
        if (after := site(f"http://{before}")) and after != before
    ]
    if not renamed:
        return
    names = sa.Table(
        "renamed_sites",
        sa.MetaData(),
        sa.Column("before", sa.Text, primary_key=True),
        sa.Column("after", sa.Text, nullable=False),
        prefixes=["TEMPORARY"],
    )
    names.create(connection)
    connection.execute(names.insert(), renamed)
    new = sa.select(names.c.after).where(names.c.before == articles.c.site).scalar_subquery()
    connection.execute(
        articles.update().values(site=new).where(articles.c.site.in_(sa.select(names.c.before)))
    )
    names.drop(connection)
