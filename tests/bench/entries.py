"""Publishes entries that link to pages, in a daemon that is at work, and waits for their alerts."""

import time
from contextlib import contextmanager

from daemon import configuration, newsroom
from loopback import Item
from pages import made_up_page
from processes import Failed

FEEDS = 20
WARM_UP = 16
# The first entries are numbered from here: above all others, and below the seconds of a day.
WARM_UP_NUMBER = 50_000
WITHIN_S = 180
# If no alert comes for this long, none will.
QUIET_S = 15


@contextmanager
def busy_newsroom(pages, watchlists, **options):
    """Yields a site with these pages, a daemon at work, and the paths of its feeds; see `begin`."""
    with newsroom() as (site, daemon):
        for number, page in enumerate(pages):
            site.put(_page_path(number), page)
        yield site, daemon, begin(site, daemon, watchlists, **options)


def page_url(site, number, host=0):
    """Returns the URL of a page of a busy newsroom; each is at a host of its own, from `host` on."""
    return site.url(number + host, _page_path(number))


def slow_page_url(site, number, delay_ms):
    """Returns the URL of a page of a busy newsroom that comes after a delay."""
    return site.slow_url(number, _page_path(number), delay_ms)


def _page_path(number):
    return f"pages/{number}.html"


def begin(site, daemon, watchlists, *, feeds=FEEDS, every="5s", **settings):
    """Starts a daemon on feeds that are empty but for some first entries, and awaits their alerts.

    When it returns, every process has done all of its kinds of work. Returns the feeds' paths.
    """
    paths = [f"feeds/{number}.xml" for number in range(feeds)]
    urls = {site.url(number, path): every for number, path in enumerate(paths)}
    configuration(daemon.config, urls, watchlists, **settings)
    for path in paths:
        site.put_feed(path)
    items = []
    for number in range(WARM_UP):
        site.put(f"warm/{number}.html", made_up_page(-1 - number))
        link = site.url(number, f"warm/{number}.html")
        items.append(Item(WARM_UP_NUMBER + number, link, f"First report {number}"))
    site.put_feed(paths[0], items)
    daemon.start("scheduler")
    daemon.start("worker")
    daemon.start("archive")
    if not daemon.wait_for_alerts(WARM_UP, WITHIN_S):
        raise Failed(f"the first alerts did not come: {daemon.log()}")
    time.sleep(2)
    return paths


def publish(site, paths, links):
    """Publishes entries (number → link), spread over the feeds."""
    items = [Item(number, link, f"Report {number}") for number, link in links.items()]
    for number, path in enumerate(paths):
        site.put_feed(path, items[number :: len(paths)])


def first_alerts(site, daemon, numbers):
    """Returns when the first alert of each of the entries with these numbers came."""
    times = {}
    for at, document in daemon.alerts():
        number = site.number(document)
        if number in numbers:
            times.setdefault(number, at)
    return times


def wait_for(site, daemon, numbers, within_s=WITHIN_S, meanwhile=lambda: None):
    """Waits until each of these entries has its alert, or none has come for long.

    Returns when the first alert of each came. `meanwhile` is called now and then, while they come.
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
        if alerts >= called + len(numbers) / 4:
            called = alerts
            meanwhile()
        if len(first_alerts(site, daemon, numbers)) == len(numbers):
            break
    return first_alerts(site, daemon, numbers)
