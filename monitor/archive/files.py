"""Copies the file of an archive in SQLite, while others write to it."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from monitor.errors import PresswatchError


def copy_file(source: Path, target: Path) -> None:
    """Copies an archive's file as it is at this moment; others may write to it meanwhile.

    The copy has its name once it is complete; a file of that name is replaced.
    """
    with complete(target) as part:
        os.close(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        with closing(read_only(source)) as original, closing(sqlite3.connect(part)) as copy:
            # All pages in one step: between steps, other writers would make it start again.
            original.backup(copy)


@contextmanager
def complete(target: Path) -> Iterator[Path]:
    """Gives the name of a new archive's file; it becomes `target` at the end of the block.

    If the block fails, the file is deleted.
    """
    part = target.with_name(f"{target.name}.part")
    try:
        for file in _files(part):
            file.unlink(missing_ok=True)
        yield part
        with closing(sqlite3.connect(part)) as connection:
            # One file, without a log beside it.
            connection.execute("PRAGMA journal_mode = DELETE")
        part.replace(target)
    except (OSError, sqlite3.Error) as error:
        raise PresswatchError(f"cannot write {target}: {error}") from error
    finally:
        for file in _files(part):
            file.unlink(missing_ok=True)


def read_only(file: Path) -> sqlite3.Connection:
    """Connects to a file of SQLite that must not change."""
    return sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True)


def _files(file: Path) -> list[Path]:
    """Returns an archive's file, and those that SQLite keeps beside it."""
    return [file.with_name(file.name + end) for end in ("", "-wal", "-shm", "-journal")]
