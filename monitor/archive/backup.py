"""Copies the archive to a file, and a file back into an archive, while the daemon runs.

The file is itself an archive in SQLite, whichever database it comes from.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Column, Connection, Engine, Table, select

from monitor.archive.database import (
    begin,
    give_way,
    is_older,
    open_file,
    read_file,
    shown,
)
from monitor.archive.files import complete, copy_file
from monitor.archive.rows import Rows, store
from monitor.archive.schema import alerts, articles, deliveries, marks, matches

# How many rows are copied in one transaction.
AT_ONCE = 300

_ORDERS: list[tuple[Table, Column[Any]]] = [
    (articles, articles.c.number),
    (alerts, alerts.c.detected_at),
    (matches, matches.c.watchlist),
    (deliveries, deliveries.c.at),
    (marks, marks.c.alert),
]


def backup(engine: Engine, file: Path) -> None:
    """Writes the archive as it is at one moment to a file, which is replaced if it is there.

    Raises PresswatchError if the file cannot be written.
    """
    if engine.dialect.name == "sqlite":
        copy_file(Path(shown(engine)), file)
        return
    # One snapshot for all tables: an alert comes with its article.
    snapshot = engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
    with complete(file) as part:
        target = open_file(part)
        try:
            with begin(snapshot) as source:
                _copy(source, target, lambda: None)
        finally:
            target.dispose()


def restore(engine: Engine, file: Path) -> int:
    """Merges a backup into an archive; returns how many articles the backup holds.

    Of an article that is in both, the later state stays. To restore again changes nothing. Raises
    PresswatchError if the file is not an archive, or was written by a newer version.
    """
    with _readable(file) as source_engine, begin(source_engine) as source:
        return _copy(source, engine, lambda: give_way(engine))


@contextmanager
def _readable(file: Path) -> Iterator[Engine]:
    """Opens a backup; of one with older tables, a copy that is brought up to date."""
    with tempfile.TemporaryDirectory(prefix="presswatch-") as directory:
        if file.exists() and is_older(file):
            copy = Path(directory) / file.name
            copy_file(file, copy)
            open_file(copy).dispose()
            file = copy
        engine = read_file(file)
        try:
            yield engine
        finally:
            engine.dispose()


def _copy(source: Connection, target: Engine, after_each: Callable[[], None]) -> int:
    """Copies all rows, in the order in which they were written; returns how many articles."""
    count = 0
    for table, order in _ORDERS:
        # In the order of an index, so that nothing is sorted; PostgreSQL sends a part at a time.
        result = source.execute(select(table).order_by(order).execution_options(yield_per=AT_ONCE))
        for part in result.mappings().partitions():
            rows = [dict(row) for row in part]
            if table is articles:
                count += len(rows)
            for row in rows:
                # Each archive numbers its own articles.
                row.pop("number", None)
            with begin(target) as connection:
                store(connection, Rows(**{table.name: rows}))
            after_each()
    return count
