"""One poll: every kind of answer has an outcome, which is written down and times the next poll."""

import asyncio
import json
import os
import random
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from functools import partial
from ipaddress import ip_network
from pathlib import Path
from unittest import mock
from xml.sax.saxutils import escape

import pytest
from redis.exceptions import RedisError
from structlog.testing import capture_logs

from monitor.access import Access
from monitor.config import PollSettings, Settings
from monitor.errors import FeedError
from monitor.feeds import entries
from monitor.http.client import HttpClient
from monitor.model import Feed, FeedState
from monitor.scheduler import apart, gaps, reading
from monitor.scheduler.poll import Poller
from monitor.scheduler.reports import PollReports
from monitor.store.claims import Place, Refusal

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
EVERY = timedelta(minutes=15)
SETTINGS = Settings(
    allow_private_addresses=(ip_network("127.0.0.0/8"),),
    backfill=timedelta(days=3650),
    poll=PollSettings(timeout=timedelta(seconds=1)),
)


@pytest.fixture
def feed(site, store):
    feed = Feed(f"{site.url}/feed")
    store.feeds.schedule([feed], NOW)
    return feed


@pytest.fixture
def ask(store, queues, monkeypatch):
    """Polls feeds, one after another, as one process does."""
    monkeypatch.setattr(random.Random, "uniform", lambda *_: 0)
    reports = PollReports()

    def ask(*feeds, now=NOW, settings=SETTINGS):
        async def run():
            async with HttpClient.of(settings) as http:
                poller = Poller(store, queues, http, settings, reports=reports, clock=lambda: now)
                return [await poller.poll(feed) for feed in feeds]

        return asyncio.run(run())[-1]

    ask.reports = reports
    return ask


def put(site, body, status=200, **headers):
    body = body if isinstance(body, bytes) else body.encode("utf-8", "surrogatepass")
    site.pages["/feed"] = (status, headers, body)


def rss(*titles, title="Herald"):
    items = "".join(
        f"<item><title>{escape(entry)}</title><guid>{escape(entry)}</guid></item>"
        for entry in titles
    )
    return f"<rss version='2.0'><channel><title>{title}</title>{items}</channel></rss>"


def queued(redis):
    return sorted(
        json.loads(args)[1]["title"] for args in redis.hvals("presswatch:outstanding:articles")
    )


def wait(store, feed):
    return store.feeds.due_at(feed.id) - NOW


def test_new_and_edited_entries_are_queued_and_the_state_records_the_poll(
    site, feed, ask, store, redis
):
    put(site, rss("One", "Two"), ETag='"1"', **{"Last-Modified": "then"})
    outcome = ask(feed)
    assert (outcome.new, outcome.edited) == (2, 0)
    assert queued(redis) == ["One", "Two"]
    state = store.feeds.state(feed.id)
    assert state == outcome.state or state.listed_on == NOW.date()
    assert (state.title, state.entries, state.failures, state.error) == ("Herald", 2, 0, None)
    assert (state.etag, state.last_modified) == ('"1"', "then")
    assert state.polled_at == state.succeeded_at == state.changed_at == NOW
    assert wait(store, feed) == timedelta(minutes=1)


@pytest.mark.parametrize("answer", ["304", "the same bytes", "rendered anew"])
def test_an_unchanged_feed_is_a_success_and_keeps_its_state(site, feed, ask, store, redis, answer):
    body = rss("One").replace("</title>", "</title><pubDate>24 Nov 2026 12:00 GMT</pubDate>", 1)
    put(site, body, **({"ETag": '"1"'} if answer == "304" else {}))
    before = ask(feed).state
    if answer == "rendered anew":
        put(site, body.replace("12:00", "14:00"))
    later = NOW + timedelta(hours=2)
    outcome = ask(feed, now=later)
    assert (outcome.new, outcome.state.entries, outcome.state.title) == (0, 1, "Herald")
    assert outcome.state.succeeded_at == later
    assert store.feeds.state(feed.id).body_hash == before.body_hash
    assert store.feeds.due_at(feed.id) == later + EVERY
    assert queued(redis) == ["One"]


def test_a_304_to_a_first_request_is_a_failure(site, feed, ask, store):
    put(site, "", 304)
    state = ask(feed).state
    assert state.error.startswith("HTTP 304: the server says that the feed has not changed")
    assert (state.failures, state.succeeded_at) == (1, None)


