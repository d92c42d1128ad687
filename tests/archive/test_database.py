"""Opening the archive: absent, older, newer, by several processes at once, and its tables."""

from __future__ import annotations

import sqlite3
import stat
import subprocess
import sys
import unicodedata
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import MetaData, select, text

from monitor.archive import database
from monitor.archive.database import begin, open_archive, read_archive, size_bytes
from monitor.archive.schema import REVISION, alerts, articles, indexed_articles, metadata
from monitor.errors import ArchiveUnavailable, PresswatchError
from monitor.model import content_id


def test_the_migrations_create_the_tables_of_the_schema(engine):
    expected = metadata
    if engine.dialect.name == "postgresql":
        expected = MetaData()
        for table in metadata.sorted_tables:
            (indexed_articles if table is articles else table).to_metadata(expected)

    def include_object(_, name, kind, *__):
        # The index of SQLite, and the tables behind it.
        return kind != "table" or not name.startswith("words")

    with begin(engine) as connection:
        context = MigrationContext.configure(
            connection,
            opts={"version_table": "presswatch_schema", "include_object": include_object},
        )
        assert compare_metadata(context, expected) == []


def test_the_newest_migration_is_the_one_that_this_version_wants():
    assert ScriptDirectory(database._MIGRATIONS).get_heads() == [REVISION]


def test_processes_that_start_at_once_create_the_archive_once(tmp_path):
    program = (
        "import sys; from pathlib import Path; from monitor.archive.database import open_archive;"
        "open_archive(None, Path(sys.argv[1]))"
    )
    processes = [subprocess.Popen([sys.executable, "-c", program, str(tmp_path)]) for _ in "12"]
    assert [process.wait() for process in processes] == [0, 0]
    read_archive(None, tmp_path).dispose()


def test_threads_that_start_at_once_create_the_archive_once(archive_url, new_postgresql, tmp_path):
    for number in range(4):
        url = archive_url and new_postgresql(empty=True)
        data = tmp_path / str(number)
        with ThreadPoolExecutor(4) as pool:
            engines = list(pool.map(open_archive, [url] * 4, [data] * 4))
        for engine in engines:
            engine.dispose()
        read_archive(url, data).dispose()


@pytest.mark.parametrize("open_", [open_archive, read_archive])
def test_an_archive_of_a_newer_version_is_refused(
    engine, archive_url, tmp_path, open_, set_revision
):
    set_revision(engine, "9999")
    with pytest.raises(
        PresswatchError, match=r"newer presswatch.*9999.*upgrade presswatch"
    ) as error:
        open_(archive_url, tmp_path)
    assert "sesame" not in str(error.value)


def test_a_reader_leaves_an_older_archive_as_it_is(engine, archive_url, tmp_path, set_revision):
    set_revision(engine, "0000")
    with pytest.raises(PresswatchError, match=r"older presswatch.*start the daemon"):
        read_archive(archive_url, tmp_path)
    set_revision(engine, REVISION)
    read_archive(archive_url, tmp_path).dispose()


def test_a_reader_creates_no_archive(tmp_path, new_postgresql):
    with pytest.raises(PresswatchError, match="there is no archive"):
        read_archive(None, tmp_path)
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(PresswatchError, match="there is no archive"):
        read_archive(new_postgresql(empty=True), tmp_path)


def test_a_reader_writes_nothing(tmp_path):
    open_archive(None, tmp_path).dispose()
    reader = read_archive(None, tmp_path)
    with pytest.raises(ArchiveUnavailable, match="readonly"), begin(reader) as connection:
        connection.execute(text("DELETE FROM articles"))
    reader.dispose()


def test_a_file_is_copied_before_its_tables_change(
    tmp_path, monkeypatch, publication, set_revision
):
    def fail(*_):
        raise PresswatchError("the migration failed")

    engine = open_archive(None, tmp_path)
    set_revision(engine, "0000")
    monkeypatch.setattr("alembic.command.upgrade", fail)
    with pytest.raises(PresswatchError, match="the migration failed"):
        open_archive(None, tmp_path)
    copy = tmp_path / f"archive.db.before-{REVISION}"
    with closing(sqlite3.connect(copy)) as connection:
        assert (
            connection.execute("SELECT version_num FROM presswatch_schema").fetchone()[0] == "0000"
        )
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    engine.dispose()


