"""Measures `presswatch plan`: ten changed of 1,000 watchlists, on SQLite and PostgreSQL.

    python tests/bench/plan.py [ARTICLES]

Writes 300,000 articles of a year, and plans over its last 30 days and over all of it. Prints each
goal, the figure, and the verdict. `archive.py` measures the same in its archives.
"""

import itertools
import multiprocessing
import os
import sys
import time
from dataclasses import replace
from datetime import timedelta

from publications import BEGIN
from table import at_most, figure, say, show

from monitor.archive.plan import Planner
from monitor.archive.samples import Samples
from monitor.model import FeedFilter, Watchlist
from monitor.watchlists.changes import DefinedWatchlists

WATCHLISTS = 1_000
GOAL_S = 20
YEAR, MONTH = timedelta(days=365), timedelta(days=30)
SAMPLES = 5
# What ten watchlists look for, before and after.
CHANGED = (
    ("Zugspitze", "Zugspitze AND NOT hotel"),
    ('"Kristalina Oduya-Brandt"', "Oduya*"),
    ("carbon AND levy", '"carbon border" OR levy'),
    ("@officials NEAR/20 sanctions", "@officials NEAR/20 sanctions"),
    ('exact:"Straße of Hormuz"', "Hormuz"),
    ("\u5317\u4eac", "\u5317\u4eac\u5927\u5b66"),
    ("government NEAR/10 president", "government NEAR/5 president"),
    ('"climate change" AND parliament', '("climate change" OR emissions) AND parliament'),
    ("title:war", "title:war OR lead:war"),
    ("inflation AND rates", None),
)
# One that the index cannot narrow, in place of the last: every article is read.
WIDE = ("*spitze", "*spitze OR glacier")
DEFINITIONS = {"officials": "minister OR envoy"}, {"officials": "minister OR envoy OR ambassador"}


def configurations(queries):
    """Returns the watchlists before and after a change of some queries."""
    unchanged = [Watchlist(f"w{n}", f"Zuba{n} AND levy") for n in range(WATCHLISTS - len(queries))]
    olds, news = [], []
    for number, (before, after) in enumerate(queries):
        watchlist = Watchlist(
            f"changed{number}", before, FeedFilter(tags=("news",)), "normal", ("desk",)
        )
        olds.append(watchlist)
        if after:
            news.append(replace(watchlist, query=after))
    before, after = DEFINITIONS
    return (
        DefinedWatchlists([*unchanged, *olds], before),
        DefinedWatchlists([*unchanged, *news], after),
    )


def plan_rows(name, engine):
    """Plans over an archive that `coverage` filled, and yields rows."""
    month, year = BEGIN + YEAR - MONTH, BEGIN - timedelta(days=1)
    for what, since, queries in (
        ("30 days", month, CHANGED),
        ("a year", year, CHANGED),
        ("a year, every article read", year, (*CHANGED[:-1], WIDE)),
    ):
        before, after = configurations(queries)
        begun, cpu = time.perf_counter(), _cpu_s()
        planner = Planner(engine, after, before, since=since, until=BEGIN + YEAR)
        for _ in planner.search:
            pass
        plan = planner.plan()
        for each in plan.changes:
            samples = Samples(engine, each, before.definitions, after.definitions)
            list(itertools.chain(samples.gained(SAMPLES), samples.lost(SAMPLES)))
        took_s = time.perf_counter() - begun
        gained = sum(len(each.gained) for each in plan.changes)
        say(
            f"{name}: {what}: {planner.search.candidates:,} of {plan.period.articles:,} articles "
            f"examined, {len(plan.changes)} watchlists differ, {gained:,} alerts gained"
        )
        yield at_most(f"{name}: a plan of {what}", took_s, GOAL_S, " s")
        yield figure("  processor time", _cpu_s() - cpu, " s")


def _cpu_s():
    """Returns the processor time of this process and of those that it started and that ended."""
    for process in multiprocessing.active_children():
        process.join()
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


if __name__ == "__main__":
    from archive import ARTICLES, rows, write

    def measure(name, engine, count):
        write(name, engine, count)
        yield from plan_rows(name, engine)

    sys.exit(show(rows(int(sys.argv[1]) if len(sys.argv) > 1 else ARTICLES, measure)))