def test_polls_are_counted_with_what_they_brought(site, feed, ask, store):
    put(site, rss("One", "Two"), ETag='"1"')
    ask(feed)
    ask(feed)
    put(site, "", 404)
    ask(feed)
    put(site, "<html><body>Welcome</body></html>")
    ask(feed)
    counts = store.counters.read()
    assert counts.polls == {"changed": 1, "unchanged": 1, "failed": 2}
    assert counts.entries == {"new": 2}
    assert counts.errors == {("poll", "http_404"): 1, ("poll", "not_a_feed"): 1}


@pytest.mark.parametrize(
    ("status", "body", "error", "first"),
    [
        (404, "", "HTTP 404", 2),
        (503, "", "HTTP 503", 1),
        (200, "<html><body>Welcome</body></html>", "no feed", 1),
        (200, "", "no feed", 1),
        (200, '{"version": 1}', "no feed", 1),
        (302, "", "HTTP 302", 1),
    ],
)
def test_a_failure_is_written_down_with_its_reason_and_delays_the_next_poll(
    site, feed, ask, store, status, body, error, first
):
    put(site, rss("One"), ETag='"1"')
    ask(feed)
    put(site, body, status)
    state = ask(feed).state
    assert state.error.startswith(error)
    assert store.feeds.state(feed.id).error == state.error
    assert (state.failures, state.entries, state.etag) == (1, 1, '"1"')
    assert wait(store, feed) == first * EVERY
    ask(feed)
    assert wait(store, feed) == 2 * first * EVERY


def test_a_feed_that_recovers_has_no_failures_left(site, feed, ask, store):
    put(site, "", 500)
    ask(feed)
    put(site, rss("One"))
    state = ask(feed).state
    assert (state.failures, state.error, state.entries) == (0, None, 1)


def test_a_feed_that_does_not_answer_in_time_or_cannot_be_reached_fails(site, feed, ask):
    put(site, rss("One"))
    site.delays["/feed"] = 1.5
    assert ask(feed).state.error.startswith("no answer within 1 s; it is tried again; ")
    site.close()
    assert ask(feed).state.error.startswith("no connection")


def test_a_server_is_not_asked_again_for_as_long_as_it_wants(site, feed, ask, store):
    put(site, "", 429, **{"Retry-After": "7200"})
    for _ in range(5):
        ask(feed)
        assert wait(store, feed) >= timedelta(hours=2)


@pytest.mark.parametrize("status", [301, 308])
def test_a_feed_that_moved_for_good_is_polled_at_its_new_address_and_it_is_said(
    site, feed, ask, store, redis, status
):
    put(site, "", status, Location="/new")
    site.pages["/new"] = (200, {}, rss("One").encode())
    with capture_logs() as lines:
        states = [ask(feed).state for _ in range(6)]
    assert [state.address for state in states] == [None] * 4 + [f"{site.url}/new"] * 2
    assert site.asked() == {"/feed": 5, "/new": 6}
    moved = [line for line in lines if line["event"] == "feed moved"]
    assert [(line["feed"], line["address"]) for line in moved] == [(feed.url, f"{site.url}/new")]
    assert queued(redis) == ["One"]


@pytest.mark.parametrize("statuses", [(302,), (307,), (302, 301)])
def test_a_redirect_that_may_end_is_followed_and_changes_nothing(site, feed, ask, statuses):
    for number, status in enumerate(statuses):
        path = f"/{number}" if number else "/feed"
        site.pages[path] = (status, {"Location": f"/{number + 1}"}, b"")
    site.pages[f"/{len(statuses)}"] = (200, {}, rss("One").encode())
    states = [ask(feed).state for _ in range(6)]
    assert {(state.address, state.moving_to, state.entries) for state in states} == {
        (None, None, 1)
    }


def test_a_new_address_counts_as_far_as_redirects_are_permanent(site, feed, ask):
    put(site, "", 301, Location="/new")
    site.pages["/new"] = (302, {"Location": "/today"}, b"")
    site.pages["/today"] = (200, {}, rss("One").encode())
    assert [ask(feed).state.address for _ in range(5)][-1] == f"{site.url}/new"


