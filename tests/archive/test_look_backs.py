"""New watchlists look back in the archive, in both databases, and tell it once."""

import os
import signal
import sys
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import delete

from monitor.archive.database import begin, open_archive
from monitor.archive.history import latest_alerts
from monitor.archive.later import mark_later
from monitor.archive.schema import alerts, articles, matches
from monitor.config import load
from monitor.coverage import MatchRecord, Record
from monitor.errors import ArchiveUnavailable
from monitor.look_backs import SETTLING, LookBacks, summary_id
from monitor.model import FeedFilter, Watchlist, content_id, from_json
from monitor.runtime.composition import Runtime

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
READY = NOW + SETTLING
HOUR = timedelta(hours=1)
CONFIG = """
settings: {{archive: {{url: "{url}"}}}}
definitions: {{alliance: NATO OR OTAN, talks: "@alliance AND summit"}}
feeds: [{{url: "https://herald.example/feed", name: Herald, tags: [defence]}}]
watchlists: [{{name: summits, query: "@talks", subscribers: [desk], priority: high, backfill: 7d}}]
subscribers: [{{name: desk, webhook: {{url: "https://desk.example/hook"}}}}]
"""


@pytest.fixture
def runtime(tmp_path, redis, archive_url):
    text = CONFIG.format(url=archive_url)
    if archive_url is None:
        text = text.replace('settings: {archive: {url: "None"}}', "")
    directory = tmp_path / "config"
    directory.mkdir()
    (directory / "a.yaml").write_text(text)
    return Runtime(directory, load(directory, {}), redis)


@pytest.fixture
def past(writer, publication):
    """Write an hourly article of the last ten days; each third one matches, at the full hours."""

    def write(hours=240, **fields):
        records = [
            publication(
                f"{number}",
                "The NATO summit." if number % 3 == 0 else "The weather.",
                NOW - number * HOUR,
                **fields,
            )
            for number in range(1, hours)
        ]
        assert writer.write([without_matches(record) for record in records]) == []

    return write


def without_matches(record, *names):
    publication = replace(
        record.publication, alerts=(), matches=tuple(MatchRecord(name) for name in names)
    )
    return Record(publication=publication)


@pytest.fixture
def look_backs(runtime, tmp_path):
    """Make what one archive process has to look back; nothing runs in threads here."""

    def make(config=runtime.config):
        made = LookBacks(runtime, tmp_path, threading.Event())
        made.use(config)
        return made

    return make


@pytest.fixture
def look(engine, look_backs, runtime):
    """Sees the watchlists, and looks back when that is due; returns the summaries so far."""

    def run(now=NOW, config=runtime.config):
        process = look_backs(config)
        process.due(engine, now)
        for task in process.due(engine, now + SETTLING):
            process.look_back(task, engine)
        return runtime.store.alerts.latest()

    return run


def changed(runtime, **fields):
    (watchlist,) = runtime.config.watchlists
    return replace(runtime.config, watchlists=(replace(watchlist, **fields),))


def later(read):
    return {row["article"] for row in read(matches) if row["later"]}


EXPECTED = {content_id(f"{number}") for number in range(3, 168, 3)} | {content_id("168")}


def test_a_new_watchlist_marks_what_it_would_have_matched_and_tells_one_summary(
    look, past, read, runtime, writer
):
    past()
    (summary,) = look()
    assert later(read) == EXPECTED
    rows = {row["article"]: row for row in read(matches)}
    assert rows[content_id("3")]["matched_at"] == NOW - 3 * HOUR
    assert rows[content_id("3")]["alert"] is None
    assert summary["article"]["title"] == "56 articles of the last 7 days match summits"
    assert summary["look_back"]["articles"] == 56
    assert summary["look_back"]["known"] == 0
    assert [each["title"] for each in summary["look_back"]["newest"]] == [
        f"The title of {number}" for number in (3, 6, 9, 12, 15)
    ]
    assert "--watchlist summits --since 2026-11-16T09:00:00Z" in summary["snippets"][0]["text"]
    assert summary["snippets"][1] == {
        "text": "The title of 3 (Herald), 23 November 2026",
        "highlights": [],
        "url": "https://www.herald.example/3",
    }
    # It is about the past, and must not wake anybody.
    assert summary["priority"] == "normal"
    assert runtime.queues.count_owed("deliveries") == 1
    records = [from_json(Record, each) for each in runtime.store.unarchived.waiting()]
    assert writer.write(records) == []
    assert [row["id"] for row in read(alerts)] == [summary["id"]]


