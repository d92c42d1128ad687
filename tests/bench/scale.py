"""Measures how cost, memory and Redis grow with watchlists, feeds, seen entries and worker pools.

`plots.py` draws what these functions yield.
"""

from dataclasses import dataclass
from functools import partial

from daemon import configuration, first_answers, newsroom
from entries import busy_newsroom, page_url, publish, slow_page_url, wait_for
from first_polls import OLD, put_feeds
from loopback import NO_VALIDATORS, Item
from pages import MARKED, made_up_page, many_watchlists, real_pages
from table import rate, say

WATCHLISTS = (10, 100, 1_000, 10_000, 100_000)
FEEDS = (100, 1_000, 10_000, 100_000)
SEEN = (1_000, 10_000, 100_000, 1_000_000)
POOLS = (1, 2, 4, 8)
ARTICLES = 60
PROBES = 300
BULK_ENTRIES = 1_000
PAGE_MS = 500
PAGES_FOR_POOLS = 400
WITHIN_S = 600
RARELY = "{every: 6h, fastest: 6h, per_host: 16}"


@dataclass(frozen=True)
class Point:
    """What was measured at one size; `cost` is in the unit of its plot."""

    size: int
    cost: float
    memory_mb: float
    redis_mb: float


def _noted(point):
    say(str(point))
    return point


def watchlists():
    """Yields the CPU of an article in milliseconds, and the memory of all processes."""
    pages = real_pages()[:ARTICLES]
    for size in WATCHLISTS:
        with busy_newsroom(pages, many_watchlists(size)) as (site, daemon, paths):
            links = {number: page_url(site, number) for number in range(len(pages))}
            cpu_s = daemon.cpu_s()
            publish(site, paths, links)
            wait_for(site, daemon, links, WITHIN_S)
            daemon.settle()
            cpu_ms = 1000 * (daemon.cpu_s() - cpu_s) / len(pages)
            yield _noted(Point(size, cpu_ms, daemon.pss_mb(), daemon.redis_bytes() / 1e6))


def feeds():
    """Yields the CPU of a first poll of a small feed in milliseconds, and a scheduler's memory."""
    for size in FEEDS:
        with newsroom(hosts=1_000) as (site, daemon):
            # A few documents serve all feeds: each is a feed of its own by its query.
            for number in range(100):
                link = site.url(number, f"old/{number}.html")
                items = [Item(number, link, f"Report {number}", "It went on.", OLD)]
                site.put_feed(f"{NO_VALIDATORS}/{number}.xml", items)
            urls = [
                site.url(number, f"{NO_VALIDATORS}/{number % 100}.xml?{number}")
                for number in range(size)
            ]
            cpu_s, memory_mb = _poll_all(site, daemon, urls, size)
            yield _noted(Point(size, 1000 * cpu_s / size, memory_mb, daemon.redis_bytes() / 1e6))


def seen_entries():
    """Yields the CPU of a first poll in milliseconds, while so many entries are remembered."""
    with newsroom(hosts=1_000) as (site, daemon):
        bulk, probes = [], []
        for size in SEEN:
            new = [_bulk_feed(site, number) for number in range(len(bulk), size // BULK_ENTRIES)]
            bulk += new
            _poll_all(site, daemon, [*bulk, *probes], len(new))
            redis_mb = daemon.redis_bytes() / 1e6
            new = [f"{url}?{size}" for url in put_feeds(site, PROBES)]
            probes += new
            cpu_s, memory_mb = _poll_all(site, daemon, [*bulk, *probes], PROBES)
            yield _noted(Point(size, 1000 * cpu_s / PROBES, memory_mb, redis_mb))


def _bulk_feed(site, number):
    path = f"bulk/{number}.xml"
    items = [
        Item(entry, site.url(number, f"b/{number}/{entry}"), f"Report {entry}", age=OLD)
        for entry in range(BULK_ENTRIES)
    ]
    site.put_feed(path, items)
    return site.url(number, path)


def _poll_all(site, daemon, urls, new):
    """Polls the feeds that are new, and ends the scheduler; returns their processor seconds."""
    configuration(daemon.config, dict.fromkeys(urls, ""), [MARKED], poll=RARELY)
    site.requests()
    daemon.start("scheduler")
    _, cpu_s = first_answers(site, daemon, new, WITHIN_S)
    memory_mb = daemon.rss_mb()
    daemon.stop()
    return cpu_s, memory_mb


def _note_memory(daemon, memory_mb):
    memory_mb.append(daemon.pss_mb())


def pools():
    """Yields articles a second with so many `presswatch worker`, whose pages take half a second."""
    pages = [made_up_page(number) for number in range(PAGES_FOR_POOLS)]
    for size in POOLS:
        with busy_newsroom(pages, [MARKED]) as (site, daemon, paths):
            for _ in range(size - 1):
                daemon.start("worker")
            daemon.settle()
            links = {number: slow_page_url(site, number, PAGE_MS) for number in range(len(pages))}
            publish(site, paths, links)
            memory_mb = []
            note = partial(_note_memory, daemon, memory_mb)
            times = wait_for(site, daemon, links, WITHIN_S, note)
            redis_mb = daemon.redis_bytes() / 1e6
            yield _noted(Point(size, rate(list(times.values())), max(memory_mb), redis_mb))
