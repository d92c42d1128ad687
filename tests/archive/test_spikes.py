"""Spikes and silences from the archive to the alert, in Redis and both databases."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from monitor.archive.coverage import hourly_counts, stories_between
from monitor.archive.schema import alerts
from monitor.config import load
from monitor.coverage import Record
from monitor.model import from_json
from monitor.runtime.composition import Runtime
from monitor.spikes_watch import SpikesWatch

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)
CONFIG = """
watchlists:
  - {name: nato, query: nato, subscribers: [desk], spike: {times: 3, over: 14d}}
subscribers:
  - {name: desk, webhook: {url: "https://desk.example/hook"}}
  - {name: operators, webhook: {url: "https://ops.example/hook"}}
"""


@pytest.fixture
def runtime(tmp_path, redis):
    directory = tmp_path / "config"
    directory.mkdir()
    (directory / "a.yaml").write_text(CONFIG)
    return Runtime(directory, load(directory, {}), redis)


@pytest.fixture
def history(writer, publication):
    """Write three weeks with an article every two hours, and a burst at the end if asked to."""

    def write(burst=0):
        records = [
            publication(f"old-{hour}", at=NOW - hour * HOUR + timedelta(minutes=1))
            for hour in range(6, 21 * 24, 2)
        ]
        records += [
            publication(f"new-{number}", at=NOW - timedelta(minutes=number + 1), story="s" * 32)
            for number in range(burst)
        ]
        assert writer.write(records) == []

    return write


def test_hours_end_now_and_name_the_stories(engine, history):
    history(burst=30)
    counts = hourly_counts(engine, "nato", NOW - timedelta(days=30), NOW)
    assert counts[-1] == 30
    assert sum(counts[-6:-1]) <= 1
    assert sum(counts) == 30 + len(range(6, 21 * 24, 2))
    (story, *_) = stories_between(engine, "nato", NOW - 3 * HOUR, NOW, 3)
    assert (story.id, story.articles, story.sites) == ("s" * 32, 30, 1)
    assert story.title == "The title of new-29"


def test_exactly_one_of_two_archives_alerts_and_a_restart_tells_nothing(
    engine, runtime, history, writer, read
):
    history(burst=40)
    watches = SpikesWatch(runtime), SpikesWatch(runtime)
    for watch in (*watches, SpikesWatch(runtime)):
        watch.look(engine, NOW)
    (document,) = runtime.store.alerts.latest()
    assert document["article"]["title"].startswith("coverage of nato is ")
    assert document["spike"]["stories"][0]["articles"] == 40
    assert "40 articles on 1 site: The title of new-39 (Herald)" in document["snippets"][1]["text"]
    records = [from_json(Record, each) for each in runtime.store.unarchived.waiting()]
    assert writer.write(records) == []
    assert document["id"] in {row["id"] for row in read(alerts)}
    redis = runtime.redis
    redis.delete(runtime.store.keys.unarchived)
    SpikesWatch(runtime).look(engine, NOW + 12 * HOUR)
    SpikesWatch(runtime).look(engine, NOW + 12 * HOUR)
    over, _ = runtime.store.alerts.latest()
    assert over["spike"]["state"] == "over"
    assert over["story"]["id"] == document["story"]["id"]


def test_operators_hear_of_a_silence_once(engine, runtime, history):
    history()
    for hours in (0, 72, 73, 74):
        SpikesWatch(runtime).look(engine, NOW + hours * HOUR)
    owed = runtime.redis.hvals(runtime.store.keys.outstanding("deliveries"))
    assert len(owed) == 1
    assert b"operators" in owed[0]
    assert runtime.store.alerts.latest() == []


@pytest.mark.parametrize(
    ("query", "before", "after"),
    [
        (("nato", "otan"), {}, {}),
        (("@alliance", "@alliance"), {"alliance": "nato"}, {"alliance": "otan"}),
        (
            ("@alliance", "@alliance"),
            {"alliance": "@name", "name": "nato"},
            {"alliance": "@name", "name": "otan"},
        ),
    ],
)
def test_a_changed_query_has_another_usual(engine, runtime, history, query, before, after):
    history(burst=40)

    def watching(query, definitions):
        watchlist = replace(runtime.config.watchlists[0], query=query)
        watch = SpikesWatch(runtime)
        watch.use(replace(runtime.config, watchlists=(watchlist,), definitions=definitions))
        return watch

    watching(query[0], before).look(engine, NOW - 4 * HOUR)
    watching(query[1], after).look(engine, NOW)
    assert runtime.store.alerts.latest() == []