def test_a_feed_that_is_gone_is_polled_no_more_until_somebody_asks_for_it(site, feed, ask, store):
    put(site, rss("One"))
    ask(feed)
    put(site, "", 410)
    with capture_logs() as lines:
        state = ask(feed).state
    assert state.error.startswith("HTTP 410: the publisher says that the feed is gone for good")
    assert [(line["event"], line["log_level"]) for line in lines] == [("feed gone", "warning")]
    in_ten_years = NOW + timedelta(days=3650)
    # A restart and a change of the configuration do not take it for a new one.
    store.feeds.schedule([feed], in_ten_years)
    assert store.feeds.due(in_ten_years) == []
    store.claims.hasten(feed.id, NOW)
    assert store.feeds.due(NOW) == [feed.id]
    put(site, rss("One"))
    state = ask(feed).state
    assert (state.stopped_at, state.error, state.failures) == (None, None, 0)
    assert wait(store, feed) < timedelta(hours=1)


def test_a_feed_that_is_gone_starts_again_when_it_is_named_anew(site, feed, ask, store):
    put(site, "", 410)
    ask(feed)
    store.feeds.schedule([], NOW)
    store.feeds.schedule([feed], NOW)
    assert store.feeds.due(NOW) == [feed.id]


def test_validators_are_renewed_by_a_304_and_kept_if_it_has_none(site, feed, ask):
    put(site, rss("One"), ETag='"1"', **{"Last-Modified": "Mon, 23 Nov 2026 12:00:00 GMT"})
    ask(feed)
    put(site, "", 304, **{"Last-Modified": "Tue, 24 Nov 2026 12:00:00 GMT"})
    state = ask(feed).state
    assert (state.etag, state.last_modified) == ('"1"', "Tue, 24 Nov 2026 12:00:00 GMT")
    put(site, "", 304)
    assert ask(feed).state.last_modified == "Tue, 24 Nov 2026 12:00:00 GMT"
    assert site.requests[-1][1]["if-modified-since"] == "Tue, 24 Nov 2026 12:00:00 GMT"


def test_a_server_may_slow_down_the_polls_of_a_feed_within_limits(site, feed, ask, store):
    put(site, rss("One"), **{"Cache-Control": "max-age=86400"})
    ask(feed)
    assert wait(store, feed) == timedelta(minutes=2)


def test_feeds_of_a_host_that_forbids_several_wait_together(site, store, ask):
    feeds = [Feed(f"{site.url}/{number}") for number in range(4)]
    store.feeds.schedule(feeds, NOW)
    for feed in feeds:
        site.pages[f"/{feed.url[-1]}"] = (403, {}, b"")
    for feed in feeds[:2]:
        ask(feed)
    claim = partial(store.claims.claim, per_host=2, now=NOW, until=NOW)
    assert claim([Place(feeds[3].id, "127.0.0.1")], 1) == [FeedState()]
    ask(feeds[2])
    assert claim([Place(feeds[3].id, "127.0.0.1")], 1) == [Refusal.HOST_CLOSED]
    assert wait(store, feeds[3]) == pytest.approx(timedelta(minutes=15), abs=timedelta(seconds=1))


def test_a_feed_is_asked_for_with_its_own_headers_and_through_its_own_proxy(site, store, ask):
    access = Access(f"{site.url}/feed", (("X-Key", "k3y"),), "Special/1", "")
    feed = Feed(f"{site.url}/feed", access=access)
    store.feeds.schedule([feed], NOW)
    put(site, rss("One"))
    assert ask(feed, settings=SETTINGS.model_copy(update={"proxy": "http://127.0.0.1:1"})).new == 1
    _, sent = site.requests[-1]
    assert (sent["x-key"], sent["user-agent"]) == ("k3y", "Special/1")


def broken_parser(*_, **__):
    raise KeyError("authors")


def test_a_fault_of_presswatch_is_an_ordinary_failure_and_logged_once(
    site, feed, ask, store, monkeypatch
):
    put(site, rss("One"))
    monkeypatch.setattr(reading, "read", broken_parser)
    with capture_logs() as lines:
        state = ask(feed).state
        ask(feed)
        store.feeds.schedule([feed, other := Feed(f"{site.url}/feed?other")], NOW)
        site.pages["/feed?other"] = site.pages["/feed"]
        ask(other)
    assert state.error == "a fault of Presswatch: KeyError: 'authors'"
    assert store.feeds.state(feed.id).failures == 2
    assert wait(store, feed) == 2 * EVERY
    traces = [
        line["feed"] for line in lines if line["event"] == "poll faulty" and "exc_info" in line
    ]
    assert traces == [feed.url, other.url]


