"""Measures how soon a command answers, a worker asks for a page, and a scheduler for a feed.

    python tests/bench/startup.py

The best of several starts each, since other programs of the machine only make them slower.
"""

import subprocess
import sys
import time

from daemon import configuration, newsroom
from loopback import NGINX, NO_NGINX, Item
from pages import MARKED, made_up_page
from processes import Failed, presswatch
from table import at_most, show, skipped

FEEDS = 10
HELP_RUNS = 7
RUNS = 3
WITHIN_S = 30


def help_s():
    """Returns the seconds that `presswatch --help` takes."""
    began = time.perf_counter()
    subprocess.run(presswatch("--help"), check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - began


def scheduler_s(site, daemon):
    """Returns the seconds from the start of a scheduler to its first poll of a new feed.

    Stops it after it has polled all of them.
    """
    daemon.flush()
    site.requests()
    began = time.time()
    daemon.start("scheduler")
    requests = _wait_for(site, FEEDS)
    time.sleep(0.5)
    daemon.stop()
    return requests[0].at - began


def worker_s(site, daemon):
    """Returns the seconds from the start of a worker to its first request for a waiting page."""
    site.requests()
    began = time.time()
    daemon.start("worker")
    requests = _wait_for(site, 1)
    daemon.stop()
    return requests[0].at - began


def _wait_for(site, count):
    requests = site.wait_for(count, WITHIN_S)
    if len(requests) < count:
        raise Failed(f"{len(requests)} of {count} requests within {WITHIN_S} s")
    return sorted(requests, key=lambda request: request.at)


def rows():
    times = [help_s() for _ in range(HELP_RUNS)]
    yield at_most("presswatch --help", min(times), 0.15, " s")
    if NGINX is None:
        yield skipped("start of scheduler and worker", NO_NGINX)
        return
    schedulers, workers = [], []
    with newsroom(hosts=FEEDS) as (site, daemon):
        paths = [f"feeds/{number}.xml" for number in range(FEEDS)]
        for number, path in enumerate(paths):
            page = f"pages/{number}.html"
            site.put(page, made_up_page(number))
            site.put_feed(path, [Item(number, site.url(number, page), f"Report {number}")])
        urls = {site.url(number, path): "1h" for number, path in enumerate(paths)}
        configuration(daemon.config, urls, [MARKED])
        for _ in range(RUNS):
            schedulers.append(scheduler_s(site, daemon))
            workers.append(worker_s(site, daemon))
    yield at_most("a worker's start, to its first page", min(workers), 1.2, " s")
    yield at_most("a scheduler's start, to its first poll", min(schedulers), 1.5, " s")


if __name__ == "__main__":
    sys.exit(bool(show(rows())))
