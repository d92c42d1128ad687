"""Writing to the archive, however often and in whatever order, and forgetting what is old."""

from __future__ import annotations

import itertools
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import text

from monitor.archive.database import begin, open_archive, read_archive, size_bytes
from monitor.archive.schema import alerts, articles, deliveries, matches
from monitor.archive.words import ANY_WORD
from monitor.archive.writer import Writer
from monitor.coverage import Record
from monitor.errors import ArchiveUnavailable
from monitor.model import as_json, content_id
from monitor.watchlists.text import RULES

HOUR = timedelta(hours=1)


def test_a_publication_becomes_an_article_with_its_matches_and_alerts(writer, read, publication):
    record = publication(
        "visit", "He came,\nhe saw.", authors=("Ann Ó Dea", "Bo"), tags=("defence",), language="en"
    )
    assert writer.write([record]) == []
    at, document = record.publication.at, record.publication.alerts[0]
    assert read(articles) == [
        {
            "number": 1,
            "id": content_id("visit"),
            "url": "https://www.herald.example/visit",
            "title": "The title of visit",
            "text": "He came,\nhe saw.",
            "joined": " the title of visit \n he came he saw \n ann o dea bo \n herald \n"
            " https www herald example visit \n"
            " lang/en site/example site/herald.example site/www.herald.example tag/defence ",
            "rules": RULES,
            "source": "Herald",
            "feed_url": "https://herald.example/feed",
            "site": "herald.example",
            "tags": ["defence"],
            "authors": ["Ann Ó Dea", "Bo"],
            "language": "en",
            "published_at": None,
            "found_at": at,
            "changed_at": at,
            "story": content_id("visit"),
            "text_from": "page",
            "quality": "full",
            "paywalled": False,
        }
    ]
    assert read(alerts) == [
        {
            "id": document["id"],
            "watchlist": "nato",
            "article": content_id("visit"),
            "story": content_id("visit"),
            "priority": "high",
            "source": "Herald",
            "language": "en",
            "detected_at": at,
            "document": document,
        }
    ]
    found = {
        (row["watchlist"], row["alert"], row["matched_at"], row["later"]) for row in read(matches)
    }
    assert found == {("nato", document["id"], at, False), ("others", None, at, False)}


def test_a_delivery_is_a_line_for_each_of_its_alerts(writer, read, delivery):
    record = delivery("visit")
    both = replace(record.delivery, alerts=("a" * 32, "b" * 32))
    writer.write([Record(delivery=both)])
    lines = [
        (row["alert"], row["subscriber"], row["channel"], row["event"], row["detail"], row["at"])
        for row in read(deliveries)
    ]
    at = record.delivery.note.at
    assert sorted(lines) == [
        (alert, "desk", "slack", "delivered", "ok", at) for alert in both.alerts
    ]


def test_to_write_again_changes_nothing(writer, read, having, publication, delivery):
    records = [publication(f"{number}", "peace") for number in range(5)] + [delivery("1")]
    tables = (articles, alerts, matches, deliveries)
    writer.write(records)
    once = [read(table) for table in tables]
    writer.write(records * 2)
    writer.write(records[::-1])
    assert [read(table) for table in tables] == once
    assert having("peace") == ["0", "1", "2", "3", "4"]


@pytest.mark.parametrize("together", [True, False])
@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_of_an_article_the_latest_state_stays(writer, read, having, publication, order, together):
    first = publication("visit", "One war.")
    states = [
        first,
        publication("visit", "Two wars.", first.publication.at + HOUR),
        publication("visit", "Three quarrels.", first.publication.at + 2 * HOUR),
    ]
    ordered = [publication("before"), *(states[number] for number in order), publication("after")]
    for batch in [ordered] if together else [[record] for record in ordered]:
        assert writer.write(batch) == []
    row = next(row for row in read(articles) if row["id"] == content_id("visit"))
    assert row["text"] == "Three quarrels."
    assert row["found_at"] == first.publication.at
    assert row["changed_at"] == first.publication.at + 2 * HOUR
    assert (having("quarrels"), having("war"), having("wars")) == (["visit"], [], [])


def test_an_edited_article_keeps_its_number(writer, read, publication):
    writer.write([publication(name) for name in "abc"])
    numbers = {row["id"]: row["number"] for row in read(articles)}
    later = publication("b").publication.at + HOUR
    writer.write([publication("b", "Edited.", later), publication("d")])
    after = {row["id"]: row["number"] for row in read(articles)}
    assert {id_: after[id_] for id_ in numbers} == numbers
    assert len(set(after.values())) == 4