@pytest.mark.parametrize("failing", ["enqueue_entry", "count_owed"])
def test_entries_that_cannot_be_written_are_a_failure_too(
    site, feed, ask, store, queues, monkeypatch, failing
):
    def fail(*_, **__):
        raise UnicodeEncodeError("utf-8", "\ud83d", 0, 1, "surrogates not allowed")

    monkeypatch.setattr(queues, failing, fail)
    put(site, rss("One"))
    state = ask(feed).state
    assert state.error.startswith("a fault of Presswatch: UnicodeEncodeError")
    assert store.feeds.state(feed.id) == state
    assert wait(store, feed) == EVERY
    monkeypatch.undo()
    assert ask(feed).new == 1


def test_the_message_of_a_fault_contains_no_password_and_no_whole_document(
    site, feed, ask, monkeypatch
):
    def fail(*_, **__):
        raise KeyError("https://me:hunter2@a.example/" + "x" * 10_000 + "\ud83d")

    put(site, rss("One"))
    monkeypatch.setattr(reading, "read", fail)
    error = ask(feed).state.error
    assert "hunter2" not in error
    assert len(error) < 400


def test_a_lone_surrogate_in_a_title_loses_no_entry(site, feed, ask, redis):
    document = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": "Herald \ud83d",
        "items": [{"id": "1", "title": "Sound"}, {"id": "2", "title": "Half \ud83d"}],
    }
    put(site, json.dumps(document))
    outcome = ask(feed)
    assert outcome.state.error is None
    assert "Sound" in queued(redis)


def test_an_error_of_redis_is_raised(site, feed, ask, store, monkeypatch):
    def fail(*_, **__):
        raise RedisError("gone")

    put(site, rss("One"))
    monkeypatch.setattr(store.feeds, "commit_document", fail)
    with pytest.raises(RedisError):
        ask(feed)


def test_a_feed_that_lists_thousands_of_entries_is_queued_in_parts(
    site, feed, ask, store, redis, monkeypatch
):
    monkeypatch.setattr(entries, "MOST_AT_ONCE", 3)
    monkeypatch.setattr(entries, "FEW_AT_ONCE", 1)
    put(site, rss(*map(str, range(8))), ETag='"1"')
    state = ask(feed).state
    assert (state.held_back, state.entries, state.body_hash, state.etag) == (5, 8, None, None)
    assert wait(store, feed) == timedelta(minutes=1)
    ask(feed)
    state = ask(feed).state
    assert (state.held_back, state.etag) == (0, '"1"')
    assert queued(redis) == sorted(map(str, range(8)))


def test_a_feed_adds_little_to_a_long_queue(site, feed, ask, redis, monkeypatch):
    monkeypatch.setattr(entries, "MANY_WAITING", 2)
    monkeypatch.setattr(entries, "FEW_AT_ONCE", 1)
    put(site, rss(*map(str, range(8))))
    assert [ask(feed).new for _ in range(4)] == [2, 1, 1, 1]
    monkeypatch.setattr(entries, "TOO_MANY_WAITING", 5)
    assert ask(feed).new == 0


@pytest.fixture
def large(monkeypatch):
    monkeypatch.setattr(apart, "LARGE_BYTES", 100)


def test_a_large_feed_is_read_in_a_separate_process(site, feed, ask, redis, large):
    put(site, rss("One", "Two", title="AT&amp;T"))
    assert ask(feed).new == 2
    assert queued(redis) == ["One", "Two"]
    put(site, "<html>" + "x" * 200)
    assert ask(feed).state.error.startswith("no feed")


