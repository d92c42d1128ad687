"""Backups of either database, and what becomes of them in the other."""

from __future__ import annotations

import stat
import threading
from datetime import timedelta

import pytest
from sqlalchemy import text

from monitor.archive.backup import backup, restore
from monitor.archive.database import begin, open_archive, open_file, read_file
from monitor.archive.schema import REVISION, alerts, articles, deliveries, matches
from monitor.archive.writer import Writer
from monitor.errors import PresswatchError
from monitor.model import content_id

TABLES = (articles, alerts, matches, deliveries)


@pytest.fixture
def other(request, archive_url, new_postgresql, tmp_path):
    """An archive in the other database."""
    engine = open_archive(new_postgresql() if archive_url is None else None, tmp_path / "other")
    yield engine
    engine.dispose()


def _content(engine):
    content = []
    for table in TABLES:
        with begin(engine) as connection:
            found = connection.execute(table.select()).mappings()
            rows = [{k: v for k, v in row.items() if k != "number"} for row in found]
        content.append(sorted(rows, key=str))
    return content


def _count(engine, word):
    query = (
        f"SELECT count(*) FROM words WHERE words MATCH '{word}'"
        if engine.dialect.name == "sqlite"
        else f"SELECT count(*) FROM articles WHERE words @@ '{word}'"
    )
    with begin(engine) as connection:
        return connection.execute(text(query)).scalar()


def test_a_backup_restores_everything_in_either_database(
    writer, engine, other, tmp_path, publication, delivery
):
    records = [publication(f"{number}", f"peace word{number}") for number in range(700)]
    writer.write([*records, delivery("1")])
    file = tmp_path / "backup.db"
    backup(engine, file)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [entry.name for entry in tmp_path.glob("backup*")] == ["backup.db"]
    for _ in range(2):
        assert restore(other, file) == 700
        assert _content(other) == _content(engine)
        assert _count(other, "peace") == 700
        assert _count(other, "word77") == 1


def test_a_restored_backup_keeps_what_came_after_it(writer, engine, read, tmp_path, publication):
    at = publication("old").publication.at
    hour = timedelta(hours=1)
    writer.write([publication("old", at=at - hour), publication("edited", "first")])
    backup(engine, tmp_path / "backup.db")
    writer.write([publication("edited", "second", at + hour), publication("new", at=at + hour)])
    writer.forget(at, 1)
    restore(engine, tmp_path / "backup.db")
    texts = {row["id"]: row["text"] for row in read(articles)}
    assert texts == {
        content_id("old"): "Words.", content_id("edited"): "second", content_id("new"): "Words.",
    }  # fmt: skip
    assert _count(engine, "first") == 0


def test_a_backup_holds_one_moment(writer, engine, tmp_path, publication):
    """While another writes, no alert is in the backup without its article."""
    stop = threading.Event()

    def write():
        number = 0
        while not stop.is_set():
            writer.write([publication(f"{number}-{n}") for n in range(5)])
            number += 1

    thread = threading.Thread(target=write)
    writer.write([publication(f"{number}") for number in range(500)])
    thread.start()
    try:
        for _ in range(3):
            backup(engine, tmp_path / "backup.db")
            copy = read_file(tmp_path / "backup.db")
            ids = {row["id"] for row in _content(copy)[0]}
            assert {row["article"] for row in _content(copy)[1]} == ids
            assert _count(copy, "words") == len(ids)
            copy.dispose()
    finally:
        stop.set()
        thread.join()


def test_a_backup_of_an_older_version_is_restored_and_left_as_it_is(
    engine, tmp_path, publication, monkeypatch
):
    file = tmp_path / "backup.db"
    old = open_file(file)
    Writer(old).write([publication("old")])
    with begin(old) as connection:
        connection.execute(text("UPDATE presswatch_schema SET version_num = '0000'"))
    old.dispose()
    before = file.read_bytes()

    def upgrade(config, revision):
        config.attributes["connection"].execute(
            text(f"UPDATE presswatch_schema SET version_num = '{revision}'")
        )

    monkeypatch.setattr("alembic.command.upgrade", upgrade)
    assert restore(engine, file) == 1
    assert file.read_bytes() == before
    assert REVISION != "0000"


def test_what_is_no_backup_is_refused_with_words(engine, tmp_path):
    with pytest.raises(PresswatchError, match=r"there is no archive in .*absent\.db"):
        restore(engine, tmp_path / "absent.db")
    (tmp_path / "page.html").write_text("<html>" * 1000)
    with pytest.raises(PresswatchError, match=r"page\.html is not an archive"):
        restore(engine, tmp_path / "page.html")


def test_a_backup_that_cannot_be_written_says_so(engine, tmp_path):
    with pytest.raises(PresswatchError, match=r"absent/backup\.db"):
        backup(engine, tmp_path / "absent" / "backup.db")