def test_sites_of_an_older_archive_become_registered_domains(
    engine, archive_url, tmp_path, writer, publication, make_older
):
    sites = ("feeds.bbc.co.uk", "m.spiegel.de", "spiegel.de", "herald.example", "")
    assert writer.write([publication(str(number), "Words.") for number in range(len(sites))]) == []
    with begin(engine) as connection:
        for number, site in enumerate(sites):
            named = articles.c.id == content_id(str(number))
            connection.execute(articles.update().values(site=site).where(named))
    make_older("0004")
    upgraded = open_archive(archive_url, tmp_path)
    with begin(upgraded) as connection:
        found = dict(connection.execute(select(articles.c.id, articles.c.site)).all())
    upgraded.dispose()
    assert [found[content_id(str(number))] for number in range(len(sites))] == [
        "bbc.co.uk",
        "spiegel.de",
        "spiegel.de",
        "herald.example",
        "",
    ]


def test_alerts_of_an_older_archive_get_the_source_that_they_name(
    engine, archive_url, tmp_path, writer, publication, make_older
):
    old = publication("1", "Words.", language="en")
    assert writer.write([old]) == []
    make_older("0005")
    upgraded = open_archive(archive_url, tmp_path)
    with begin(upgraded) as connection:
        found = connection.execute(select(alerts.c.source, alerts.c.language)).all()
    upgraded.dispose()
    assert found == [("Herald", "en")]


def test_only_the_owner_reads_the_files(tmp_path):
    engine = open_archive(None, tmp_path)
    with begin(engine):
        modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in tmp_path.iterdir()}
    engine.dispose()
    assert modes == dict.fromkeys(("archive.db", "archive.db-wal", "archive.db-shm"), 0o600)


def test_a_file_that_is_no_archive_is_named(tmp_path):
    (tmp_path / "archive.db").write_text("something else, and long enough to be looked at" * 100)
    for open_ in (open_archive, read_archive):
        with pytest.raises(ArchiveUnavailable, match=r"archive\.db: file is not a database"):
            open_(None, tmp_path)


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("postgresql://u:sesame@127.0.0.1:1/a", "the archive in postgresql://127.0.0.1:1/a: "),
        ("postgresql://u:se:sesame/@127.0.0.1:x/a", "is not valid"),
        ("postgresql:sesame", "is not valid"),
        ("mysql://u:sesame@h/a", "must begin with postgresql://"),
    ],
)
def test_a_password_is_in_no_message(tmp_path, url, message):
    with pytest.raises(PresswatchError, match=message) as error:
        open_archive(url, tmp_path)
    assert "sesame" not in str(error.value)
    assert "sesame" not in str(error.value.__cause__)


def test_a_database_that_cannot_hold_all_characters_is_refused(postgresql, tmp_path):
    postgresql.execute("CREATE DATABASE latin TEMPLATE template0 ENCODING 'LATIN1'")
    with pytest.raises(PresswatchError, match="has the encoding LATIN1"):
        open_archive(postgresql.url("latin"), tmp_path)


def test_the_size_is_known(engine):
    assert 10_000 < size_bytes(engine) < 100_000_000


def test_the_index_takes_every_folded_word_as_it_is(tmp_path):
    letters = [
        char
        for char in map(chr, range(sys.maxunicode + 1))
        if unicodedata.category(char)[0] in "LMN" and char.casefold() == char
    ]
    engine = open_archive(None, tmp_path)
    with begin(engine) as connection:
        connection.execute(
            text("INSERT INTO words(rowid, lexemes) VALUES (1, :lexemes)"),
            {"lexemes": " ".join(f"q{char}q" for char in letters) + "\nx\ny"},
        )
        connection.execute(
            text("CREATE VIRTUAL TABLE temp.terms USING fts5vocab(main, words, row)")
        )
        terms = {row.term for row in connection.execute(text("SELECT term FROM temp.terms"))}
    engine.dispose()
    assert {len(term) for term in terms} == {1, 3}
    # SQLite folds a few letters once more, in what is searched for, too.
    changed = {char for char in letters if f"q{char}q" not in terms}
    assert len(changed) < 100
    assert all(char.lower() != char or "CHEROKEE" in unicodedata.name(char) for char in changed)