def test_a_reader_that_crashes_or_has_a_fault_fails_only_its_feed(
    site, feed, ask, large, monkeypatch, tmp_path
):
    site.pages["/sound"] = (200, {}, rss("Sound", title="x" * 100).encode())
    put(site, rss("One", title="x" * 100))
    sound = Feed(f"{site.url}/sound")

    def reader(code):
        (tmp_path / "reader.py").write_text(f"import json, os, sys, time\n{code}\n")
        monkeypatch.setenv("PYTHONPATH", str(tmp_path))
        monkeypatch.setattr(apart, "__name__", "reader")

    for code, error in (
        ("os.abort()", "reading the feed crashes (signal 6)"),
        ("sys.exit(3)", "reading the feed crashes (exit code 3)"),
        (
            "print(json.dumps({'fault': 'KeyError: 5', 'trace': '...'}), flush=True); os._exit(0)",
            "a fault of Presswatch: KeyError: 5",
        ),
    ):
        with monkeypatch.context():
            reader(code)
            assert ask(feed).state.error == error
    monkeypatch.undo()
    monkeypatch.setattr(apart, "LARGE_BYTES", 100)
    assert ask(sound).new == 1


def test_a_validator_that_no_header_may_hold_is_not_sent_back(site, feed, ask):
    put(site, rss("One"), ETag='"a\x01\x7f"')
    assert ask(feed).state.error is None
    put(site, rss("Two"), ETag='"b"')
    assert ask(feed).new == 1


def test_small_feeds_that_take_long_to_read_keep_no_other_poll_from_redis(
    site, feed, store, queues, monkeypatch
):
    released = threading.Event()
    read = reading.read

    def slow(body, **more):
        if b"Slow" in body:
            released.wait(20)
        return read(body, **more)

    monkeypatch.setattr(reading, "read", slow)
    put(site, rss("One"))
    site.pages["/slow"] = (200, {}, rss("Slow").encode())
    slow_feeds = [Feed(f"{site.url}/slow"), Feed(f"{site.url}/slow?2")]
    site.pages["/slow?2"] = site.pages["/slow"]

    async def run():
        async with HttpClient.of(SETTINGS) as http:
            with ThreadPoolExecutor(2) as threads, ThreadPoolExecutor(3) as readers:
                poller = Poller(store, queues, http, SETTINGS, threads=threads, readers=readers)
                waiting = [asyncio.create_task(poller.poll(one)) for one in slow_feeds]
                await asyncio.sleep(0.2)
                outcome = await asyncio.wait_for(poller.poll(feed), 10)
                released.set()
                await asyncio.gather(*waiting)
                return outcome

    assert asyncio.run(run()).new == 1


def test_a_small_feed_that_took_long_to_read_is_read_apart_from_then_on(
    site, feed, store, queues, monkeypatch
):
    monkeypatch.setattr(reading, "MAX_READING_S", -1)
    apart_s = []
    read = apart.LargeFeeds.read

    async def noted(self, body, **more):
        apart_s.append(more["expected_s"])
        return await read(self, body, **more)

    monkeypatch.setattr(apart.LargeFeeds, "read", noted)
    put(site, rss("One"))

    async def run():
        async with HttpClient.of(SETTINGS) as http:
            poller = Poller(store, queues, http, SETTINGS)
            await poller.poll(feed)
            put(site, rss("One", "Two"))
            return await poller.poll(feed)

    assert asyncio.run(run()).new == 1
    assert apart_s[0] < apart_s[1]


def test_a_large_feed_that_is_read_quickly_does_not_wait_for_a_slow_one(sleeper):
    async def run():
        large = apart.LargeFeeds(limit_s=20)
        more = {"url": "http://a.example/", "headers": {}, "now": NOW}
        slow = asyncio.create_task(large.read(b"x", **more, expected_s=apart.QUICK_S))
        await asyncio.sleep(1)
        with mock.patch.object(apart, "__name__", "monitor.scheduler.apart"):
            document, _ = await asyncio.wait_for(
                large.read(rss("One").encode(), **more, expected_s=1), 15
            )
        slow.cancel()
        await asyncio.wait([slow])
        return len(document.entries)

    assert asyncio.run(run()) == 1


@pytest.fixture
def sleeper(monkeypatch, tmp_path):
    """Makes the reader hang; returns a function that returns its process id."""
    (tmp_path / "reader.py").write_text(
        f"import os, pathlib, time\n"
        f"pathlib.Path({str(tmp_path / 'pid')!r}).write_text(str(os.getpid()))\n"
        f"time.sleep(60)"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=os.pathsep)
    monkeypatch.setattr(apart, "__name__", "reader")
    return lambda: int((tmp_path / "pid").read_text())


