"""Runs the benchmarks of performance, and prints one table: goal, figure, verdict.

python tests/bench/everything.py
"""

import sys
import time

import alerts
import articles
import fairness
import first_polls
import latency
import loading
import others
import polling
import startup
from processes import Failed
from table import say, show, skipped

BENCHMARKS = (startup, loading, first_polls, polling, articles, latency, alerts, fairness, others)


def rows():
    for benchmark in BENCHMARKS:
        name, began = benchmark.__name__, time.monotonic()
        say(f"{name} begins")
        try:
            yield from benchmark.rows()
        except Failed as error:
            yield skipped(name, str(error).splitlines()[0])
            say(str(error))
        say(f"{name} took {time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    sys.exit(bool(show(rows())))
