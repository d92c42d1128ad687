"""Runs the benchmarks of performance, and prints one table: goal, figure, verdict.

python tests/bench/everything.py [NAME …]
"""

import argparse
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

MODULES = (startup, loading, first_polls, polling, articles, latency, alerts, fairness, others)
BENCHMARKS = {module.__name__: module.rows for module in MODULES}


def rows(names):
    for name in names:
        began = time.monotonic()
        say(f"{name} begins")
        try:
            yield from BENCHMARKS[name]()
        except Failed as error:
            yield skipped(name, str(error).splitlines()[0])
            say(str(error))
        say(f"{name} took {time.monotonic() - began:.0f} s")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help=f"all unless given: {', '.join(BENCHMARKS)}"
    )
    names = parser.parse_args().names
    for name in names:
        if name not in BENCHMARKS:
            parser.error(f"no benchmark is called {name!r}; there are {', '.join(BENCHMARKS)}")
    sys.exit(bool(show(rows(names or BENCHMARKS))))


if __name__ == "__main__":
    main()