def test_a_reader_that_takes_too_long_is_killed(sleeper):
    async def read():
        await apart.LargeFeeds(limit_s=3).read(
            b"x" * 1_000_000, url="", headers={}, now=NOW, expected_s=0
        )

    with pytest.raises(FeedError, match="takes more than 3 s"):
        asyncio.run(read())
    with pytest.raises(ProcessLookupError):
        os.kill(sleeper(), 0)


def test_a_reader_ends_when_its_parent_is_killed(tmp_path, eventually):
    body = rss(*map(str, range(20_000))).encode()
    (tmp_path / "body").write_bytes(body)
    parent = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import asyncio, datetime, pathlib\n"
            "from monitor.scheduler.apart import LargeFeeds\n"
            f"body = pathlib.Path({str(tmp_path / 'body')!r}).read_bytes()\n"
            "now = datetime.datetime.now(datetime.UTC)\n"
            "asyncio.run(LargeFeeds().read(body, url='http://a.example/', headers={}, now=now, expected_s=0))\n",
        ]
    )

    def readers():
        return [
            int(path.parent.name)
            for path in Path("/proc").glob("[0-9]*/cmdline")
            if b"monitor.scheduler.apart\0" in read_bytes(path) and parent_of(path) == parent.pid
        ]

    eventually(lambda: len(readers()), 1)
    (reader,) = readers()
    # Its second thread shows that it has received its request.
    eventually(lambda: len(list(Path(f"/proc/{reader}/task").iterdir())) > 1)
    parent.kill()
    parent.wait()
    eventually(lambda: is_running(reader), False, within=10)


def read_bytes(path):
    try:
        return path.read_bytes()
    except OSError:
        return b""


def parent_of(path):
    stat = read_bytes(path.with_name("stat")).rpartition(b") ")[2].split()
    return int(stat[1]) if stat else None


def is_running(pid):
    stat = read_bytes(Path(f"/proc/{pid}/stat")).rpartition(b") ")[2].split()
    return bool(stat) and stat[0] != b"Z"


def events(lines, *levels):
    return [(line["event"], line.get("feed")) for line in lines if line["log_level"] in levels]


def test_a_failure_and_a_recovery_are_each_logged_once(site, feed, ask):
    with capture_logs() as lines:
        put(site, "", 500)
        for _ in range(3):
            ask(feed)
        put(site, rss("One"))
        ask(feed)
        ask(feed)
    logged = [event for event, _ in events(lines, "info", "warning", "error")]
    assert sorted(logged) == ["feed failed", "feed polled", "feed recovered"]


@pytest.fixture
def unreachable(store):
    feeds = [Feed(f"http://127.0.0.1:9/{number}") for number in range(23)]
    store.feeds.schedule(feeds, NOW)
    return feeds


def test_an_unreachable_network_is_logged_in_one_line(site, feed, ask, unreachable):
    with capture_logs() as lines:
        ask(*unreachable)
        ask.reports.settle(NOW + timedelta(seconds=6))
        ask(*unreachable)
        ask.reports.settle(NOW + timedelta(seconds=60))
    assert events(lines, "warning", "error") == [
        ("no feed can be reached, the network is probably down", None)
    ]
    assert ask(unreachable[0]).state.error.startswith("no connection: Connection refused; ")
    put(site, rss("One"))
    with capture_logs() as lines:
        ask(feed)
    assert ("feeds can be reached again", None) in events(lines, "info")


def test_an_unreachable_feed_is_logged_itself_while_others_can_be_reached(
    site, feed, ask, unreachable
):
    put(site, rss("One"))
    with capture_logs() as lines:
        ask(*unreachable[:3], feed)
        ask.reports.settle(NOW + timedelta(seconds=6))
    assert events(lines, "warning") == [("feed failed", feed.url) for feed in unreachable[:3]]
    with capture_logs() as lines:
        ask(*unreachable[3:5])
        assert events(lines, "warning") == []
        ask.reports.settle(NOW + timedelta(seconds=6))
    assert events(lines, "warning") == [("feed failed", feed.url) for feed in unreachable[3:5]]


