"""The dead man's switch, on a real Redis and a real archive."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from monitor.archive.database import open_archive
from monitor.archive.writer import Writer
from monitor.concerns_watch import ConcernsWatch
from monitor.config import load
from monitor.coverage import MatchRecord, Publication, Record
from monitor.model import Article, Feed, FeedState, content_id
from monitor.runtime.composition import Runtime
from monitor.store.feeds import StateRecord

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
CONFIG = """
feeds:
  - {url: "https://a.example/feed", name: Herald}
  - {url: "https://b.example/feed", name: Gazette}
  - {url: "https://c.example/feed", name: Courier}
watchlists: [{name: cod, query: cod}]
subscribers:
  - {name: first, webhook: {url: "https://hook.example/"}}
  - {name: second, webhook: {url: "https://hook.example/"}}
"""
FINE = FeedState(polled_at=NOW, succeeded_at=NOW)
FAILING = replace(FINE, failures=3, error="no connection: refused; check the address")


class Watched:
    """A watch, the states of its feeds, and what operators were told."""

    def __init__(self, runtime, engine):
        self.runtime = runtime
        self.engine = engine
        self.watch = ConcernsWatch(runtime)
        self.now = NOW
        self.set(FINE, FINE, FINE)

    def set(self, *states):
        feeds = self.runtime.config.feeds
        self.runtime.store.feeds.commit(
            [StateRecord(feed, state, NOW) for feed, state in zip(feeds, states, strict=True)]
        )

    def look(self, times=3):
        """Looks every minute; returns the titles of what operators are told."""
        before = {alert["id"] for alert in self.told()}
        for _ in range(times):
            self.watch.look(self.engine, self.now)
            self.now += MINUTE
        return [alert["article"]["title"] for alert in self.told() if alert["id"] not in before]

    def told(self):
        """Returns the alerts on their way to operators, oldest first."""
        jobs = self.runtime.redis.hvals("presswatch:outstanding:deliveries")
        ids = [json.loads(job)[0]["alerts"][0] for job in jobs]
        alerts = [alert.document for alert in self.runtime.store.alerts.get_all(ids)]
        return sorted(alerts, key=lambda alert: alert["detected_at"])

    def write(self, *records):
        assert Writer(self.engine).write(list(records)) == []

    def look_again_at_archive(self):
        self.now += timedelta(minutes=61)


@pytest.fixture
def watched(configure, redis, tmp_path):
    directory = configure(CONFIG)
    engine = open_archive(None, tmp_path)
    yield Watched(Runtime(directory, load(directory, {}), redis), engine)
    engine.dispose()


def article(name, at, *, host="a", alert=True, text="Words about cod. " * 30, **fields):
    one = Article(
        content_id(name), f"https://{host}.example/{name}", f"Title {name}", text, "Herald",
        f"https://{host}.example/feed", story=content_id(name), **fields,
    )  # fmt: skip
    document = {
        "v": 1,
        "id": content_id("alert", name),
        "watchlist": "cod",
        "priority": "high",
        "detected_at": at.isoformat(),
        "article": {"id": one.id, "title": one.title},
        "story": {"id": one.story},
    }
    match = MatchRecord("cod", document["id"] if alert else None)
    return Record(publication=Publication(at, one, (match,), (document,) if alert else ()))


def test_operators_hear_once_that_nobody_works_and_once_that_somebody_does(watched, redis):
    gone = "no scheduler leads, so no feed is polled; no worker lives, so no article is read"
    assert watched.look(5) == [gone]
    redis.set("presswatch:leader", "somebody")
    redis.sadd("rq:workers", "rq:worker:one")
    redis.hset("rq:worker:one", "last_heartbeat", "2026-11-23T09:00:00Z")
    assert watched.look() == [f"well again: {gone}"]
    assert watched.look() == []


def test_a_start_that_takes_some_seconds_concerns_nobody(watched, redis):
    watched.look(1)
    redis.set("presswatch:leader", "somebody")
    redis.sadd("rq:workers", "rq:worker:one")
    redis.hset("rq:worker:one", "last_heartbeat", "2026-11-23T09:00:00Z")
    assert watched.look() == []


def test_without_a_subscriber_called_operators_the_first_one_is_told(watched, redis):
    watched.look()
    (job,) = redis.hvals("presswatch:outstanding:deliveries")
    assert b'"first"' in job
    (alert,) = watched.told()
    assert (alert["watchlist"], alert["priority"]) == ("operators", "high")
    assert "Start `presswatch scheduler`." in alert["snippets"][0]["text"]


def test_two_watches_tell_operators_once(watched):
    other = ConcernsWatch(watched.runtime)
    for minute in range(4):
        for watch in (watched.watch, other):
            watch.look(watched.engine, NOW + minute * MINUTE)
    assert len(watched.told()) == 1


def test_all_feeds_failing_is_one_message_about_the_network(watched, led):
    watched.set(FAILING, replace(FAILING, error="no feed: this is a web page; look"), FAILING)
    assert watched.look() == ["all 3 feeds fail"]
    watched.set(FINE, FAILING, FAILING)
    assert watched.look() == ["well again: all 3 feeds fail"]


def test_a_page_where_a_feed_was_is_told_and_one_that_never_was_a_feed_is_not(watched, led):
    page = replace(FAILING, error="no feed: this is a web page (HTML) and names no feed; look")
    watched.set(page, replace(page, succeeded_at=None), FINE)
    assert watched.look() == ["a web page is where the feed Herald was"]


def test_a_feed_and_a_watchlist_that_fall_silent_are_told_with_their_reason(watched, led):
    watched.write(
        *(article(f"a{n}", NOW - n * DAY) for n in range(2, 15)),
        *(article(f"b{n}", NOW - n * DAY, host="b", alert=False) for n in range(15)),
    )
    watched.set(FAILING, FINE, FINE)
    assert watched.look() == [
        "the feed Herald has brought nothing for a day; the watchlist cod has not alerted for a day"
    ]
    (alert,) = watched.told()
    assert "It fails: no connection: refused" in alert["snippets"][0]["text"]
    watched.write(article("news", watched.now))
    watched.look_again_at_archive()
    assert [title.partition(":")[0] for title in watched.look()] == ["well again"]


def test_silence_during_an_outage_of_the_network_is_not_told(watched, led):
    watched.write(*(article(f"a{n}", NOW - n * DAY) for n in range(3, 15)))
    watched.set(FAILING, FAILING, FAILING)
    assert watched.look() == ["all 3 feeds fail"]
    watched.set(FINE, FINE, FINE)
    # The days of the outage, on which nothing came, do not count.
    assert watched.look() == ["well again: all 3 feeds fail"]


def test_articles_that_suddenly_come_short_or_from_login_pages_are_told(watched, led):
    hour = timedelta(hours=1)
    old = [
        article(f"{host}{n}", NOW - DAY - n * 12 * hour, host=host, text=words(n), alert=False)
        for n in range(1, 40)
        for host in "abc"
    ]
    watched.write(*old)
    for n in range(1, 8):
        at = NOW - n * hour
        watched.write(
            article(f"short{n}", at, text="Log in.", alert=False),
            article(f"login{n}", at, host="b", text=words(n), quality="feed", text_from="feed"),
            article(f"fine{n}", at, host="c", text=words(n), alert=False),
        )
    (title,) = watched.look()
    assert "the articles of Herald are " in title
    assert "the articles of Gazette can no longer be read in full: 0 of the last 7" in title
    assert "Courier" not in title


def words(number: int) -> str:
    """Returns a text that does not compress to nothing."""
    return " ".join(content_id(str(number), str(part)) for part in range(40))


def test_what_is_known_from_the_archive_outlives_a_restart_while_it_is_behind(watched, led):
    watched.write(
        *(article(f"a{n}", NOW - n * DAY) for n in range(2, 15)),
        *(article(f"b{n}", NOW - n * DAY, host="b") for n in range(15)),
    )
    assert watched.look() == ["the feed Herald has brought nothing for a day"]
    with watched.runtime.redis.pipeline() as pipe:
        watched.runtime.store.unarchived.add(article("waits", NOW), pipe)
        pipe.execute()
    watched.watch = ConcernsWatch(watched.runtime)
    watched.now = datetime.now(UTC) + timedelta(hours=1)
    assert watched.look() == []


def test_a_feed_that_left_the_configuration_concerns_nobody(watched, led):
    page = replace(FAILING, error="no feed: this is a web page; look")
    watched.set(page, FINE, FINE)
    assert watched.look() == ["a web page is where the feed Herald was"]
    others = tuple(feed for feed in watched.runtime.config.feeds if feed.name != "Herald")
    watched.watch.use(replace(watched.runtime.config, feeds=others))
    assert watched.look() == ["well again: a web page is where the feed Herald was"]
    assert Feed("https://a.example/feed") not in others
