"""The process that moves records from Redis into the archive."""

import threading
import time
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from monitor.archive.database import read_archive
from monitor.archive.history import count_articles
from monitor.archive.schema import articles
from monitor.archiver import Archiver
from monitor.config import load
from monitor.coverage import Publication, Record
from monitor.errors import PresswatchError
from monitor.model import Article
from monitor.runtime.composition import Runtime
from monitor.scheduler.archive_lag import ArchiveLag

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
    directory = configure(CONFIG)
    stop = threading.Event()
    threads = []

    def start(settings=""):
        if settings:
            (directory / "settings.yaml").write_text(settings)
        runtime = Runtime(directory, load(directory, {}), redis)
        thread = threading.Thread(target=Archiver(runtime, tmp_path, stop).run)
        threads.append(thread)
        thread.start()

    yield start
    stop.set()
    for thread in threads:
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
    wait_until(lambda: store.unarchived.backlog().records == 0, within_s=60)
    assert count(tmp_path) == unarchived_before


def test_a_record_that_cannot_be_read_is_shown_and_stops_no_other(redis, store, archiver, tmp_path):
    redis.xadd(store.keys.unarchived, {"record": "nonsense"})
    add(redis, store, article(1))
    archiver()
    wait_until(lambda: count(tmp_path) == 1)
    wait_until(lambda: store.unarchived.backlog().refused == 1)


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
