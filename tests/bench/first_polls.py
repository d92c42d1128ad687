"""Measures what a feed's first poll costs, and the space that its entries take in Redis.

    python tests/bench/first_polls.py [FEEDS]

Each feed has 27 kB and 30 entries, all older than the backfill: they are remembered, not read.
"""

import sys
from contextlib import contextmanager
from datetime import timedelta

from daemon import configuration, first_answers, newsroom
from loopback import NGINX, NO_NGINX, Item, feed_path
from pages import MARKED
from table import at_most, figure, rate, show, skipped

FEEDS = 1_000
ENTRIES = 30
SUMMARY_CHARS = 590
OLD = timedelta(days=3)


def put_feeds(site, feeds, age=OLD):
    """Writes feeds of 30 entries, and returns their URLs."""
    urls = []
    for feed in range(feeds):
        items = [
            Item(
                number,
                site.url(feed, f"{feed}/{number}"),
                f"Report {number} of newsroom {feed}, on what the council decided",
                (f"Newsroom {feed} says in report {number} that it went on. " * 12)[:SUMMARY_CHARS],
                age,
            )
            for number in range(ENTRIES)
        ]
        path = feed_path(feed)
        site.put_feed(path, items, f"Newsroom {feed}")
        urls.append(site.url(feed, path))
    return urls


@contextmanager
def newsroom_of_feeds(count, *, every="", poll):
    """Yields a site with `put_feeds`, a daemon that is configured to poll them, and their URLs."""
    with newsroom() as (site, daemon):
        urls = put_feeds(site, count)
        configuration(daemon.config, dict.fromkeys(urls, every), [MARKED], poll=poll)
        yield site, daemon, urls


def rows(feeds=FEEDS):
    if NGINX is None:
        yield skipped("a first poll", NO_NGINX)
        return
    with newsroom_of_feeds(feeds, poll="{every: 6h, fastest: 6h, per_host: 16}") as newsdesk:
        site, daemon, _ = newsdesk
        empty_bytes = daemon.redis_bytes()
        daemon.start("scheduler")
        polls, cpu_s = first_answers(site, daemon, feeds)
        daemon.stop()
        redis_bytes = daemon.redis_bytes() - empty_bytes
    yield at_most("CPU of a first poll (27 kB, 30 entries)", 1000 * cpu_s / feeds, 8, " ms")
    yield figure("  first polls a second", rate([poll.at for poll in polls]), digits=0)
    yield at_most("  Redis for each feed", redis_bytes / feeds / 1000, 2, " kB")


if __name__ == "__main__":
    sys.exit(bool(show(rows(*map(int, sys.argv[1:])))))
