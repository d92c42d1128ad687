"""Measures how long a large configuration takes to load, and the memory that this takes at most.

python tests/bench/loading.py
"""

import subprocess
import sys
import tempfile
from pathlib import Path

from corpora import CORPORA
from daemon import configuration
from pages import MARKED, NO_CORPORA, many_watchlists
from table import at_most, figure, show, skipped

COUNT = 10_000
RUNS = 3
FEEDS_GOAL_S, WATCHLISTS_GOAL_S = 1.0, 0.8
# Memory is that of loading alone, without the interpreter and the modules: the highest so far
# (`VmHWM`; what getrusage says includes the parent's, from before the program was executed).
PROGRAM = """
import sys, time
from pathlib import Path
from monitor.runtime.composition import read

def peak_kb():
    return int(Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0])

read(Path(sys.argv[2]))
before = peak_kb()
began = time.process_time()
config = read(Path(sys.argv[1]))
took = time.process_time() - began
print(took, (peak_kb() - before) / 1024)
"""


def load(folder, small):
    """Returns the processor seconds and megabytes that loading takes in a new process.

    A small one is loaded before, so that imports count for nothing.
    """
    output = subprocess.run(
        [sys.executable, "-c", PROGRAM, folder, small], check=True, capture_output=True, text=True
    ).stdout
    seconds, megabytes = map(float, output.split())
    return seconds, megabytes


def measure(what, goal_s, folder, small):
    """Yields the rows of one configuration."""
    runs = [load(folder, small) for _ in range(RUNS)]
    yield at_most(f"loading {what}", min(seconds for seconds, _ in runs), goal_s, " s")
    yield figure("  memory at most", max(mb for _, mb in runs), " MB", 0)


def feed_urls(count=COUNT):
    """Returns the URLs of feeds, as `configuration` takes them."""
    return {f"https://www.outlet-{n}.example/news/rss/{n}.xml": "" for n in range(count)}


def rows():
    with tempfile.TemporaryDirectory(prefix="presswatch-bench-") as scratch:
        small, feeds, lists = (Path(scratch) / name for name in ("small", "feeds", "lists"))
        configuration(small, feed_urls(1), [MARKED])
        configuration(feeds, feed_urls(), [MARKED])
        yield from measure(f"{COUNT:,} feeds", FEEDS_GOAL_S, feeds, small)
        if not CORPORA.is_dir():
            yield skipped(f"loading {COUNT:,} watchlists", NO_CORPORA)
            return
        configuration(lists, feed_urls(1), many_watchlists(COUNT))
        yield from measure(f"{COUNT:,} watchlists", WATCHLISTS_GOAL_S, lists, small)


if __name__ == "__main__":
    sys.exit(bool(show(rows())))
