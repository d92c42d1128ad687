"""Brings an archive's tables up to date, step by step; Alembic runs this, `database` starts it."""