def test_a_restart_tells_nothing_again(look, past, runtime):
    past()
    assert len(look()) == 1
    for days in (0, 1, 500):
        assert len(look(NOW + timedelta(days=days))) == 1
    assert runtime.queues.count_owed("deliveries") == 1


def test_a_changed_query_definition_or_filter_looks_back_again_and_nothing_else_does(
    look, past, runtime
):
    past()
    count = len(look())
    for config in (
        changed(runtime, query="weather"),
        replace(runtime.config, definitions={**runtime.config.definitions, "alliance": "weather"}),
        changed(runtime, feeds=FeedFilter(tags=("sports",))),
    ):
        count += 1
        assert len(look(config=config)) == count
        assert len(look(config=config)) == count
    unused = {**runtime.config.definitions, "unused": "weather"}
    for config in (
        runtime.config,
        replace(runtime.config, definitions=unused),
        changed(runtime, priority="low", subscribers=(), backfill=timedelta(days=1)),
    ):
        assert len(look(config=config)) == count


def test_what_the_daemon_matched_itself_is_not_found_later(look, past, read, publication, writer):
    past()
    known = without_matches(publication("3", "The NATO summit.", NOW - 3 * HOUR), "summits")
    assert writer.write([known]) == []
    (summary,) = look()
    assert later(read) == EXPECTED - {content_id("3")}
    assert summary["article"]["title"] == "55 further articles of the last 7 days match summits"


def test_what_the_daemon_matches_afterwards_is_no_longer_found_later(
    look, past, read, publication, writer
):
    past()
    look()
    edited = without_matches(publication("3", "The NATO summit!", NOW + HOUR), "summits")
    assert writer.write([edited]) == []
    assert later(read) == EXPECTED - {content_id("3")}


@pytest.mark.parametrize(
    ("feeds", "count"),
    [
        (FeedFilter(names=("Herald",)), 2),
        (FeedFilter(tags=("defence", "other")), 2),
        (FeedFilter(languages=("en",)), 3),
        (FeedFilter(names=("Herald",), tags=("sports",)), 1),
    ],
)
def test_the_filter_of_feeds_is_that_of_workers(look, writer, publication, runtime, feeds, count):
    fields = [
        {"tags": ("defence",), "language": "en-GB"},
        {"tags": ("sports",), "language": "de"},
        {"source": "Courier", "tags": ("defence",), "language": None},
        {"source": "Courier", "tags": ("news",), "language": "en"},
    ]
    records = [
        without_matches(publication(f"{number}", "OTAN: summit", NOW - HOUR, **each))
        for number, each in enumerate(fields)
    ]
    assert writer.write(records) == []
    (summary,) = look(config=changed(runtime, feeds=feeds))
    assert summary["look_back"]["articles"] == count


def test_that_nothing_was_found_is_told_in_one_line_of_low_priority(look, past, runtime):
    past()
    (summary,) = look(config=changed(runtime, query="nothing"))
    assert summary["article"]["title"] == "no article of the last 7 days matches summits"
    assert summary["priority"] == "low"
    assert len(summary["snippets"]) == 1


def test_an_archive_that_begins_has_no_past(look, past, read):
    assert look() == []
    past()
    assert look(NOW + HOUR) == []
    assert later(read) == set()