def test_a_match_keeps_the_alert_that_it_led_to(writer, read, publication):
    record = publication("visit")
    later = replace(
        record.publication,
        at=record.publication.at + HOUR,
        matches=tuple(replace(match, alert=None) for match in record.publication.matches),
        alerts=(),
    )
    for order in ([record, Record(publication=later)], [Record(publication=later), record]):
        writer.write(order)
        [row] = [row for row in read(matches) if row["watchlist"] == "nato"]
        assert row["alert"] == content_id("alert", "visit")
        assert row["matched_at"] == record.publication.at


def test_text_that_databases_refuse_is_made_storable(writer, read, having, publication):
    bad = "a\0b \ud83d\ude00 \ud800 ce\0e \U0001d4b3"
    record = publication(
        "visit", bad, title=bad, source=bad, authors=(bad,), tags=(bad,), feed_url=bad, language=bad
    )
    record.publication.alerts[0]["article"]["title"] = bad
    assert writer.write([record]) == []
    good = "a\ufffdb 😀 \ufffd ce\ufffde \U0001d4b3"
    [row] = read(articles)
    assert {row[name] for name in ("text", "title", "source", "feed_url", "language")} == {good}
    assert row["authors"][0].count("😀") == row["tags"][0].count("😀") == 1
    assert read(alerts)[0]["document"]["article"]["title"].count("😀") == 1
    assert having("ce") == ["visit"]


def test_a_record_that_cannot_be_written_stops_no_other(writer, read, publication, delivery):
    records = [publication(f"{number}") for number in range(20)] + [delivery("1")]
    no_id, no_date, too_long, number = (publication(name) for name in ("a", "b", "c", "d"))
    del no_id.publication.alerts[0]["id"]
    no_date.publication.alerts[0]["detected_at"] = "yesterday"
    too_long.publication.alerts[0]["watchlist"] = ["nato"]
    number.publication.alerts[0]["article"] = 5
    bad = [no_id, no_date, too_long, number]
    refused = writer.write(records[:7] + bad + records[7:])
    assert [entry.record for entry in refused] == bad
    assert all(entry.reason for entry in refused)
    assert len(read(articles)) == 20
    assert len(read(deliveries)) == 1


def test_what_only_the_database_refuses_stops_no_other(writer, engine, read, publication):
    # An index of PostgreSQL holds no text of this size that cannot be compressed.
    bad = publication("bad")
    bad.publication.alerts[0]["watchlist"] = "".join(
        content_id(str(number)) for number in range(1000)
    )
    refused = writer.write([publication("a"), bad, publication("b")])
    if engine.dialect.name == "postgresql":
        assert [entry.record for entry in refused] == [bad]
    assert {row["id"] for row in read(articles)} >= {content_id("a"), content_id("b")}


def test_articles_of_any_size_are_written_and_found(writer, having, engine, publication):
    many = " ".join(f"{number:020}" for number in range(60_000))
    refused = writer.write(
        [
            publication("long", f"{'x' * 5000} {'y' * 3000}z end"),
            publication("many", many),
            publication("named", source="n" * 10_000),
        ]
    )
    assert refused == []
    assert having("end") == ["long"]
    # PostgreSQL cannot index so many words: the article is a candidate of every search.
    assert having(ANY_WORD) == ["many"]


def test_a_value_of_the_wrong_type_stops_no_other(writer, read, publication):
    bad = [
        publication("x", title=5),
        publication("y", "y", text_from=None),
        publication("z", id=None),
    ]
    assert [entry.record for entry in writer.write([publication("a"), *bad])] == bad
    assert [row["id"] for row in read(articles)] == [content_id("a")]


def test_the_fault_of_the_database_is_not_the_records(archive_url, tmp_path, engine, publication):
    with begin(engine) as connection:
        connection.execute(text("ALTER TABLE alerts RENAME TO elsewhere"))
    with pytest.raises(ArchiveUnavailable):
        Writer(engine).write([publication("a"), publication("b")])
    with begin(engine) as connection:
        assert connection.execute(text("SELECT count(*) FROM articles")).scalar() == 0


def test_a_server_that_restarts_is_written_to_again(
    postgresql, new_postgresql, tmp_path, publication
):
    engine = open_archive(new_postgresql(), tmp_path)
    postgresql.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname ~ 'test'"
    )
    assert Writer(engine).write([publication("a")]) == []
    engine.dispose()


