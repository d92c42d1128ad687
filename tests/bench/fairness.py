"""Measures how soon healthy feeds' alerts come beside neighbours that hang, flood, or are heavy.

    python tests/bench/fairness.py [NEIGHBOUR …]

From the moment in which the healthy feed was served to the alert on the stream.
"""

import sys
import time

from entries import busy_newsroom, page_url
from loopback import NGINX, NO_NGINX, Item
from newswire import Newswire
from pages import MARKED, made_up_page
from table import at_most, quantile, say, show, skipped

HEALTHY_FEEDS = 10
ENTRIES = 20
EVERY_S = 0.5
# Healthy feeds and pages are at the first hosts, neighbours at those from here.
NEIGHBOURS = 150
FEEDS = 20
WITHIN_S = 60
GOAL_S = 2
# The delay between two pages of a host, and how many of its pages may be asked for at a time.
ARTICLES = "{delay: 500ms, per_host: 2}"
HANGS_MS = 10_000_000
# Entries of neighbours are numbered from here.
BESIDE = 1_000


def hanging_hosts(site):
    """Three hosts of 50 entries each, whose pages never come."""
    site.put("pages/any.html", made_up_page(0, mark=""))
    return [
        [
            site.slow_url(NEIGHBOURS + host, f"pages/any.html?{n}", HANGS_MS)
            for n in range(50)
        ]
        for host in range(3)
    ]  # fmt: skip


def flood(site):
    """A feed with 3,000 new entries, on many hosts."""
    count = 3_000
    for number in range(count):
        site.put(f"flood/{number}.html", made_up_page(BESIDE + number, mark=""))
    hosts = 20
    return [
        [site.url(NEIGHBOURS + 3 + n % hosts, f"flood/{n}.html") for n in range(count)]
    ]  # fmt: skip


def heavy_pages(site):
    """20 pages of 15,000 paragraphs each."""
    links = []
    for number in range(20):
        page = made_up_page(10_000 + number, paragraphs=15_000, words=16, mark="")
        site.put(f"heavy/{number}.html", page)
        links.append(site.url(NEIGHBOURS + 23 + number, f"heavy/{number}.html"))
    say(f"a heavy page has {len(page):,} bytes")
    return [links]


def burst(site):
    """200 entries of one host."""
    for number in range(200):
        site.put(f"burst/{number}.html", made_up_page(20_000 + number, mark=""))
    return [[site.url(NEIGHBOURS + 43, f"burst/{n}.html") for n in range(200)]]


NEIGHBOUR_KINDS = {
    "with no neighbour": (),
    "beside three hosts of 50 pages that hang": (hanging_hosts,),
    "beside a feed with 3,000 new entries": (flood,),
    "beside 20 pages of 15,000 paragraphs": (heavy_pages,),
    "beside a burst of 200 entries of one host": (burst,),
    "beside all of these at once": (hanging_hosts, flood, heavy_pages, burst),
}


def beside(neighbours):
    """Returns the latencies of healthy entries beside neighbours."""
    pages = [made_up_page(number) for number in range(ENTRIES)]
    options = {"feeds": FEEDS, "every": "1s", "articles": ARTICLES}
    with busy_newsroom(pages, [MARKED], **options) as (site, daemon, paths):
        feeds = [links for neighbour in neighbours for links in neighbour(site)]
        _publish_neighbours(site, feeds, paths[HEALTHY_FEEDS:])
        wire = Newswire(site, daemon, paths[:HEALTHY_FEEDS])
        links = [page_url(site, number, HEALTHY_FEEDS) for number in range(ENTRIES)]
        wire.publish_all(links, EVERY_S)
        return wire.latencies_s(WITHIN_S)


def _publish_neighbours(site, feeds, paths):
    number, wanted = BESIDE, set()
    site.requests()
    for path, links in zip(paths, feeds, strict=False):
        items = [
            Item(number + at, link, f"Neighbour {number + at}") for at, link in enumerate(links)
        ]
        number += len(items)
        site.put_feed(path, items)
        wanted.add(f"/{path}")
    site.wait_for(len(wanted), WITHIN_S, lambda r: r.path in wanted and r.status == 200)
    # The neighbours are at work before the first healthy entry comes.
    time.sleep(2)


def rows(*names):
    if NGINX is None:
        yield skipped("fairness", NO_NGINX)
        return
    for name in names or NEIGHBOUR_KINDS:
        seconds = beside(NEIGHBOUR_KINDS[name])
        late = sum(each is None for each in seconds)
        middle = quantile(seconds, 0.5)
        say(f"{name}: p50 {middle and round(middle, 3)} s, {late} of {len(seconds)} never came")
        yield at_most(f"p95 from served to alert, {name}", quantile(seconds, 0.95), GOAL_S, " s")


if __name__ == "__main__":
    sys.exit(bool(show(rows(*sys.argv[1:]))))
