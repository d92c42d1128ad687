"""The process that moves records from Redis into the archive."""

import threading
import time
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select, update
from structlog.testing import capture_logs

from monitor.archive.backup import backup
from monitor.archive.database import begin, open_archive, read_archive
from monitor.archive.history import count_articles, latest_alerts
from monitor.archive.schema import articles, matches
from monitor.archive.writer import Writer
from monitor.archiver import Archiver
from monitor.config import load
from monitor.coverage import Publication, Record
from monitor.errors import ArchiveUnavailable, PresswatchError
from monitor.look_backs import summary_id
from monitor.model import Article
from monitor.reports.schedule import decide
from monitor.runtime.composition import Runtime
from monitor.scheduler.archive_lag import ArchiveLag
from monitor.store.look_backs import LookBackState
from monitor.watchlists.text import RULES

CONFIG = "subscribers: [{name: operators, webhook: {url: 'https://a.example/'}}]"


def article(number, found_at=None):
    one = Article(
        f"{number:032x}", f"https://a.example/{number}", f"Title {number}", "NATO met.", "Herald",
        "https://a.example/feed", story=f"{number:032x}",
    )  # fmt: skip
    return Record(Publication(found_at or datetime.now(UTC), one))


def add(redis, store, *records):
    with redis.pipeline() as pipe:
        for record in records:
            store.unarchived.add(record, pipe)
        pipe.execute()


def wait_until(condition, within_s=20):
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)


def count(data):
    try:
        return count_articles(read_archive(None, data))
    except PresswatchError:
        return 0


@pytest.fixture
def archiver(redis, configure, tmp_path):
    """Starts an archiver in a thread; at the end, it is told to stop."""
    running = []

    def start(settings="", config=CONFIG):
        directory = configure(config)
        if settings:
            (directory / "settings.yaml").write_text(settings)
        runtime = Runtime(directory, load(directory, {}), redis)
        stop = threading.Event()
        thread = threading.Thread(target=Archiver(runtime, tmp_path, stop).run)
        running.append((stop, thread))
        thread.start()

        def end(within_s=10):
            stop.set()
            thread.join(within_s)
            assert not thread.is_alive()

        return end

    yield start
    for stop, _ in running:
        stop.set()
    for _, thread in running:
        thread.join(10)
        assert not thread.is_alive()


def test_what_was_recorded_while_no_archive_ran_is_written(redis, store, archiver, tmp_path):
    add(redis, store, *map(article, range(3)))
    archiver()
    wait_until(lambda: count(tmp_path) == 3)
    wait_until(lambda: store.unarchived.backlog().records == 0)


def test_a_killed_archive_loses_nothing_and_writes_nothing_twice(
    redis, redis_url, store, presswatch, configure, tmp_path
):
    directory = configure(CONFIG)
    unarchived_before = 2_000
    add(redis, store, *map(article, range(unarchived_before)))
    for kill_after_s in (1.5, 1.7, 1.9, None):
        process = presswatch.start(
            "archive", "--config", str(directory), "--data", str(tmp_path), REDIS_URL=redis_url
        )
        if kill_after_s:
            time.sleep(kill_after_s)
            presswatch.kill(process)
    # What the killed ones took is presumed lost after ten seconds.
    wait_until(lambda: store.unarchived.backlog().records == 0, within_s=20)
    assert count(tmp_path) == unarchived_before


def test_a_record_that_cannot_be_read_is_shown_and_stops_no_other(redis, store, archiver, tmp_path):
    redis.xadd(store.keys.unarchived, {"record": "nonsense"})
    add(redis, store, article(1))
    archiver()
    wait_until(lambda: count(tmp_path) == 1)
    wait_until(lambda: store.unarchived.backlog().refused == 1)


