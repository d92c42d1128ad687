"""Opens the archive: a file in the data directory by default, else a PostgreSQL database.

Whoever writes brings the tables up to date first. Whoever only reads changes nothing, and says what
is wrong if the archive is absent, or has the tables of another version.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from sqlalchemy import (
    URL,
    Column,
    Connection,
    Engine,
    MetaData,
    String,
    Table,
    create_engine,
    event,
    inspect,
    make_url,
    select,
    text,
)
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, SQLAlchemyError, StatementError

from monitor.archive.files import copy_file, read_only
from monitor.archive.schema import REVISION
from monitor.errors import ArchiveRefusal, ArchiveUnavailable, PresswatchError
from monitor.untrusted import one_line

FILE_NAME = "archive.db"
BUSY_TIMEOUT_S = 10
GIVE_WAY_S = 0.11
CONNECT_TIMEOUT_S = 10
# A server that does not acknowledge what was sent for this long is gone.
LOST_AFTER_MS = 30_000
# After a checkpoint, the write-ahead log is cut to this size.
MAX_LOG_BYTES = 64 * 1024 * 1024
# Any number that nobody else uses in the same PostgreSQL database: "pw" and the archive.
_MIGRATION_LOCK = 0x7077_0001
# Under this name a connection notes which file it has open.
_FILE = "file"
_MIGRATIONS = Path(__file__).parent / "migrations"

_version = Table(
    "presswatch_schema", MetaData(), Column("version_num", String(32), primary_key=True)
)


# An open archive; for other rooms, which do not know SQLAlchemy.
Archive = Engine


def open_archive(url: str | None, data: Path) -> Engine:
    """Opens the archive for writing; creates it if it is absent, and brings its tables up to date.

    `url` is that of a PostgreSQL database (`postgresql://…`); without one, the archive is the file
    `archive.db` in the directory `data`. A file is copied to `archive.db.before-REVISION` before
    its tables change. Raises PresswatchError if a newer version wrote the archive, and
    ArchiveUnavailable if it cannot be opened.
    """
    if url:
        return _postgresql(url, migrate=True)
    data.mkdir(parents=True, exist_ok=True)
    return open_file(data / FILE_NAME)


def read_archive(url: str | None, data: Path) -> Engine:
    """Opens the archive for reading; the daemon may write meanwhile.

    Raises PresswatchError if there is no archive or another version wrote it, and
    ArchiveUnavailable if it cannot be opened.
    """
    return _postgresql(url, migrate=False) if url else read_file(data / FILE_NAME)


def open_file(file: Path) -> Engine:
    """Opens an archive in a file for writing, like `open_archive`."""
    try:
        os.close(os.open(file, os.O_CREAT | os.O_RDWR, 0o600))
    except OSError as error:
        raise ArchiveUnavailable(f"the archive in {file}: {error.strerror}") from error
    engine = _sqlite(URL.create("sqlite", database=str(file.absolute())), "BEGIN IMMEDIATE")
    event.listen(engine, "connect", _prepare_to_write)
    return _ready(engine, _migrate)


def is_in_place(engine: Engine) -> bool:
    """Returns whether an archive that was opened for writing still is where it was opened.

    SQLite goes on writing to a file that was removed or replaced, and tells nobody.
    """
    if engine.dialect.name != "sqlite":
        return True
    try:
        with engine.connect() as connection:
            return bool(connection.info[_FILE] == _identity(shown(engine)))
    except SQLAlchemyError:
        return False


def read_file(file: Path) -> Engine:
    """Opens an archive in a file for reading, like `read_archive`."""
    if not file.exists():
        raise PresswatchError(f"there is no archive in {file}: has the daemon run?")
    url = URL.create(
        "sqlite", database=file.absolute().as_uri(), query={"mode": "ro", "uri": "true"}
    )
    return _ready(_sqlite(url, "BEGIN"), _check)


def is_older(file: Path) -> bool:
    """Returns whether an archive's file has tables of an older version, and must not be read."""
    with closing(read_only(file)) as connection:
        try:
            found = connection.execute(f"SELECT version_num FROM {_version.name}").fetchone()  # noqa: S608
        except sqlite3.DatabaseError as error:
            raise PresswatchError(f"{file} is not an archive: {error}") from error
    return found is not None and found[0] < REVISION


def shown(engine: Engine) -> str:
    """Returns where an archive is, without user and password."""
    url = engine.url
    if engine.dialect.name == "sqlite":
        path = url.database or ""
        return unquote(path.removeprefix("file://")) if path.startswith("file:") else path
    port = f":{url.port}" if url.port else ""
    return f"postgresql://{url.host or ''}{port}/{url.database or ''}"


@contextmanager
def begin(engine: Engine) -> Iterator[Connection]:
    """Runs a transaction: commits at the end of the block, and rolls back if it fails.

    Raises ArchiveRefusal if a value cannot be stored, and ArchiveUnavailable for anything else that
    the database reports.
    """
    try:
        with engine.begin() as connection:
            yield connection
    except SQLAlchemyError as error:
        reason = one_line(str(error.orig if isinstance(error, DBAPIError) else error))
        kind = ArchiveRefusal if _is_refusal(error) else ArchiveUnavailable
        raise kind(f"the archive in {shown(engine)}: {reason}") from error


def size_bytes(engine: Engine) -> int:
    """Returns the size of the archive in bytes.

    A file's free pages do not count. PostgreSQL counts the space of deleted rows until it is used
    again, so its size does not shrink.
    """
    with begin(engine) as connection:
        if engine.dialect.name == "sqlite":
            pages, free, size = (
                connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()
                for name in ("page_count", "freelist_count", "page_size")
            )
            return int((pages - free) * size)
        return int(
            connection.execute(text("SELECT pg_database_size(current_database())")).scalar_one()
        )


