"""Measures how soon an alert follows its entry: idle, at half of full load, and past a backlog.

    python tests/bench/alerts.py

From the moment in which the feed with the entry was served to the alert on the stream.
"""

import random
import sys
import time

from entries import busy_newsroom, page_url, publish, wait_for
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
    pages = [made_up_page(number) for number in range(IDLE_ENTRIES)]
    with busy_newsroom(pages, [MARKED], every="1s") as (site, daemon, paths):
        wire = Newswire(site, daemon, paths)
        wire.publish_in_turn([page_url(site, number) for number in range(len(pages))], WITHIN_S)
        return wire.latencies_s(WITHIN_S)


def half_load(pages):
    """Returns the latencies of entries with real pages, at half the rate of a burst of them."""
    lists = many_watchlists(WATCHLISTS)
    # The corpora come one after another, and the pages of the burst must be as large as the others.
    pages = random.Random(len(pages)).sample(pages, len(pages))
    with busy_newsroom(pages, lists, every="1s") as (site, daemon, paths):
        links = [page_url(site, number) for number in range(len(pages))]
        publish(site, paths, dict(enumerate(links[:BURST])))
        full = rate(list(wait_for(site, daemon, range(BURST), 60).values()))
        say(f"full load is {full:.1f} articles a second")
        wire = Newswire(site, daemon, paths, first=BURST)
        wire.publish_all(links[BURST : BURST + int(HALF_LOAD_S * full / 2)], 2 / full)
        return wire.latencies_s(WITHIN_S)


def behind_a_backlog():
    """Returns the latencies of entries for a watchlist of high priority, behind many others."""
    pages = [made_up_page(number, mark="") for number in range(BACKLOG)]
    lists = [MARKED, URGENT]
    with busy_newsroom(pages, lists, feeds=BACKLOG_FEEDS, every="2s") as (site, daemon, paths):
        for number in range(URGENT_ENTRIES):
            site.put(f"urgent/{number}.html", made_up_page(BACKLOG + number, mark=URGENT_WORD))
        backlogged, free = paths[1:], paths[:1]
        for feed, path in enumerate(backlogged):
            site.put_feed(
                path,
                [
                    Item(BESIDE + n, page_url(site, n), f"Report {n}")
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
