"""Measures how soon an alert follows its entry: idle, at half of full load, and past a backlog.

    python tests/bench/alerts.py

From the moment in which the feed with the entry was served to the alert on the stream.
"""

import sys
import time

from articles import begin, first_alerts, publish, wait_for
from daemon import newsroom
from loopback import NGINX, NO_NGINX, Item
from newswire import Newswire
from pages import (
    MARKED,
    NO_CORPORA,
    URGENT,
    URGENT_WORD,
    made_up_page,
    many_watchlists,
    real_pages,
)
from table import at_most, figure, quantile, rate, say, show, skipped

WATCHLISTS = 1_000
IDLE_ENTRIES = 80
# So many pages at once show what full load is.
BURST = 60
# Half of full load lasts at most this long.
HALF_LOAD_S = 60
BACKLOG = 10_000
BACKLOG_FEEDS = 100
URGENT_ENTRIES = 5
WITHIN_S = 30
# Numbers of entries whose alerts are not waited for.
BESIDE = 10_000


def idle():
    """Returns the latencies of single entries with made-up pages."""
    with newsroom() as (site, daemon):
        for number in range(IDLE_ENTRIES):
            site.put(f"pages/{number}.html", made_up_page(number))
        wire = Newswire(site, daemon, begin(site, daemon, [MARKED], every="1s"))
        links = [site.url(number, f"pages/{number}.html") for number in range(IDLE_ENTRIES)]
        wire.publish_in_turn(links, WITHIN_S)
        return wire.latencies_s(WITHIN_S)


def half_load(pages):
    """Returns the latencies of entries with real pages, at half the rate of a burst of them."""
    with newsroom() as (site, daemon):
        for number, page in enumerate(pages):
            site.put(f"pages/{number}.html", page)
        links = [site.url(number, f"pages/{number}.html") for number in range(len(pages))]
        lists = many_watchlists(WATCHLISTS)
        paths = begin(site, daemon, lists, every="1s")
        publish(site, paths, links[:BURST])
        wait_for(site, daemon, BURST, 60)
        full = rate(list(first_alerts(site, daemon, BURST).values()))
        say(f"full load is {full:.1f} articles a second")
        wire = Newswire(site, daemon, paths)
        wire.publish_all(links[BURST : BURST + int(HALF_LOAD_S * full / 2)], 2 / full)
        return wire.latencies_s(WITHIN_S)


def behind_a_backlog():
    """Returns the latencies of entries for a watchlist of high priority, behind many others."""
    with newsroom() as (site, daemon):
        for number in range(BACKLOG):
            site.put(f"pages/{number}.html", made_up_page(number, mark=""))
        for number in range(URGENT_ENTRIES):
            site.put(f"urgent/{number}.html", made_up_page(BACKLOG + number, mark=URGENT_WORD))
        paths = begin(site, daemon, [MARKED, URGENT], feeds=BACKLOG_FEEDS, every="2s")
        backlogged, free = paths[1:], paths[:1]
        for feed, path in enumerate(backlogged):
            site.put_feed(
                path,
                [
                    Item(BESIDE + n, site.url(n, f"pages/{n}.html"), f"Report {n}")
                    for n in range(feed, BACKLOG, len(backlogged))
                ],
            )
        wanted = {f"/{path}" for path in backlogged}
        site.wait_for(len(wanted), 120, lambda r: r.path in wanted and r.status == 200)
        time.sleep(3)
        wire = Newswire(site, daemon, free)
        for number in range(URGENT_ENTRIES):
            wire.publish(site.url(199, f"urgent/{number}.html"), f"{URGENT_WORD} report {number}")
            time.sleep(2.5)
        return wire.latencies_s(WITHIN_S)


def rows():
    if NGINX is None:
        yield skipped("from served to alert", NO_NGINX)
        return
    seconds = idle()
    yield at_most("from served to alert, idle: p50", quantile(seconds, 0.5), 0.1, " s", 3)
    yield figure("  p99", quantile(seconds, 0.99), " s", 3)
    pages = real_pages()
    if pages:
        seconds = half_load(pages)
        yield figure("  at half of full load: p50", quantile(seconds, 0.5), " s", 3)
        yield at_most("  at half of full load: p99", quantile(seconds, 0.99), 0.5, " s", 3)
    else:
        yield skipped("  at half of full load", NO_CORPORA)
    seconds = behind_a_backlog()
    yield at_most(
        f"high priority behind {BACKLOG:,} articles: the slowest of {len(seconds)}",
        quantile(seconds, 1), 2, " s",
    )  # fmt: skip


if __name__ == "__main__":
    sys.exit(bool(show(rows())))