def test_a_watchlist_without_backfill_does_not_look_back(look, past, runtime):
    past()
    assert look(config=changed(runtime, backfill=None)) == []


def test_it_waits_until_workers_know_the_watchlist_and_their_records_are_written(
    engine, look_backs, past, runtime
):
    past()
    process = look_backs()
    assert process.due(engine, NOW) == []
    assert process.due(engine, READY - timedelta(seconds=1)) == []
    # Records that were written to Redis just now are newer than what it waits for.
    with runtime.redis.pipeline() as pipe:
        runtime.store.unarchived.add(Record(), pipe)
        pipe.execute()
    (task,) = process.due(engine, READY)
    assert (task.since, task.until) == (NOW - timedelta(days=7), READY)
    old = f"{int((READY - HOUR).timestamp() * 1000)}-0"
    runtime.redis.delete(runtime.store.keys.unarchived)
    runtime.redis.xadd(runtime.store.keys.unarchived, {"record": "{}"}, id=old)
    assert process.due(engine, READY) == []


def test_of_several_archives_that_look_back_at_once_exactly_one_tells(
    engine, look_backs, past, runtime, read
):
    past()
    processes = [look_backs() for _ in range(4)]
    for process in processes:
        process.due(engine, NOW)
    tasks = [process.due(engine, READY)[0] for process in processes]
    assert all(task == tasks[0] for task in tasks)
    told = []

    def run(process, task):
        told.append(process.look_back(task, engine))

    threads = [
        threading.Thread(target=run, args=pair) for pair in zip(processes, tasks, strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(told) == [False, False, False, True]
    assert len(runtime.store.alerts.latest()) == 1
    assert runtime.queues.count_owed("deliveries") == 1
    assert later(read) == EXPECTED


def test_one_that_fails_after_it_marked_and_before_it_told_begins_again(
    engine, look_backs, look, past, runtime, monkeypatch
):
    past()
    process = look_backs()
    process.due(engine, NOW)
    (task,) = process.due(engine, READY)
    with monkeypatch.context() as patch:
        patch.setattr("monitor.look_backs.look_back_alert", lambda *_, **__: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            process.look_back(task, engine)
    assert runtime.store.alerts.latest() == []
    (summary,) = look()
    # What was marked before is counted as well.
    assert summary["look_back"]["articles"] == 56


# Every line of these may be the last one. Others are called in one line of these.
KILLED_IN = ("monitor/look_backs.py", "monitor/archive/later.py", "monitor/store/look_backs.py")


def kill_at(last):
    """Kills this process at the nth line that it executes in these modules."""
    lines = 0

    def trace(frame, event, _):
        nonlocal lines
        if not frame.f_code.co_filename.endswith(KILLED_IN):
            return None
        lines += event == "line"
        if lines == last:
            os.kill(os.getpid(), signal.SIGKILL)
        return trace

    sys.settrace(trace)


def test_killed_at_any_line_it_marks_all_and_tells_once(
    engine, archive_url, tmp_path, look_backs, past, runtime, read
):
    past(24)
    look_backs().due(engine, NOW)
    engine.dispose()
    process = look_backs()
    for last in range(1, 1000, 2):
        child = os.fork()
        if not child:
            try:
                own = open_archive(archive_url, tmp_path)
                kill_at(last)
                for task in process.due(own, READY):
                    process.look_back(task, own)
            finally:
                os._exit(0)
        _, status = os.waitpid(child, 0)
        told = len(runtime.store.alerts.latest())
        assert told <= 1
        assert runtime.queues.count_owed("deliveries") == told
        if not os.WIFSIGNALED(status):
            break
    # It was killed before and after it marked, and before it told.
    assert last > 50
    assert told == 1
    assert len(later(read)) == 7
    (summary,) = runtime.store.alerts.latest()
    assert summary["look_back"]["articles"] == 7


def test_a_redis_that_lost_its_data_does_not_bring_the_summaries_back(
    look, past, runtime, writer, read
):
    past()
    look()
    records = [from_json(Record, each) for each in runtime.store.unarchived.waiting()]
    assert writer.write(records) == []
    runtime.redis.flushall()
    assert look() == []


def test_a_search_that_is_told_to_stop_or_is_no_longer_wanted_tells_nothing(
    engine, look_backs, look, past, runtime
):
    past()
    process = look_backs()
    process.due(engine, NOW)
    (task,) = process.due(engine, READY)
    process.use(changed(runtime, query="weather"))
    assert not process.look_back(task, engine)
    process.use(runtime.config)
    process._stop.set()
    assert not process.look_back(task, engine)
    assert runtime.store.alerts.latest() == []
    assert len(look()) == 1


def test_a_fault_in_one_watchlist_does_not_stop_the_others(
    engine, look_backs, past, runtime, monkeypatch
):
    past()
    (first,) = runtime.config.watchlists
    config = replace(
        runtime.config, watchlists=(first, replace(first, name="weather", query="weather"))
    )
    process = look_backs(config)
    process.due(engine, NOW)
    real = process.look_back

    def look_back(task, engine):
        if task.watchlist.name == "summits":
            raise RuntimeError("a fault")
        return real(task, engine)

    monkeypatch.setattr(process, "look_back", look_back)
    process._look_back_for(process.due(engine, READY), engine)
    (summary,) = runtime.store.alerts.latest()
    assert summary["watchlist"] == "weather"


def test_what_redis_holds_from_elsewhere_does_not_stop_the_archive(engine, look_backs, runtime):
    key = runtime.store.keys.looked_back
    (watchlist,) = runtime.config.watchlists
    runtime.redis.hset(key, summary_id(watchlist, runtime.config.definitions), "nonsense")
    look_backs().look(engine, NOW)


def test_a_database_that_fails_is_told_to_who_asks(engine, look_backs):
    with begin(engine) as connection:
        articles.drop(connection)
    with pytest.raises(ArchiveUnavailable):
        look_backs().look(engine, NOW)


def test_an_article_that_was_forgotten_meanwhile_is_not_marked(engine, past, read):
    past(5)
    with begin(engine) as connection:
        connection.execute(delete(articles).where(articles.c.id == content_id("3")))
    assert mark_later(engine, "w", [content_id("3"), content_id("4")]) == {content_id("4")}
    assert mark_later(engine, "w", []) == set()
    assert later(read) == {content_id("4")}


def test_lists_show_what_was_found_later_among_the_alerts_and_marked(
    engine, look, past, publication, writer
):
    past(7)
    alerted = publication("known", at=NOW - 4 * HOUR)
    assert writer.write([alerted]) == []
    look()
    shown = [
        (each["watchlist"], each["article"]["title"], each.get("later"))
        for each in latest_alerts(engine)
    ]
    assert shown == [
        ("summits", "The title of 3", True),
        ("nato", "The title of known", None),
        ("summits", "The title of 6", True),
    ]
    assert len(list(latest_alerts(engine, limit=2))) == 2
    assert len(list(latest_alerts(engine, watchlists=["nato"]))) == 1
    assert len(list(latest_alerts(engine, since=NOW - 4 * HOUR, watchlists=["summits"]))) == 1
    (first, *_) = latest_alerts(engine)
    assert first["detected_at"] == "2026-11-23T06:00:00Z"
    assert "id" not in first


def test_an_id_depends_on_every_definition_that_is_used():
    watchlist = Watchlist("w", "@a OR x")
    definitions = {"a": "@b AND c", "b": "d"}
    one = summary_id(watchlist, definitions)
    assert summary_id(watchlist, definitions | {"c": "other"}) == one
    assert summary_id(watchlist, definitions | {"b": "e"}) != one
    assert summary_id(replace(watchlist, name="v"), definitions) != one
