"""Both databases for the tests of the archive: a file, and a PostgreSQL server of our own."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from sqlalchemy import Engine, select, text

from monitor.archive import pool
from monitor.archive.database import begin, open_archive
from monitor.archive.writer import Writer
from monitor.coverage import DeliveryRecord, MatchRecord, Publication, Record
from monitor.model import Article, DeliveryNote, content_id

REQUIRED = "PRESSWATCH_REQUIRE_POSTGRESQL"
# What takes each revision back.
TAKES_BACK = {
    "0006": (
        "DROP INDEX alerts_detected_at",
        "DROP INDEX alerts_watchlist",
        "ALTER TABLE alerts DROP COLUMN source",
        "ALTER TABLE alerts DROP COLUMN language",
        "CREATE INDEX alerts_detected_at ON alerts (detected_at, id, watchlist, article)",
        "CREATE INDEX alerts_watchlist ON alerts (watchlist, detected_at, article)",
    ),
    "0005": ("DROP INDEX matches_later",),
    "0004": ("DROP INDEX articles_counted",),
    "0003": ("DROP INDEX matches_muted", "ALTER TABLE matches DROP COLUMN muted"),
}


def _program(name: str) -> str | None:
    """A program of the newest PostgreSQL; Debian keeps them off the PATH."""
    versions = Path("/usr/lib/postgresql").glob(f"*/bin/{name}")
    newest = sorted(versions, key=lambda path: int(path.parts[4].partition(".")[0]))
    return str(newest[-1]) if newest else shutil.which(name)


class PostgreSQL:
    """A server on a socket in a directory of its own; it keeps nothing safe, and is fast."""

    def __init__(self, initdb: str, pg_ctl: str):
        self._pg_ctl = pg_ctl
        # The server refuses to run as root.
        self._user = "postgres" if os.geteuid() == 0 else None
        self.directory = Path(tempfile.mkdtemp(prefix="presswatch-postgresql-", dir="/tmp"))
        if self._user:
            shutil.chown(self.directory, self._user)
        self._run(
            initdb, "-D", f"{self.directory}/data", "-U", "tests", "-A", "trust", "-E", "UTF8",
            "--locale=C", "--no-sync", "--no-instructions",
        )  # fmt: skip
        options = (
            "-c fsync=off -c synchronous_commit=off -c listen_addresses= -c max_wal_size=256MB"
        )
        self._run(
            pg_ctl, "-D", f"{self.directory}/data", "-l", f"{self.directory}/log", "-w",
            "-o", f"{options} -k {self.directory}", "start",
        )  # fmt: skip
        open_archive(self.url("template1"), self.directory).dispose()

    def _run(self, *command: str) -> None:
        subprocess.run(
            command, check=True, user=self._user, cwd="/", stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip

    def url(self, database: str) -> str:
        return f"postgresql://tests:sesame@/{database}?host={self.directory}"

    def execute(self, statement: str) -> None:
        with closing(psycopg.connect(self.url("postgres"), autocommit=True)) as connection:
            connection.execute(statement)

    def stop(self) -> None:
        self._run(self._pg_ctl, "-D", f"{self.directory}/data", "-m", "immediate", "stop")
        shutil.rmtree(self.directory)


@pytest.fixture(scope="session")
def postgresql():
    initdb, pg_ctl = _program("initdb"), _program("pg_ctl")
    if not initdb or not pg_ctl:
        if os.environ.get(REQUIRED):
            pytest.fail(f"{REQUIRED} is set, but initdb and pg_ctl were not found")
        pytest.skip("no PostgreSQL: initdb and pg_ctl were not found")
    server = PostgreSQL(initdb, pg_ctl)
    yield server
    server.stop()


@pytest.fixture
def new_postgresql(postgresql):
    """Make databases of PostgreSQL: with the archive's tables, or empty."""
    names = []

    def new(*, empty: bool = False) -> str:
        names.append(f"test_{uuid4().hex}")
        postgresql.execute(
            f"CREATE DATABASE {names[-1]} TEMPLATE {'template0' if empty else 'template1'}"
        )
        return postgresql.url(names[-1])

    yield new
    for name in names:
        postgresql.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(params=["sqlite", "postgresql"])
