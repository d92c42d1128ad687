"""Measures how a slow web slows the daemon down: 200 hosts whose pages take half a second each.

python tests/bench/latency.py
"""

import sys

from entries import busy_newsroom, publish, slow_page_url, wait_for
from loopback import NGINX, NO_NGINX
from pages import NO_CORPORA, many_watchlists, real_pages
from table import at_least, at_most, figure, rate, show, skipped

DELAY_MS = 500
WATCHLISTS = 1_000


def run(delay_ms, pages, watchlists):
    """Returns articles a second, and the memory of all processes and Redis while at work."""
    with busy_newsroom(pages, watchlists) as (site, daemon, paths):
        links = {number: slow_page_url(site, number, delay_ms) for number in range(len(pages))}
        publish(site, paths, links)
        memory_mb = []
        times = wait_for(site, daemon, links, meanwhile=lambda: memory_mb.append(daemon.pss_mb()))
        return rate(list(times.values())), max(memory_mb)


def rows():
    if NGINX is None:
        yield skipped("a slow web", NO_NGINX)
        return
    pages = real_pages()
    if not pages:
        yield skipped("a slow web", NO_CORPORA)
        return
    lists = many_watchlists(WATCHLISTS)
    quick, _ = run(0, pages, lists)
    slow, memory_mb = run(DELAY_MS, pages, lists)
    what = f"throughput with {DELAY_MS} ms for each page / without"
    yield at_least(what, slow / quick, 0.85)
    yield figure("  articles a second without delay", quick, digits=1)
    yield figure("  articles a second with it", slow, digits=1)
    yield at_most("  memory of all processes (PSS)", memory_mb, 1_500, " MB", 0)


if __name__ == "__main__":
    sys.exit(bool(show(rows())))
