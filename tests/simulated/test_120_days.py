"""Simulates 120 days of polls and housekeeping in a few seconds, with a clock that the test moves.

Every entry is queued once, whatever its feed does in the meantime, and Redis does not grow. HTTP
and Redis are real.
"""

import asyncio
import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from ipaddress import ip_network

from monitor.config import Config, PollSettings, Settings
from monitor.http.client import HttpClient
from monitor.model import Feed
from monitor.scheduler.housekeeping import Housekeeping
from monitor.scheduler.poll import Poller
from monitor.store.feeds import REMEMBER

DAY = timedelta(days=1)
DAYS = 120
MEASURED = (6, 30, 60, 93, 106, 119)
BEGIN = datetime(2026, 1, 1, 6, 0, tzinfo=UTC)
SETTINGS = Settings(
    allow_private_addresses=(ip_network("127.0.0.0/8"),),
    poll=PollSettings(every=DAY, fastest=DAY, slowest=2 * DAY),
    backfill=timedelta(days=3650),
)
BUSY_A_DAY = 10
# Guid, link, and title with date.
IDENTITIES = 3


class SimulatedFeeds:
    """Seven feeds, and what each lists and answers on a day."""

    def __init__(self, site):
        self.site = site
        self.published = set()
        self.all = [
            Feed(f"{site.url}/{name}")
            for name in ("etag", "bytes", "busy", "failing", "returning", "removed", "gone")
        ]

    def configured(self, day):
        """Returns the configured feeds: `removed` is out from day 20 to 79, `gone` from day 10 on."""
        out = {"removed": 20 <= day < 80, "gone": day >= 10}
        return [feed for feed in self.all if not out.get(feed.url.rpartition("/")[2])]

    def publish(self, day):
        first = [0, 1, 2, 3, 4]
        self.put("etag", first if day < 100 else [5, *first], ETag=f'"{day >= 100}"')
        self.put("bytes", first if day < 110 else [5, *first])
        newest = BUSY_A_DAY * (day + 1)
        self.put("busy", range(newest - 1, max(-1, newest - 31), -1))
        failing = 5 <= day < 105
        self.put("failing", [5, *first] if day >= 105 else first, 500 if failing else 200)
        self.put("returning", first if day < 20 or day >= 80 else [day, 4, 3])
        self.put("removed", [day, *first] if day < 20 else [19, *first])
        self.put("gone", first)

    def put(self, name, numbers, status=200, **headers):
        items = "".join(
            f"<item><title>{name} {number}</title><link>{self.site.url}/{name}/{number}</link>"
            f"<guid>{name}-{number}</guid>"
            f"<pubDate>{format_datetime(BEGIN + number * timedelta(hours=1))}</pubDate></item>"
            for number in numbers
        )
        body = f"<rss version='2.0'><channel><title>{name}</title>{items}</channel></rss>"
        self.site.pages[f"/{name}"] = (status, headers, body.encode())
        if status == 200:
            self.published |= {f"{name} {number}" for number in numbers}


class Size:
    """The size of our part of Redis."""

    def __init__(self, redis):
        keys = list(redis.scan_iter(match="presswatch:*", count=1000))
        self.keys = len(keys)
        self.bytes = sum(redis.memory_usage(key, samples=0) for key in keys)
        self.identities = sum(redis.hlen(key) for key in keys if b":seen:" in key)


def work(redis, queues):
    """Settles the jobs that are owed, as workers do; returns the titles of their entries."""
    owed = redis.hgetall("presswatch:outstanding:articles")
    with redis.pipeline() as pipe:
        for job_id in owed:
            queues.settle("articles", job_id.decode(), pipe)
        pipe.execute()
    if leftover := redis.keys("rq:*"):
        redis.delete(*leftover)
    return [json.loads(args)[1]["title"] for args in owed.values()]


def test_no_entry_is_queued_twice_or_lost_and_redis_does_not_grow(site, redis, store, queues):
    feeds = SimulatedFeeds(site)
    queued, sizes = Counter(), {}
    housekeeping = Housekeeping(store, queues)

    async def live():
        now = BEGIN
        async with HttpClient.of(SETTINGS) as http:
            poller = Poller(store, queues, http, SETTINGS, clock=lambda: now)
            for day in range(DAYS):
                now = BEGIN + day * DAY
                feeds.publish(day)
                configured = feeds.configured(day)
                store.feeds.schedule(configured, now)
                due = set(store.feeds.due(now + DAY / 2))
                await asyncio.gather(*(poller.poll(feed) for feed in configured if feed.id in due))
                housekeeping.keep(Config(SETTINGS, tuple(configured), (), (), {}), now)
                queued.update(work(redis, queues))
                if day in MEASURED:
                    sizes[day] = Size(redis)

    asyncio.run(live())
    assert {title: count for title, count in queued.items() if count > 1} == {}
    assert queued.keys() >= {title for title in feeds.published if not title.startswith("removed")}
    assert queued["removed 19"] == queued["etag 5"] == queued["bytes 5"] == 1
    assert queued["failing 5"] == 1
    assert store.feeds.state(feeds.all[3].id).failures == 0

    for day, size in sizes.items():
        print(f"day {day}: {size.keys} keys, {size.bytes} bytes, {size.identities} identities")  # noqa: T201 - shown with `pytest -s`
    first, full, last = sizes[6], sizes[93], sizes[119]
    # Each feed has two keys, state and entries; those of `gone` are removed after REMEMBER.
    assert last.keys == first.keys - 2
    # REMEMBER bounds the busy feed's entries; the others have the entries that they list.
    most = IDENTITIES * (BUSY_A_DAY * (REMEMBER.days + 4) + sum([61, 20, 5 * len(feeds.all)]))
    assert last.identities <= most
    # An identity, its version and its day are 16 + 27 bytes, and a hash table's overhead.
    assert last.bytes <= first.bytes + 128 * most
    assert last.bytes <= 1.05 * full.bytes
