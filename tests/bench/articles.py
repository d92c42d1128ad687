"""Measures what an article costs from feed to alert, beside cleaning and matching it in a loop.

python tests/bench/articles.py
"""

import sys
import time

from daemon import configuration, newsroom
from loopback import NGINX, NO_NGINX, Item
from pages import NO_CORPORA, article_of, made_up_page, many_watchlists, real_pages
from processes import Failed
from table import at_most, figure, rate, say, show, skipped

from monitor.model import Watchlist
from monitor.watchlists.matcher import Matcher

WATCHLISTS = 1_000
FEEDS = 20
WARM_UP = 16
# The first entries are numbered from here: above all others, and below the seconds of a day.
WARM_UP_NUMBER = 50_000
HOSTS = 200
WITHIN_S = 180
# If no alert comes for this long, none will.
QUIET_S = 15


def bare_s(matcher, pages):
    """Returns the processor seconds that cleaning and matching the pages takes in a loop."""
    began = time.process_time()
    for page in pages:
        matcher.match(article_of(page))
    return time.process_time() - began


def feed_paths(count=FEEDS):
    return [f"feeds/{number}.xml" for number in range(count)]


def begin(site, daemon, watchlists, *, feeds=FEEDS, every="5s", warm_up=WARM_UP, **settings):
    """Starts a daemon on feeds that are empty but for some first entries, and awaits their alerts.

    When it returns, every process has done all of its kinds of work. Returns the feeds' paths.
    """
    paths = feed_paths(feeds)
    urls = {site.url(number, path): every for number, path in enumerate(paths)}
    configuration(daemon.config, urls, watchlists, **settings)
    for path in paths:
        site.put_feed(path)
    items = []
    for number in range(warm_up):
        site.put(f"warm/{number}.html", made_up_page(-1 - number))
        link = site.url(number, f"warm/{number}.html")
        items.append(Item(WARM_UP_NUMBER + number, link, f"First report {number}"))
    site.put_feed(paths[0], items)
    daemon.start("scheduler")
    daemon.start("worker")
    if not daemon.wait_for_alerts(warm_up, WITHIN_S):
        raise Failed(f"the first alerts did not come: {daemon.log()}")
    time.sleep(2)
    return paths


def publish(site, paths, links):
    """Publishes entries that link to pages, spread over the feeds."""
    items = [Item(number, link, f"Report {number}") for number, link in enumerate(links)]
    for number, path in enumerate(paths):
        site.put_feed(path, items[number :: len(paths)])


def rows():
    if NGINX is None:
        yield skipped("CPU an article", NO_NGINX)
        return
    pages = real_pages()
    if not pages:
        yield skipped("CPU an article", NO_CORPORA)
        return
    lists = many_watchlists(WATCHLISTS)
    matcher = Matcher([Watchlist(each["name"], each["query"]) for each in lists])
    bare_s(matcher, pages)  # with cold caches
    bare = [bare_s(matcher, pages)]
    say(f"{len(pages)} pages, bare: {1000 * bare[0] / len(pages):.1f} ms each")
    with newsroom(HOSTS) as (site, daemon):
        for number, page in enumerate(pages):
            site.put(f"pages/{number}.html", page)
        paths = begin(site, daemon, lists)
        before = daemon.alert_count()
        cpu_s, redis_s, commands = daemon.cpu_s(), daemon.redis_cpu_s(), daemon.commands()
        links = [site.url(number, f"pages/{number}.html") for number in range(len(pages))]
        publish(site, paths, links)
        wait_for(site, daemon, len(pages), WITHIN_S)
        daemon.settle()
        cpu_s, redis_s = daemon.cpu_s() - cpu_s, daemon.redis_cpu_s() - redis_s
        commands = daemon.commands() - commands
        times = first_alerts(site, daemon, len(pages))
        alerts = daemon.alert_count() - before
    bare.append(bare_s(matcher, pages))
    bare_ms = 1000 * sum(bare) / len(bare) / len(pages)
    count = len(times)
    cpu_ms = 1000 * cpu_s / count
    say(
        f"{count} of {len(pages)} articles alerted, with {alerts} alerts; Redis {1000 * redis_s / count:.1f} ms each"
    )
    yield at_most("CPU an article / bare cleaning and matching", cpu_ms / bare_ms, 1.25)
    yield figure("  CPU an article, all processes and Redis", cpu_ms, " ms", 1)
    yield figure("  bare cleaning and matching", bare_ms, " ms", 1)
    yield figure("  articles a second", rate(list(times.values())), digits=1)
    yield at_most("Redis commands an article", commands / count, 40, digits=0)


def first_alerts(site, daemon, count):
    """Returns when the first alert of each of the entries numbered below `count` came."""
    times = {}
    for at, document in daemon.alerts():
        number = site.number(document)
        if number < count:
            times.setdefault(number, at)
    return times


def wait_for(site, daemon, count, within_s, meanwhile=lambda: None):
    """Waits until each of the first entries has its alert, or none has come for long.

    `meanwhile` is called now and then, while they come.
    """
    deadline = time.monotonic() + within_s
    known = called = daemon.alert_count()
    since = time.monotonic()
    while time.monotonic() < deadline and time.monotonic() - since < QUIET_S:
        time.sleep(0.25)
        alerts = daemon.alert_count()
        if alerts == known:
            continue
        known, since = alerts, time.monotonic()
        if alerts >= called + count / 4:
            called = alerts
            meanwhile()
        if alerts >= count and len(first_alerts(site, daemon, count)) >= count:
            return


if __name__ == "__main__":
    sys.exit(bool(show(rows())))
