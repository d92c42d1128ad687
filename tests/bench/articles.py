"""Measures what an article costs from feed to alert, beside cleaning and matching it in a loop.

    python tests/bench/articles.py

The machine's speed varies, so loop and daemon take turns, on a part of the pages each time.
"""

import sys
import time
from dataclasses import dataclass
from statistics import median

from entries import busy_newsroom, page_url, publish, wait_for
from loopback import NGINX, NO_NGINX
from pages import NO_CORPORA, article_of, many_watchlists, real_pages
from table import at_most, figure, say, show, skipped

from monitor.model import Watchlist
from monitor.watchlists.matcher import Matcher

WATCHLISTS = 1_000
ROUNDS = 5
# Few feeds that are polled often, so that all entries of a round come at about the same time.
FEEDS = 5
EVERY = "1s"
POLLED_WITHIN_S = 30


@dataclass(frozen=True)
class Round:
    """The cost of an article in one round, as a mean."""

    bare_ms: float
    cpu_ms: float
    redis_ms: float
    commands: float

    @property
    def ratio(self):
        return self.cpu_ms / self.bare_ms


def bare_s(matcher, pages):
    """Returns the processor seconds that cleaning and matching the pages takes in a loop."""
    began = time.process_time()
    for page in pages:
        matcher.match(article_of(page))
    return time.process_time() - began


def measure(site, daemon, paths, matcher, pages):
    """Returns the costs of one round's pages (number → page): bare, daemon, and bare again.

    Those of the daemon are counted from the first poll that finds entries to the last alert, so
    that waiting for polls counts for nothing.
    """
    before_s = bare_s(matcher, pages.values())
    site.requests()
    publish(site, paths, {number: page_url(site, number) for number in pages})
    site.wait_for(1, POLLED_WITHIN_S, lambda request: request.status == 200, every_s=0.002)
    cpu_s, redis_s, commands = daemon.cpu_s(), daemon.redis_cpu_s(), daemon.commands()
    count = len(wait_for(site, daemon, pages))
    cpu_s, redis_s = daemon.cpu_s() - cpu_s, daemon.redis_cpu_s() - redis_s
    commands = daemon.commands() - commands
    daemon.settle()
    after_s = bare_s(matcher, pages.values())
    costs = Round(
        bare_ms=1000 * (before_s + after_s) / 2 / len(pages),
        cpu_ms=1000 * cpu_s / count,
        redis_ms=1000 * redis_s / count,
        commands=commands / count,
    )
    say(f"{count} of {len(pages)} articles alerted: {costs.ratio:.2f} times the loop; {costs}")
    return costs


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
    bare_s(matcher, pages[::ROUNDS])  # with cold caches
    numbered = list(enumerate(pages))
    with busy_newsroom(pages, lists, feeds=FEEDS, every=EVERY) as (site, daemon, paths):
        rounds = [
            measure(site, daemon, paths, matcher, dict(numbered[first::ROUNDS]))
            for first in range(ROUNDS)
        ]
    ratios = [each.ratio for each in rounds]
    what = f"CPU an article / bare cleaning and matching, median of {ROUNDS}"
    yield at_most(what, median(ratios), 1.25)
    yield figure("  lowest", min(ratios))
    yield figure("  highest", max(ratios))
    cpu_ms = median(each.cpu_ms for each in rounds)
    yield figure("  CPU an article, all processes and Redis", cpu_ms, " ms", 1)
    yield figure("  Redis alone", median(each.redis_ms for each in rounds), " ms", 1)
    yield figure("  bare cleaning and matching", median(each.bare_ms for each in rounds), " ms", 1)
    commands = median(each.commands for each in rounds)
    yield at_most("Redis commands an article", commands, 40, digits=0)


if __name__ == "__main__":
    sys.exit(bool(show(rows())))