@pytest.mark.parametrize(
    "body",
    [
        '{"version": "https://jsonfeed.org/version/1.1", "items": [{"id": "1", "authors": 5}]}',
        '{"version": "https://jsonfeed.org/version/1.1", "items": [{"id": {}, "url": []}]}',
        '{"version": "https://jsonfeed.org/version/1.1", "items": [{"date_published": "9999-12-31T23:59:59-12:00"}]}',
        rss("One").replace("One", "&#99999999999;"),
        rss("One").replace("One", "&#55357;"),
        rss("One", title="&#55357;&#56832;"),
        rss("One").replace("<guid>", "<link>http://[</link><guid>"),
        "[" * 100_000,
        "{" * 100_000,
        "<rss>" * 10_000,
        b"\x00\xff\xfe<rss",
    ],
    ids=range(11),
)
def test_whatever_a_feed_contains_its_poll_has_an_outcome_that_is_written_down(
    site, feed, ask, store, body
):
    put(site, body)
    state = ask(feed).state
    assert store.feeds.state(feed.id).polled_at == NOW
    assert (state.failures, state.error is None) in {(0, True), (1, False)}
    assert wait(store, feed) >= timedelta(minutes=1)


def paged(site, *, older=None, generator="", path="/feed", base="", **entries):
    """Puts a feed of dated entries (title → minutes after `NOW`), with a link to an older page."""
    items = "".join(
        f"<item><title>{title}</title><guid>{title}</guid>"
        + (
            f"<pubDate>{format_datetime(NOW + timedelta(minutes=at))}</pubDate>"
            if at is not None
            else ""
        )
        + "</item>"
        for title, at in entries.items()
    )
    link = f'<atom:link rel="{older[0]}" href="{older[1]}"/>' if older else ""
    body = (
        "<rss version='2.0' xmlns:atom='http://www.w3.org/2005/Atom'><channel><title>Herald</title>"
        f"{link}{generator}{items}</channel></rss>"
    )
    site.pages[path] = (200, {}, body.encode())


LATER = NOW + timedelta(hours=2)


def test_a_gap_is_seen_counted_logged_once_and_makes_polls_faster(site, feed, ask, store):
    paged(site, a=-10, b=-20)
    ask(feed)
    paged(site, f=110, e=100)
    with capture_logs() as lines:
        state = ask(feed, now=LATER).state
        assert store.feeds.due_at(feed.id) - LATER <= timedelta(hours=1)
        paged(site, k=230, j=220)
        again = ask(feed, now=LATER + timedelta(hours=2)).state
    assert (state.gaps.found, state.gaps.filled, state.gaps.last_at) == (1, 0, LATER)
    assert (again.gaps.found, again.gaps.in_a_row) == (2, 2)
    assert again.gaps.hurry_s <= state.gaps.hurry_s / 2
    gaps = [line for line in lines if line["event"] == "feed gap"]
    assert [(line["log_level"], line["filled"]) for line in gaps] == [
        ("warning", False), ("debug", False),
    ]  # fmt: skip
    assert store.counters.read().gaps == {"open": 2}


def test_a_poll_that_shares_an_entry_or_is_the_first_is_no_gap(site, feed, ask, store):
    paged(site, b=-20, a=-30)
    ask(feed)
    paged(site, d=20, c=10, b=-20)
    assert ask(feed, now=LATER).state.gaps is None
    put(site, "", 500)
    ask(feed, now=LATER)
    paged(site, d=20, c=10)
    assert ask(feed, now=LATER).state.gaps is None
    assert store.counters.read().gaps == {}


WORDPRESS = "<generator>https://wordpress.org/?v=6.4.2</generator>"


@pytest.mark.parametrize(
    ("older", "generator", "second", "third"),
    [
        (("next", "/feed?page=2"), "", "/feed?page=2", "/feed?page=3"),
        (("prev-archive", "/2026/11"), "", "/2026/11", "/2026/10"),
        (None, WORDPRESS, "/feed?paged=2", "/feed?paged=3"),
    ],
)
def test_a_gap_is_filled_from_older_pages_up_to_what_was_known(
    site, feed, ask, store, redis, older, generator, second, third
):
    paged(site, b=-20, a=-30)
    ask(feed)
    paged(site, g=110, f=100, older=older, generator=generator)
    paged(
        site, f=100, e=90, d=80, path=second, generator=generator,
        older=(older[0], third) if older else None,
    )  # fmt: skip
    paged(site, c=70, b=-20, ancient=-9000, path=third, older=older, generator=generator)
    with capture_logs() as lines:
        outcome = ask(feed, now=LATER)
    assert outcome.new == 5
    assert queued(redis) == list("abcdefg")
    assert (outcome.state.gaps.found, outcome.state.gaps.filled) == (1, 1)
    assert outcome.state.entries == 2
    assert [line["log_level"] for line in lines if line["event"] == "feed gap"] == ["info"]
    assert store.counters.read().gaps == {"filled": 1}
    assert site.asked() == {"/feed": 2, second: 1, third: 1}
    # The older pages' entries are known now.
    paged(site, h=130, g=110)
    assert ask(feed, now=LATER + timedelta(hours=1)).new == 1