def archive_url(request):
    """The URL of an archive of our own: None is the file in `tmp_path`."""
    if request.param == "sqlite":
        return None
    return request.getfixturevalue("new_postgresql")()


@pytest.fixture
def engine(archive_url, tmp_path):
    engine = open_archive(archive_url, tmp_path)
    yield engine
    engine.dispose()


@pytest.fixture
def writer(engine):
    return Writer(engine)


@pytest.fixture
def read(engine):
    """Read all rows of a table, as dictionaries, in the order of their ids."""

    def rows(table):
        key = "id" if "id" in table.c else "article"
        with begin(engine) as connection:
            found = connection.execute(select(table).order_by(table.c[key])).mappings()
            return [dict(row) for row in found]

    return rows


@pytest.fixture
def having(engine):
    """The URLs of the articles that have a word, as the index knows them."""

    def urls(word):
        query = (
            "number IN (SELECT rowid FROM words WHERE words MATCH :query)"
            if engine.dialect.name == "sqlite"
            else "words @@ CAST(:query AS tsquery)"
        )
        quoted = f'"{word}"' if engine.dialect.name == "sqlite" else f"'{word}'"
        with begin(engine) as connection:
            found = connection.execute(
                text(f"SELECT url FROM articles WHERE {query} ORDER BY url"), {"query": quoted}
            )
            return [row.url.rpartition("/")[2] for row in found]

    return urls


class StartedPool(ProcessPoolExecutor):
    """A pool that has started before it is used, and ends before the test does."""

    def submit(self, function, /, *args, **kwargs):
        future = super().submit(function, *args, **kwargs)
        if function is pool._is_ready:
            future.result()
        return future

    def shutdown(self, *, cancel_futures=False, **_):
        super().shutdown(wait=True, cancel_futures=cancel_futures)


@pytest.fixture
def share(monkeypatch):
    """Let this process decide about three articles, and two others about the rest."""
    monkeypatch.setattr(pool, "ALONE_S", 0)
    monkeypatch.setattr(pool, "BATCH", 3)
    monkeypatch.setattr(pool, "ProcessPoolExecutor", StartedPool)
    monkeypatch.setattr("os.cpu_count", lambda: 2)


MORNING = datetime(2026, 11, 23, 9, tzinfo=UTC)


@pytest.fixture
def morning():
    return MORNING


@pytest.fixture
def publication():
    """Make the record of an article that a watchlist matched and alerted on."""

    def record(name: str, text: str = "Words.", at: datetime = MORNING, **fields) -> Record:
        article = Article(
            **{
                "id": content_id(name),
                "url": f"https://www.herald.example/{name}",
                "title": f"The title of {name}",
                "text": text,
                "source": "Herald",
                "feed_url": "https://herald.example/feed",
                "story": content_id(name),
            }
            | fields
        )
        alert = {
            "v": 1,
            "id": content_id("alert", name),
            "watchlist": "nato",
            "priority": "high",
            "detected_at": at.isoformat(),
            "article": {
                "id": article.id,
                "title": article.title,
                "source": article.source,
                "language": article.language,
            },
            "story": {"id": article.story},
        }
        matches = (MatchRecord("nato", alert["id"]), MatchRecord("others"))
        return Record(publication=Publication(at, article, matches, (alert,)))

    return record


@pytest.fixture
def delivery():
    """Make the record of a delivery of the alert on an article."""

    def record(name: str, at: datetime = MORNING) -> Record:
        note = DeliveryNote(at, "desk", "slack", "delivered", "ok")
        return Record(delivery=DeliveryRecord((content_id("alert", name),), note))

    return record


@pytest.fixture
def make_older(engine, set_revision):
    """Make the archive what an older version of Presswatch had, by its revision."""

    def make_older(revision: str) -> None:
        with begin(engine) as connection:
            for newer, statements in TAKES_BACK.items():
                for statement in statements if newer > revision else ():
                    connection.execute(text(statement))
        set_revision(engine, revision)

    return make_older


@pytest.fixture
def set_revision():
    """Make an archive say that it has a revision, whatever it has."""

    def set_revision(engine: Engine, revision: str) -> None:
        with begin(engine) as connection:
            connection.execute(text(f"UPDATE presswatch_schema SET version_num = '{revision}'"))

    return set_revision