def test_a_full_disk_loses_no_record_and_is_reported_once_until_there_is_room(
    redis, store, archiver, tmp_path, monkeypatch
):
    monkeypatch.setattr("monitor.archiver.PATIENCE", timedelta(seconds=0.1))
    monkeypatch.setattr("monitor.archiver.PAUSE_S", 0.1)
    monkeypatch.setattr("monitor.store.unarchived.PRESUMED_DEAD", timedelta(seconds=1))
    write, failures = Writer.write, iter(range(3))

    def full(writer, records):
        if records and next(failures, None) is not None:
            raise ArchiveUnavailable("database or disk is full")
        return write(writer, records)

    monkeypatch.setattr(Writer, "write", full)
    redis.xadd(store.keys.unarchived, {"record": "nonsense"})
    add(redis, store, article(1))
    with capture_logs() as logs:
        archiver()
        wait_until(lambda: any(line["event"] == "archive works again" for line in logs))
    assert count(tmp_path) == 1
    assert store.unarchived.backlog().refused == 1
    events = [line["event"] for line in logs]
    assert events.count("archive waits") == events.count("archive works again") == 1


@pytest.mark.parametrize("is_replaced", [False, True])
def test_a_file_that_is_removed_or_replaced_while_it_is_open_swallows_no_record(
    redis, store, archiver, tmp_path, is_replaced
):
    archiver()
    add(redis, store, article(1))
    wait_until(lambda: count(tmp_path) == 1)
    wait_until(lambda: store.unarchived.backlog().records == 0)
    file = tmp_path / "archive.db"
    if is_replaced:
        backup(read_archive(None, tmp_path), tmp_path / "copy")
        (tmp_path / "copy").replace(file)
    else:
        file.unlink()
    add(redis, store, article(2))
    wait_until(lambda: store.unarchived.backlog().records == 0, within_s=30)
    assert count(tmp_path) == (2 if is_replaced else 1)


def test_old_articles_are_forgotten(redis, store, archiver, tmp_path, monkeypatch):
    monkeypatch.setattr("monitor.archiver.HOUSEKEEPING", timedelta(seconds=0.1))
    add(redis, store, article(1, datetime.now(UTC) - timedelta(days=40)), article(2))
    archiver("settings: {archive: {keep: 30d}}")
    wait_until(lambda: count(tmp_path) == 1)
    with read_archive(None, tmp_path).connect() as connection:
        assert connection.scalars(select(articles.c.title)).all() == ["Title 2"]


def test_the_oldest_articles_make_room_when_the_file_is_too_large(
    redis, store, archiver, tmp_path, monkeypatch
):
    monkeypatch.setattr("monitor.archiver.HOUSEKEEPING", timedelta(seconds=0.1))
    now = datetime.now(UTC)
    many = 400
    add(redis, store, *(article(n, now - timedelta(minutes=many - n)) for n in range(many)))
    archiver("settings: {archive: {max_size: 200kB}}")
    wait_until(lambda: store.unarchived.backlog().records == 0)
    wait_until(lambda: 0 < count(tmp_path) < many)
    with read_archive(None, tmp_path).connect() as connection:
        titles = connection.scalars(select(articles.c.title)).all()
    assert f"Title {many - 1}" in titles
    assert "Title 0" not in titles


BACKFILL = "watchlists: [{name: talks, query: 'NATO AND met', backfill: 7d}]"


def test_a_watchlist_looks_back_while_records_are_written_and_stops_soon(
    redis, store, archiver, tmp_path, monkeypatch
):
    monkeypatch.setattr("monitor.look_backs.SETTLING", timedelta(0))

    def slow(*_):
        time.sleep(0.001)
        return True

    monkeypatch.setattr("monitor.look_backs.applies", slow)
    past = datetime.now(UTC) - timedelta(hours=1)
    many = 3_000
    engine = open_archive(None, tmp_path)
    assert Writer(engine).write([article(n, past) for n in range(many)]) == []
    engine.dispose()
    stop = archiver(BACKFILL)
    reader = read_archive(None, tmp_path)

    def marked():
        with reader.connect() as connection:
            return connection.scalar(select(func.count()).where(matches.c.later))

    wait_until(lambda: 0 < marked() < many)
    add(redis, store, article(many))
    wait_until(lambda: count(tmp_path) == many + 1)
    assert marked() < many
    assert store.alerts.latest() == []
    stop(within_s=1.5)
    assert 0 < marked() < many
    monkeypatch.setattr("monitor.look_backs.applies", lambda *_: True)
    archiver(BACKFILL)
    wait_until(lambda: marked() == many)
    wait_until(lambda: len(store.alerts.latest()) == 1)