def test_a_gap_that_is_being_filled_when_the_process_dies_is_found_again(
    site, feed, ask, store, queues, redis
):
    paged(site, b=-20, a=-30)
    ask(feed)
    paged(site, d=110, c2=100, older=("next", "/2"))
    paged(site, c1=90, b=-20, path="/2")
    site.delays["/2"] = 0.7

    async def killed():
        async with HttpClient.of(SETTINGS) as http:
            poll = Poller(store, queues, http, SETTINGS, clock=lambda: LATER).poll(feed)
            await asyncio.wait_for(poll, gaps.PAUSE_S + 0.4)

    with pytest.raises(TimeoutError):
        asyncio.run(killed())
    assert site.asked()["/2"] == 1
    assert queued(redis) == ["a", "b"]
    site.delays.clear()
    outcome = ask(feed, now=LATER)
    assert (outcome.new, outcome.state.gaps.filled) == (3, 1)
    assert queued(redis) == ["a", "b", "c1", "c2", "d"]


def test_pages_are_followed_within_limits_and_on_the_same_host_only(
    site, feed, ask, redis, monkeypatch
):
    monkeypatch.setattr(gaps, "PAUSE_S", 0)
    paged(site, a=-30, b=-40)
    ask(feed)
    for number in range(1, 20):
        path = f"/feed?{number}" if number > 1 else "/feed"
        names = {f"n{number}a": 100 - number, f"n{number}b": 100 - number}
        paged(site, **names, path=path, older=("next", f"/feed?{number + 1}"))
    outcome = ask(feed, now=LATER)
    assert outcome.new == 2 * (1 + gaps.MAX_PAGES)
    assert outcome.state.gaps.filled == 0
    site.requests.clear()
    paged(site, x=200, y=190, older=("next", "http://127.0.0.2:1/feed"))
    assert ask(feed, now=LATER + timedelta(hours=2)).new == 2
    assert site.asked() == {"/feed": 1}


@pytest.mark.parametrize("answer", [(404, {}, b""), (200, {}, b"<html></html>"), (200, {}, b"")])
def test_an_older_page_that_cannot_be_read_does_not_lose_the_poll(site, feed, ask, answer):
    paged(site, b=-20, a=-30)
    ask(feed)
    paged(site, g=110, f=100, older=("next", "/feed?2"))
    site.pages["/feed?2"] = answer
    outcome = ask(feed, now=LATER)
    assert (outcome.new, outcome.state.gaps.filled, outcome.state.failures) == (2, 0, 0)


def test_entries_without_dates_fill_a_gap_only_before_a_known_one(site, feed, ask, redis):
    paged(site, b=None, a=None)
    ask(feed)
    paged(site, f=None, e=None, older=("next", "/2"))
    paged(site, d=None, c=None, path="/2", older=("next", "/3"))
    paged(site, b=None, old=None, path="/3")
    assert ask(feed, now=LATER).new == 4
    assert queued(redis) == list("abcdef")
    paged(site, k=None, j=None, older=("next", "/4"))
    paged(site, perhaps=None, older2=None, path="/4")
    assert ask(feed, now=LATER + timedelta(hours=1)).new == 2


def test_a_feed_that_gives_its_entries_new_names_each_time_is_not_hurried_for_ever(
    site, feed, ask, store
):
    for number in range(8):
        paged(site, **{f"a{number}": None, f"b{number}": None})
        state = ask(feed, now=NOW + number * timedelta(minutes=20)).state
    assert state.gaps.found == 7
    assert state.gaps.hurry_s is None
