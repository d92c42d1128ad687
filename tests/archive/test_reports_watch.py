"""Reports by mail, from the archive to the delivery that is owed, in Redis and both databases."""

import threading
from datetime import UTC, datetime, timedelta

import pytest

from monitor import reports_watch
from monitor.config import load
from monitor.errors import ArchiveUnavailable
from monitor.model import Delivery, as_json, from_plain
from monitor.reports.letter import report_in
from monitor.reports_watch import EVERY, RETRY, SETTLING, ReportsWatch
from monitor.runtime.composition import Runtime

MONDAY = datetime(2026, 11, 23, 7, tzinfo=UTC)
DUE = MONDAY + SETTLING
DAY, WEEK = timedelta(days=1), timedelta(days=7)
CONFIG = """
watchlists:
  - {name: nato, query: nato, subscribers: [weekly]}
  - {name: others, query: other}
subscribers:
  - name: weekly
    email: {to: [anna@herald.example], smtp_url: "smtp://127.0.0.1"}
    report: {every: monday, timezone: Europe/Brussels}
  - name: daily
    email: {to: [bob@herald.example], smtp_url: "smtp://127.0.0.1"}
    report: {every: day, at: "07:30"}
  - {name: without, email: {to: [cleo@herald.example], smtp_url: "smtp://127.0.0.1"}}
"""


@pytest.fixture
def runtime(tmp_path, redis):
    directory = tmp_path / "config"
    directory.mkdir()
    (directory / "a.yaml").write_text(CONFIG)
    return Runtime(directory, load(directory, {}), redis)


@pytest.fixture
def owed(runtime):
    """The deliveries that are owed, each with the figures of its report."""

    def read():
        found = []
        for job_id in runtime.queues.all_owed("deliveries"):
            delivery = from_plain(Delivery, runtime.queues.owed("deliveries", job_id)[0])
            (alert,) = runtime.store.alerts.get_all(delivery.alerts)
            found.append((delivery, report_in(alert.document)[0]))
        return sorted(found, key=lambda pair: pair[0].subscriber)

    return read


def test_a_report_that_falls_due_is_owed_once(engine, writer, publication, runtime, owed):
    writer.write([publication("a", at=MONDAY - DAY), publication("b", at=MONDAY - 8 * DAY)])
    watch = ReportsWatch(runtime)
    watch.look(engine, MONDAY - timedelta(minutes=1))
    assert owed() == []
    for seconds in (0, 10, 3600):
        watch.look(engine, MONDAY + timedelta(seconds=seconds))
    daily, weekly = owed()
    delivery, figures = weekly
    assert (delivery.subscriber, delivery.released, delivery.tried) == ("weekly", True, True)
    assert (figures.since, figures.until) == (MONDAY - WEEK, MONDAY)
    # Those watchlists whose alerts the subscriber gets; one that gets none hears of all.
    assert [each.name for each in figures.watchlists] == ["nato"]
    assert figures.articles.now == 1
    assert daily[0].subscriber == "daily"
    assert [each.name for each in daily[1].watchlists] == ["nato", "others"]
    assert daily[1].until == MONDAY + timedelta(minutes=30)


def test_after_days_without_an_archive_one_late_report_is_owed(engine, runtime, owed):
    ReportsWatch(runtime).look(engine, MONDAY - 10 * DAY)
    for _ in range(2):
        ReportsWatch(runtime).look(engine, MONDAY + timedelta(hours=2))
    assert [delivery.subscriber for delivery, _ in owed()] == ["daily", "weekly"]
    assert [figures.until for _, figures in owed()] == [MONDAY + timedelta(minutes=30), MONDAY]


def test_of_several_archives_one_makes_the_report(engine, runtime, redis, owed):
    ReportsWatch(runtime).look(engine, MONDAY - timedelta(minutes=1))
    start = threading.Barrier(4)

    def look():
        other = Runtime(runtime.config_directory, runtime.config, redis)
        start.wait()
        ReportsWatch(other).look(engine, DUE)

    threads = [threading.Thread(target=look) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [delivery.subscriber for delivery, _ in owed()] == ["weekly"]
    # RQ has one job, too.
    assert runtime.queues.rq["deliveries"].count == 1


def test_a_report_waits_until_the_archive_has_what_came_before(
    engine, writer, publication, redis, runtime, owed
):
    watch = ReportsWatch(runtime)
    watch.look(engine, MONDAY - timedelta(minutes=1))
    stream = runtime.store.keys.unarchived
    record = publication("a", at=MONDAY - DAY)
    moment_ms = int((MONDAY - timedelta(seconds=1)).timestamp() * 1000)
    redis.xadd(stream, {"record": as_json(record)}, id=f"{moment_ms}-0")
    watch.look(engine, DUE)
    assert owed() == []
    writer.write([record])
    redis.delete(stream)
    watch.look(engine, MONDAY + timedelta(minutes=5))
    assert [figures.articles.now for _, figures in owed()] == [1]


def test_a_report_that_fails_holds_up_no_other_and_is_tried_later(
    engine, runtime, owed, monkeypatch
):
    watch = ReportsWatch(runtime)
    watch.look(engine, MONDAY - timedelta(minutes=1))
    moment, read = MONDAY + timedelta(hours=1), reports_watch.read_figures

    def fail_for_a_week(engine, period, watchlists):
        if period.length == WEEK:
            raise ZeroDivisionError
        return read(engine, period, watchlists)

    with monkeypatch.context() as patch:
        patch.setattr(reports_watch, "read_figures", fail_for_a_week)
        watch.look(engine, moment)
    assert [delivery.subscriber for delivery, _ in owed()] == ["daily"]
    watch.look(engine, moment + EVERY)
    assert len(owed()) == 1
    watch.look(engine, moment + RETRY)
    assert [delivery.subscriber for delivery, _ in owed()] == ["daily", "weekly"]


def test_a_database_that_does_not_answer_loses_no_report(engine, runtime, owed, monkeypatch):
    watch = ReportsWatch(runtime)
    watch.look(engine, MONDAY - timedelta(minutes=1))

    def unavailable(*_):
        raise ArchiveUnavailable("away")

    with monkeypatch.context() as patch:
        patch.setattr(reports_watch, "read_figures", unavailable)
        with pytest.raises(ArchiveUnavailable):
            watch.look(engine, DUE)
    assert owed() == []
    watch.look(engine, DUE + EVERY)
    assert len(owed()) == 1


def test_it_looks_every_few_seconds(engine, runtime, owed):
    watch = ReportsWatch(runtime)
    watch.look_if_due(engine, DUE - timedelta(seconds=1))
    watch.look_if_due(engine, DUE + timedelta(seconds=1))
    assert owed() == []
    watch.look_if_due(engine, DUE + EVERY)
    assert len(owed()) == 1


def test_a_report_is_on_no_stream(engine, runtime, redis, owed):
    # Programs read alerts there; this is not one.
    watch = ReportsWatch(runtime)
    watch.look(engine, MONDAY - timedelta(minutes=1))
    watch.look(engine, DUE)
    assert len(owed()) == 1
    assert runtime.store.alerts.count() == 0
    assert not redis.exists(runtime.store.keys.unarchived)