def test_killed_archives_look_back_once(
    redis, redis_url, store, presswatch, configure, tmp_path, eventually
):
    directory = configure(BACKFILL)
    now = datetime.now(UTC)
    many = 3_000
    engine = open_archive(None, tmp_path)
    past = now - timedelta(hours=1)
    assert Writer(engine).write([article(n, past) for n in range(many)]) == []
    config = load(directory, {})
    identity = summary_id(config.watchlists[0], config.definitions)
    # As if the watchlist had been new a while ago.
    store.look_backs.see(identity, LookBackState(now - timedelta(minutes=2)))

    def start():
        return presswatch.start(
            "archive", "--config", str(directory), "--data", str(tmp_path), REDIS_URL=redis_url
        )

    for kill_after_s in (1.4, 1.8, 2.2):
        processes = start(), start()
        time.sleep(kill_after_s)
        for process in processes:
            presswatch.kill(process)
    start()
    start()
    eventually(lambda: store.look_backs.states([identity])[identity].is_done)
    eventually(lambda: [each.get("id") for each in latest_alerts(engine, limit=1)], [identity])
    assert [each["id"] for each in store.alerts.latest()] == [identity]
    with engine.connect() as connection:
        later = connection.scalar(select(func.count()).where(matches.c.later))
    assert later == many
    engine.dispose()


def test_a_report_that_is_due_is_made_by_the_archive(redis, store, queues, archiver, configure):
    subscriber = (
        "{name: weekly, email: {to: [a@b.example], smtp_url: 'smtp://127.0.0.1'}, "
        "report: {every: day, at: '00:00'}}"
    )
    directory = configure(f"subscribers: [{subscriber}]")
    (weekly,) = load(directory, {}).subscribers
    # The archive was down for three days. Midnight may pass while the test runs.
    began = datetime.now(UTC).date()
    state, _ = decide(None, weekly.report, datetime.now(UTC) - timedelta(days=3))
    store.reports.change("weekly", None, state, lambda _: None)
    archiver(config=f"subscribers: [{subscriber}]")
    wait_until(lambda: queues.count_owed("deliveries") == 1)
    assert store.reports.state("weekly").due.date() >= began


def test_operators_are_told_once_that_the_archive_is_behind(redis, configure, store):
    directory = configure(CONFIG)
    runtime = Runtime(directory, load(directory, {}), redis)
    lag, now = ArchiveLag(), datetime.now(UTC)
    add(redis, store, article(1))

    def told():
        return runtime.queues.count_owed("deliveries")

    lag.look(runtime, now)
    assert told() == 0
    for minutes in (61, 71):
        lag.look(runtime, now + timedelta(minutes=minutes))
    assert told() == 1
    ((stream_id, _),) = redis.xrange(store.keys.unarchived)
    redis.xdel(store.keys.unarchived, stream_id)
    lag.look(runtime, now + timedelta(minutes=81))
    assert told() == 1


def test_words_of_older_rules_are_folded_again_beside_the_writing(redis, store, archiver, tmp_path):
    add(redis, store, *map(article, range(3)))
    end = archiver()
    wait_until(lambda: count(tmp_path) == 3)
    end()
    engine = open_archive(None, tmp_path)
    with begin(engine) as connection:
        connection.execute(update(articles).values(rules=0))
    archiver()

    def rules():
        with begin(engine) as connection:
            return set(connection.execute(select(articles.c.rules)).scalars())

    wait_until(lambda: rules() == {RULES})
    engine.dispose()
