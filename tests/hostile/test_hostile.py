"""Feeds of hostile and broken servers: each does what its line says, and harms no other."""

import asyncio
import json
import re
from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from ipaddress import ip_network

import pytest
from hostile_behaviours import BEHAVIOURS, Behaviour, feed, head, in_turn, item, raw, rss
from hostile_server import HostileServer
from structlog.testing import capture_logs

from monitor.config import PollSettings, Settings
from monitor.http.client import HttpClient
from monitor.jobs.queues import Queues
from monitor.model import Feed, FeedState
from monitor.overview.feeds import health
from monitor.scheduler.poll import Poller
from monitor.store import Store

SETTINGS = Settings(
    allow_private_addresses=(ip_network("127.2.0.0/16"),),
    poll=PollSettings(timeout=timedelta(seconds=2)),
)
POLLS = 2
AT_ONCE = 16


@dataclass
class Outcome:
    """What became of a feed after some polls: its state, the titles of its jobs, the log."""

    state: FeedState
    titles: list[str]
    lines: list[dict] = field(default_factory=list)

    @property
    def says(self) -> str:
        return self.state.error or self.state.problem or ""


@pytest.fixture
def server():
    server = HostileServer(len(BEHAVIOURS))
    server.answers |= {each.name: each.answer for each in BEHAVIOURS}
    yield server
    server.close()


async def _poll_all(store, queues, feeds, polls=POLLS):
    slots = asyncio.Semaphore(AT_ONCE)
    async with HttpClient.of(SETTINGS) as http:
        poller = Poller(store, queues, http, SETTINGS)

        async def poll(feed):
            async with slots:
                for _ in range(polls):
                    await poller.poll(feed)

        await asyncio.gather(*map(poll, feeds))


@pytest.fixture
def outcomes(server, redis):
    """Poll all feeds some times, many at once."""
    feeds = {each.name: Feed(server.url(n, each.name)) for n, each in enumerate(BEHAVIOURS)}
    store = Store(redis, "presswatch:", keep=timedelta(days=30))
    with capture_logs() as lines:
        asyncio.run(_poll_all(store, Queues(redis, store.keys), feeds.values()))
    found = {name: Outcome(store.feeds.state(feed.id), []) for name, feed in feeds.items()}
    names = {feed.id: name for name, feed in feeds.items()}
    for job in redis.hvals("presswatch:outstanding:articles"):
        feed_id, entry, *_ = json.loads(job)
        found[names[feed_id]].titles.append(entry["title"])
    for line in lines:
        if name := next((name for name, feed in feeds.items() if feed.url == line["feed"]), None):
            found[name].lines.append(line)
    return found


def test_there_are_more_than_sixty_behaviours_each_with_a_name_of_its_own():
    assert len({each.name for each in BEHAVIOURS}) == len(BEHAVIOURS) > 60


def test_what_a_broken_connection_kept_back_comes_with_the_next_poll(server, store, queues, redis):
    whole = feed(rss(item("First"), item("Second")), ETag='"1"')
    start = rss(item("First"), "<item><title>Sec").removesuffix("</channel></rss>")
    length = {"Content-Length": "9999", "ETag": '"1"'}
    server.answers["cut"] = in_turn(raw(head("200 OK", length) + start.encode()), whole)

    def queued():
        asyncio.run(_poll_all(store, queues, [Feed(server.url(0, "cut"))], polls=1))
        jobs = redis.hvals("presswatch:outstanding:articles")
        return sorted(json.loads(job)[1]["title"] for job in jobs)

    assert queued() == ["First"]
    assert queued() == ["First", "Second"]


@pytest.mark.timeout(240)
def test_each_hostile_feed_comes_to_what_its_line_says_in_words_for_operators(outcomes):
    # One test, since the feeds are polled together, and several processes would each poll them.
    faults = {
        each.name: found for each in BEHAVIOURS if (found := _faults(each, outcomes[each.name]))
    }
    assert faults == {}


def _faults(behaviour: Behaviour, outcome: Outcome) -> list[str]:
    """Returns what is not as it must be."""
    says = outcome.says
    found = []
    if (got := health(outcome.state)) not in behaviour.healths:
        found.append(f"is {got}: {says}")
    if not re.search(behaviour.says, says, re.IGNORECASE):
        found.append(f"says {says}")
    auroras = sum("aurora" in title for title in outcome.titles)
    if not behaviour.alerts[0] <= auroras <= behaviour.alerts[1]:
        found.append(f"queues {auroras}")
    if (
        re.search(r"fault of Presswatch|<unknown>|Error\b|Exception", says)
        or not says.isprintable()
    ):
        found.append(f"says what operators cannot read: {says}")
    if outcome.state.failures and ";" not in says:
        found.append(f"does not say what to do: {says}")
    if any("exc_info" in line for line in outcome.lines):
        found.append("logs a traceback")
    loud = [line for line in outcome.lines if line["log_level"] in {"warning", "error"}]
    repeated = {event: n for event, n in Counter(line["event"] for line in loud).items() if n > 1}
    if repeated:
        found.append(f"repeats {repeated}")
    return found
