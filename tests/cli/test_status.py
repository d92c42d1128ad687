"""What an operator is shown."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from monitor.alerts.build import notice
from monitor.alerts.concerns import Concern, ConcernsState, KnownConcern
from monitor.archive.database import open_archive
from monitor.archive.writer import Writer
from monitor.config import load
from monitor.coverage import Record
from monitor.model import FeedGaps, FeedState
from monitor.overview.feeds import health
from monitor.store.feeds import StateRecord

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
FINE = FeedState(polled_at=NOW, succeeded_at=NOW, entries=20)


@pytest.fixture
def feeds(configure, redis, redis_url, store, presswatch, led):
    """Many feeds, states for them, and the lines of `status`."""

    def show(*states, url="https://a.example/{number}"):
        urls = [url.format(number=number) for number in range(len(states))]
        directory = configure("feeds:\n" + "".join(f"  - {{url: '{one}'}}\n" for one in urls))
        for feed, state in zip(load(directory, {}).feeds, states, strict=True):
            store.feeds.commit([StateRecord(feed, state, NOW)])
        options = ("--config", str(directory))
        as_text = presswatch.call("status", *options, REDIS_URL=redis_url)
        assert as_text.returncode == 0, as_text.stderr
        as_json = presswatch.call("status", "--json", *options, REDIS_URL=redis_url)
        return as_text.stdout.splitlines(), json.loads(as_json.stdout)

    return show


def test_health_is_one_word():
    assert health(FeedState()) == "new"
    assert health(FINE) == "ok"
    assert health(replace(FINE, failures=1)) == "failing"
    assert health(replace(FINE, problem="cut off")) == "doubtful"
    assert health(replace(FINE, held_back=3)) == "doubtful"
    assert health(replace(FINE, held_back=3, failures=1)) == "failing"


def test_feeds_with_the_same_error_share_a_line_with_their_number(feeds):
    failing = replace(FINE, failures=2, error="the name does not resolve")
    other = replace(FINE, failures=7, error="HTTP 404", title="Herald")
    lines, found = feeds(*[failing] * 23, other, FINE)
    assert "feeds      24 failing, 1 ok" in lines
    (alike,) = [line for line in lines if "does not resolve" in line]
    assert alike.strip().startswith("23 feeds: the name does not resolve (https://a.example/0, ")
    assert "           Herald: HTTP 404 (7× in a row)" in lines
    assert len(found["feeds"]) == 25


def test_the_problem_of_a_doubtful_feed_is_shown(feeds):
    lines, found = feeds(
        replace(FINE, title="Cut", problem="the feed breaks off"),
        replace(FINE, title="Flood", held_back=49_000),
    )
    assert "feeds      2 doubtful" in lines
    assert "           Cut: the feed breaks off" in lines
    assert "           Flood: 49000 entries held back" in lines
    assert [(one["problem"], one["held_back"]) for one in found["feeds"]] == [
        ("the feed breaks off", 0), (None, 49_000),
    ]  # fmt: skip


def test_a_feed_that_moved_or_is_gone_is_shown(feeds):
    lines, found = feeds(
        replace(FINE, title="Herald", address="https://new.example/feed"),
        replace(FINE, title="Gazette", failures=1, error="HTTP 410: gone", stopped_at=NOW),
    )
    assert "           Herald: moved for good, polled at https://new.example/feed" in lines
    assert "           Gazette: HTTP 410: gone (1× in a row)" in lines
    herald, gazette = found["feeds"]
    assert (herald["moved_to"], herald["health"]) == ("https://new.example/feed", "ok")
    assert (gazette["due_at"], gazette["stopped_at"]) == (None, "2026-11-23T09:00:00+00:00")


def test_the_list_of_feeds_counts_their_gaps(feeds, presswatch, redis_url):
    feeds(replace(FINE, title="Herald", gaps=FeedGaps(found=2, last_at=NOW)), FINE)
    listed = presswatch.call("feeds", "list", "--config", "config", REDIS_URL=redis_url)
    first, second = listed.stdout.splitlines()
    assert first.endswith("Herald  2 gaps")
    assert "gap" not in second


def test_titles_of_feeds_are_plain_text_on_one_line(feeds):
    title = "AT&amp;T <b>News</b>\n\x1b[31m"
    lines, found = feeds(replace(FINE, title=title, failures=1, error="HTTP 500"))
    assert [line for line in lines if "HTTP 500" in line] == [
        "           AT&T News [31m: HTTP 500 (1× in a row)"
    ]
    assert found["feeds"][0]["name"].startswith("AT&T News")


def test_an_address_is_shown_without_user_and_password(feeds):
    lines, found = feeds(
        replace(FINE, failures=1, error="HTTP 401"), url="https://me:hunter2@a.example/{number}"
    )
    assert found["feeds"][0]["url"] == "https://a.example/0"
    assert "hunter2" not in "".join(lines)


def test_the_newest_failures_of_all_queues_are_shown(feeds, redis):
    for number in range(60):
        name = "articles" if number % 2 else "deliveries"
        moment = (NOW + timedelta(hours=number)).isoformat()
        record = {"args": [], "error": f"error {number}", "failed_at": moment}
        redis.hset(f"presswatch:failed:{name}", f"job-{number}", json.dumps(record))
    _, found = feeds(FINE)
    assert [job["id"] for job in found["failed"]] == [f"job-{59 - number}" for number in range(20)]


@pytest.fixture
def status(configure, redis_url, presswatch):
    """Call `status` on a configuration with two watchlists."""

    def call(*options, data="nowhere"):
        directory = configure(
            "watchlists: [{name: cod, query: cod}, "
            "{name: herring, title: Small fish, query: herring}]"
        )
        return presswatch.call(
            "status", *options, "--config", str(directory), "--data", str(data), REDIS_URL=redis_url
        )

    return call


def test_status_fails_and_says_why_if_nobody_leads_or_works(status, redis):
    idle = status()
    assert idle.returncode == 1
    assert "scheduler  none leads" in idle.stdout
    assert "no scheduler leads, so no feed is polled" in idle.stderr
    assert "no worker lives, so no article is read" in idle.stderr
    redis.set("presswatch:leader", "somebody")
    result = status("--json")
    assert result.returncode == 1
    assert json.loads(result.stdout)["idle"] == [
        "no worker lives, so no article is read: start `presswatch worker`"
    ]


def test_status_has_a_line_for_each_watchlist(status, led, tmp_path):
    now = datetime.now(UTC)
    old = notice("a", "", now=now - timedelta(hours=25)).document | {"watchlist": "cod"}
    new = notice("b", "", now=now - timedelta(hours=1)).document | {"watchlist": "cod"}
    engine = open_archive(None, tmp_path)
    assert Writer(engine).write([Record(alert=old), Record(alert=new)]) == []
    engine.dispose()
    result = status(data=tmp_path)
    assert result.returncode == 0
    last = (now - timedelta(hours=1)).isoformat(timespec="seconds")
    assert [line for line in result.stdout.splitlines() if line.startswith("watchlist")] == [
        f"watchlist  cod: 1 alert in 24 h, the last at {last}",
        "watchlist  Small fish: no alert yet",
    ]
    cod, herring = json.loads(status("--json", data=tmp_path).stdout)["watchlists"]
    assert (cod["name"], cod["title"]) == ("cod", "")
    assert (herring["name"], herring["title"]) == ("herring", "Small fish")


def test_status_goes_on_without_an_archive(status, led):
    result = status()
    assert result.returncode == 0
    assert "watchlist  cod: unknown, since the archive cannot be read" in result.stdout
    assert "there is no archive" in json.loads(status("--json").stdout)["archive"]["error"]


def test_status_names_what_went_silent_and_fails_until_it_is_well(status, led, store):
    concern = Concern("silent:cod", "the watchlist cod has not alerted for 2 days", "Look at it.")
    since = datetime(2026, 11, 24, 9, tzinfo=UTC)
    known = KnownConcern(concern, since, is_told=True)
    untold = KnownConcern(replace(concern, key="network", title="all fail"), since)
    store.concerns.change(None, ConcernsState((known, untold)), lambda _: None)
    result = status()
    assert result.returncode == 1
    line = (
        "attention  the watchlist cod has not alerted for 2 days, since 2026-11-24T09:00:00+00:00"
    )
    assert f"{line}: Look at it." in result.stdout
    assert result.stderr == "presswatch: the watchlist cod has not alerted for 2 days\n"
    (found,) = json.loads(status("--json").stdout)["concerns"]
    assert (found["key"], found["title"]) == ("silent:cod", concern.title)
    # A container need not be restarted for it.
    assert status("--alive").returncode == 0
    store.concerns.change(ConcernsState((known, untold)), ConcernsState(), lambda _: None)
    assert status().returncode == 0


def test_status_alive_looks_only_for_scheduler_and_worker(status, redis):
    result = status("--alive")
    assert (result.returncode, result.stdout) == (1, "")
    assert "no scheduler leads" in result.stderr
    assert "no worker lives" in result.stderr