def give_way(engine: Engine) -> None:
    """Lets other processes write between two transactions of a long task.

    PostgreSQL needs no help. With SQLite, a process that waits asks every 100 ms whether it may
    write, and gives up after 10 s.
    """
    if engine.dialect.name == "sqlite":
        time.sleep(GIVE_WAY_S)


def excess(engine: Engine, most_bytes: int) -> float:
    """Returns which share of a file is beyond a size; 0 in PostgreSQL, whose size never shrinks."""
    size = size_bytes(engine) if engine.dialect.name == "sqlite" else 0
    return max(0.0, 1 - most_bytes / size) if size else 0.0


def _sqlite(url: URL, begin_with: str) -> Engine:
    engine = create_engine(url, connect_args={"timeout": BUSY_TIMEOUT_S}, hide_parameters=True)

    def connect(connection: sqlite3.Connection, _: Any) -> None:
        # Transactions begin below: sqlite3 would begin them late, and end them before DDL.
        connection.isolation_level = None

    def start(connection: Connection) -> None:
        connection.exec_driver_sql(begin_with)

    event.listen(engine, "connect", connect)
    # A writer takes its lock at once: to take it later fails if another has written meanwhile.
    event.listen(engine, "begin", start)
    return engine


def _prepare_to_write(connection: sqlite3.Connection, record: Any) -> None:
    (_, _, path), *_ = connection.execute("PRAGMA database_list")
    record.info[_FILE] = _identity(path)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute(f"PRAGMA journal_size_limit = {MAX_LOG_BYTES}")


def _identity(path: str) -> tuple[int, int] | None:
    """Returns what tells a file from any other that comes to have its name; None if it is gone."""
    try:
        status = Path(path).stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _postgresql(text_of_url: str, *, migrate: bool) -> Engine:
    try:
        url = make_url(text_of_url)
    except (SQLAlchemyError, ValueError):
        # The cause may quote the password.
        raise PresswatchError("the URL of the archive is not valid") from None
    if url.get_backend_name() != "postgresql":
        raise PresswatchError("the URL of the archive must begin with postgresql://")
    defaults = {"connect_timeout": CONNECT_TIMEOUT_S, "tcp_user_timeout": LOST_AFTER_MS}
    engine = create_engine(
        url.set(drivername="postgresql+psycopg"),
        connect_args={key: value for key, value in defaults.items() if key not in url.query},
        pool_pre_ping=True,
        hide_parameters=True,
    )
    return _ready(engine, _migrate if migrate else _check)


def _ready(engine: Engine, prepare: Callable[[Connection], None]) -> Engine:
    """Returns an engine after its first transaction; closes its connections if that fails."""
    try:
        with begin(engine) as connection:
            prepare(connection)
    except BaseException:
        engine.dispose()
        raise
    return engine


def _revision(connection: Connection) -> str | None:
    """Returns the revision of an archive's tables, or None if it has none."""
    if not inspect(connection).has_table(_version.name):
        return None
    return connection.execute(select(_version.c.version_num)).scalar()


def _check(connection: Connection) -> None:
    engine = connection.engine
    revision = _revision(connection)
    if revision is None:
        raise PresswatchError(f"there is no archive in {shown(engine)}: has the daemon run?")
    _refuse_newer(engine, revision)
    if revision != REVISION:
        raise PresswatchError(
            f"the archive in {shown(engine)} was written by an older presswatch "
            f"(schema {revision}, not {REVISION}): start the daemon, which brings it up to date"
        )


def _refuse_newer(engine: Engine, revision: str) -> None:
    if revision > REVISION:
        raise PresswatchError(
            f"the archive in {shown(engine)} was written by a newer presswatch "
            f"(schema {revision}); this one knows up to {REVISION}: "
            "upgrade presswatch, or restore a backup"
        )


def _migrate(connection: Connection) -> None:
    """Brings an archive up to date; processes that start together do so one after another."""
    engine = connection.engine
    if engine.dialect.name == "postgresql":
        encoding = connection.execute(text("SHOW server_encoding")).scalar_one()
        if encoding != "UTF8":
            raise PresswatchError(
                f"the archive in {shown(engine)} has the encoding {encoding}: "
                "create a database with ENCODING 'UTF8'"
            )
        connection.execute(text(f"SELECT pg_advisory_xact_lock({_MIGRATION_LOCK})"))
    revision = _revision(connection)
    if revision == REVISION:
        return
    if revision is not None:
        _refuse_newer(engine, revision)
        if engine.dialect.name == "sqlite":
            file = Path(shown(engine))
            copy_file(file, file.with_name(f"{file.name}.before-{REVISION}"))
    # Alembic takes long to load, and most starts have nothing to migrate.
    from alembic import command
    from alembic.config import Config

    config = Config(attributes={"connection": connection, "version_table": _version.name})
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    command.upgrade(config, REVISION)


def _is_refusal(error: SQLAlchemyError) -> bool:
    """Returns whether the values are at fault, rather than the database or our statement."""
    if isinstance(error, DataError | IntegrityError):
        return True
    if not isinstance(error, DBAPIError):
        # A value that is not of its column's type fails before it is sent.
        return isinstance(error, StatementError)
    # Class 54, such as a value too large for an index, counts as an error of operation.
    state: str | None = getattr(error.orig, "sqlstate", None)
    return state is not None and state.startswith("54")
