"""Measures polling: many feeds due at once, what an unchanged poll costs, and two schedulers.

python tests/bench/polling.py [FEEDS]
"""

import sys
import time
from collections import Counter

from daemon import configuration, first_answers, newsroom
from loopback import NGINX, NO_NGINX, Item, feed_path
from pages import MARKED
from table import at_least, at_most, figure, rate, say, show, skipped

FEEDS = 10_000
# For one scheduler against two.
SIDE_BY_SIDE_FEEDS = 3_000
HOSTS = 1_000
ENTRIES = 10
# After their first polls all feeds are due again within this time.
EVERY_S = 10
JITTER = 1.2
PRIMING = {"poll": f"{{every: {EVERY_S}s, fastest: 1s, at_once: 1000, per_host: 16}}"}
MEASURED = {"poll": "{every: 6h, fastest: 6h}"}


class Round:
    """Polls of all feeds, again and again."""

    def __init__(self, site, daemon, feeds):
        self._site = site
        self._daemon = daemon
        self._paths = [feed_path(number) for number in range(feeds)]

    def prime(self):
        """Polls all feeds for the first time, and waits until all are due again."""
        self._daemon.stop()
        self._daemon.flush()
        for number in range(len(self._paths)):
            self._put(number, 0)
        self._configure(PRIMING)
        self._site.requests()
        self._daemon.start("scheduler")
        first_answers(self._site, self._daemon, len(self._paths))
        self._daemon.stop()
        time.sleep(EVERY_S * JITTER)
        self._site.requests()

    def change(self):
        """Gives each tenth feed a new entry."""
        for number in range(3, len(self._paths), 10):
            self._put(number, 1)

    def measure(self, schedulers=1):
        """Returns the times of the polls of one round, the processor seconds, memory, and polls twice.

        All begins with the first answer: what a scheduler does before is measured elsewhere.
        """
        self._configure(MEASURED)
        self._site.requests()
        for _ in range(schedulers):
            self._daemon.start("scheduler")
        polls, cpu_s = first_answers(self._site, self._daemon, len(self._paths))
        memory_mb = self._daemon.rss_mb()
        times = sorted(poll.at for poll in polls)
        statuses = Counter(poll.status for poll in polls)
        say(f"{len(polls)} polls by {schedulers} in {times[-1] - times[0]:.1f} s: {dict(statuses)}")
        polls_of = Counter((poll.host, poll.path) for poll in polls)
        return times, cpu_s, memory_mb, sum(count > 1 for count in polls_of.values())

    def _put(self, number, new):
        items = [
            Item(entry, self._site.url(number, f"{number}/{entry}"), f"Report {entry} of {number}")
            for entry in range(ENTRIES + new)
        ]
        self._site.put_feed(self._paths[number], items)

    def _configure(self, settings):
        urls = {self._site.url(number, path): "" for number, path in enumerate(self._paths)}
        # No entry is alerted on: only polls are measured.
        configuration(self._daemon.config, urls, [MARKED], backfill="0s", **settings)


def rows(feeds=FEEDS):
    if NGINX is None:
        yield skipped("polling", NO_NGINX)
        return
    with newsroom(HOSTS) as (site, daemon):
        everything = Round(site, daemon, feeds)
        everything.prime()
        everything.change()
        times, _, memory_mb, twice = everything.measure()
        seconds = times[-1] - times[0]
        yield at_most(f"{feeds:,} feeds due at once are polled within", seconds, 60, " s", 1)
        yield figure("  polls a second", feeds / seconds, digits=0)
        yield at_most("  memory of the scheduler", memory_mb, 400, " MB", 0)
        yield at_most("  feeds polled twice", twice, 0, digits=0)
    with newsroom(HOSTS) as (site, daemon):
        some = Round(site, daemon, min(feeds, SIDE_BY_SIDE_FEEDS))
        some.prime()
        alone, cpu_s, _, _ = some.measure()
        yield at_most("CPU of a poll that finds nothing new", 1000 * cpu_s / len(alone), 1.5, " ms")
        some.prime()
        together, _, _, twice = some.measure(schedulers=2)
        ratio = later_rate(together) / later_rate(alone)
        yield at_least("two schedulers poll as many as one", ratio, 1.8, " times")
        yield figure("  polls a second of one", later_rate(alone), digits=0)
        yield at_most("  feeds polled twice by two", twice, 0, digits=0)


def later_rate(times):
    """Returns the polls a second when all schedulers have started."""
    return rate(times, 0.4, 0.9)


if __name__ == "__main__":
    sys.exit(bool(show(rows(*map(int, sys.argv[1:])))))