def test_what_is_old_is_forgotten_in_order(writer, read, having, publication, delivery):
    at = publication("0").publication.at
    days = [at + timedelta(days=number) for number in range(10)]
    for number, day in enumerate(days):
        writer.write([publication(f"{number}", "peace", day), delivery(f"{number}", day)])
    assert writer.forget(days[6], limit=4) == 4 * 3
    assert having("peace") == ["4", "5", "6", "7", "8", "9"]
    assert writer.forget(days[6], limit=100) == 2 * 3
    assert writer.forget(days[6], limit=100) == 0
    assert having("peace") == ["6", "7", "8", "9"]
    left = {content_id(f"{number}") for number in range(6, 10)}
    assert {row["id"] for row in read(articles)} == left
    assert {row["article"] for row in read(matches)} == left
    assert {row["article"] for row in read(alerts)} == left
    assert {row["at"] for row in read(deliveries)} == set(days[6:])


def test_to_make_room_only_the_oldest_are_forgotten(writer, read, publication):
    at = publication("0").publication.at
    for number in range(10):
        writer.write([publication(f"{number}", at=at + number * HOUR)])
    writer.forget(at + timedelta(days=365), limit=3)
    assert len(read(articles)) == len(read(alerts)) == 7


def test_forgetting_makes_a_file_smaller(tmp_path, writer, engine, publication):
    if engine.dialect.name == "postgresql":
        pytest.skip("PostgreSQL keeps the space for later rows")
    at = publication("0").publication.at
    writer.write([publication(f"{number}", f"word{number} " * 50) for number in range(500)])
    full = size_bytes(engine)
    writer.forget(at + HOUR, limit=1000)
    assert size_bytes(engine) < full / 2


def test_a_reader_reads_while_a_writer_writes(writer, engine, archive_url, tmp_path, publication):
    writer.write([publication("a")])
    reader = read_archive(archive_url, tmp_path)
    with begin(reader) as connection:
        count = text("SELECT count(*) FROM articles")
        assert connection.execute(count).scalar() == 1
        started = time.monotonic()
        writer.write([publication("b")])
        assert time.monotonic() - started < 5
    with begin(reader) as connection:
        assert connection.execute(count).scalar() == 2
    reader.dispose()


KILLED = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from monitor.archive.database import open_archive
from monitor.archive.writer import Writer
from monitor.coverage import Record
from monitor.model import from_json
writer = Writer(open_archive(sys.argv[1] or None, Path(sys.argv[2])))
records = [from_json(Record, line) for line in sys.stdin]
print("ready", flush=True)
for start in range(0, len(records), 10):
    writer.write(records[start : start + 10])
    print(start, flush=True)
"""


def test_a_writer_killed_at_any_moment_loses_nothing_and_writes_nothing_twice(
    archive_url, tmp_path, writer, read, having, publication
):
    records = [publication(f"{number:04}", f"peace word{number} " * 20) for number in range(300)]
    lines = "\n".join(map(as_json, records))
    for pause in (0, 0.1):
        process = subprocess.Popen(
            [sys.executable, "-c", KILLED, archive_url or "", str(tmp_path)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        process.stdin.write(lines)
        process.stdin.close()
        assert process.stdout.readline() == "ready\n"
        time.sleep(pause)
        process.send_signal(signal.SIGKILL)
        reported = process.stdout.read().split()
        process.wait()
        process.stdout.close()
        # What it reported is there.
        assert len(read(articles)) >= len(reported) * 10
    assert writer.write(records) == []
    assert [row["id"] for row in read(articles)] == sorted(
        content_id(f"{n:04}") for n in range(300)
    )
    assert len(read(alerts)) == 300
    assert len(read(matches)) == 600
    assert having("peace") == [f"{number:04}" for number in range(300)]
    assert having("word77") == ["0077"]


def test_several_writers_write_the_same_articles(archive_url, tmp_path, read, publication):
    records = [publication(f"{number}") for number in range(200)]
    engines = [open_archive(archive_url, tmp_path) for _ in range(3)]

    def write(number):
        order = records[:: -1 if number % 2 else 1]
        for start in range(0, len(order), 50):
            assert Writer(engines[number]).write(order[start : start + 50]) == []

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(write, range(3)))
    for engine in engines:
        engine.dispose()
    assert len(read(articles)) == len(read(alerts)) == 200
