"""Measures the archive on SQLite and PostgreSQL: writing, size, and searches.

    python tests/bench/archive.py [ARTICLES]

Writes 300,000 articles of a year, with alerts on a third of them, searches all of them, and plans
over them (`plan.py`). Prints each goal, the figure, and the verdict.
"""

import importlib.util
import itertools
import shutil
import sys
import tempfile
import time
from datetime import timedelta
from pathlib import Path

from plan import plan_rows
from publications import BEGIN, coverage
from table import at_least, at_most, figure, say, show, skipped

from monitor.archive.database import open_archive, size_bytes
from monitor.archive.search import Search
from monitor.archive.writer import Writer

ARTICLES = 300_000
BATCH = 500
# A pool of workers on two cores reads 15 to 30 articles a second: see `latency.py`.
WORKERS_PER_S, TIMES = 30, 20
MAX_KB = 20
SELECTIVE_S, ANY_S = 2, 10
# Whatever the search takes, something is seen after this time.
FIRST_S = 3
SHOWN = 100

SEARCHES = (
    ("a rare word", "Zugspitze", SELECTIVE_S),
    ("a rare phrase", '"Kristalina Oduya-Brandt"', SELECTIVE_S),
    ("20 words joined by OR", " OR ".join(["Zugspitze", "Oduya", *(f"zzz{n}" for n in range(18))]),
     SELECTIVE_S),
    ("characters of Chinese", "\u5317\u4eac\u5927\u5b66", SELECTIVE_S),
    ("exact:, a rare phrase", 'exact:"Straße of Hormuz"', SELECTIVE_S),
    ("a wildcard at the end", "zugsp*", SELECTIVE_S),
    ("NOT", "carbon AND NOT levy", SELECTIVE_S),
    ("NEAR of common words", "government NEAR/10 president", ANY_S),
    ("a word that nearly all have", "the", ANY_S),
    ("a wildcard at the beginning", "*spitze", ANY_S),
    ("NEAR of words that nearly all have", "the NEAR/3 and", ANY_S),
    ("SAMESENTENCE of common words", "government SAMESENTENCE president", ANY_S),
    ("case:, a common word", "case:US", ANY_S),
    ("case:, a word that nearly all have", "case:The", ANY_S),
)  # fmt: skip


def measure(name, engine, count):
    """Writes the coverage to an empty archive, searches it, plans over it, and yields rows."""
    wall_s, cpu_s = write(name, engine, count)
    goal = TIMES * WORKERS_PER_S
    yield at_least(f"{name}: articles written a second", count / wall_s, goal, "/s", 0)
    yield figure(f"{name}: processor time of writing an article", 1000 * cpu_s / count, " ms")
    size_kb = size_bytes(engine) / count / 1024
    yield at_most(f"{name}: size of an article", size_kb, MAX_KB, " KB", 1)
    for what, query, goal_s in SEARCHES:
        yield from _search(f"{name}: {what}", engine, query, goal_s)
    yield from plan_rows(name, engine)


def write(name, engine, count):
    """Writes the coverage to an empty archive; returns how long it took, and the CPU time."""
    writer, records = Writer(engine), coverage(count)
    written, wall_s, cpu_s = 0, 0.0, 0.0
    while batch := list(itertools.islice(records, BATCH)):
        begun, cpu = time.perf_counter(), time.process_time()
        if refused := writer.write(batch):
            sys.exit(f"refused: {refused[0].reason}")
        wall_s += time.perf_counter() - begun
        cpu_s += time.process_time() - cpu
        written += len(batch)
        if written % 20_000 == 0:
            say(f"{name}: {written:,} written")
    return wall_s, cpu_s


def _search(what, engine, query, goal_s):
    search = Search(engine, query, since=BEGIN - timedelta(days=1), limit=SHOWN)
    begun, first_s = time.perf_counter(), None
    for batch in search:
        if batch and first_s is None:
            first_s = time.perf_counter() - begun
    took_s = time.perf_counter() - begun
    found = search.totals.articles
    say(
        f"{what}: {found:,} articles of {search.candidates:,} candidates in {took_s:.2f} s, "
        f"the first after {first_s or 0:.2f} s"
    )
    yield at_most(what, took_s, goal_s, " s")
    if goal_s > SELECTIVE_S and found >= SHOWN:
        yield at_most(f"{what}: the first", first_s, FIRST_S, " s")


def _server():
    """Returns a PostgreSQL server like that of the tests, or None."""
    file = Path(__file__).parents[1] / "archive" / "conftest.py"
    spec = importlib.util.spec_from_file_location("archive_conftest", file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    initdb, pg_ctl = module._program("initdb"), module._program("pg_ctl")
    return module.PostgreSQL(initdb, pg_ctl) if initdb and pg_ctl else None


def rows(count, measure):
    """Yields the rows that `measure` yields for an archive in each database."""
    directory = Path(tempfile.mkdtemp(prefix="presswatch-archive-"))
    try:
        engine = open_archive(None, directory)
        yield from measure("SQLite", engine, count)
        engine.dispose()
    finally:
        shutil.rmtree(directory)
    server = _server()
    if server is None:
        yield skipped("PostgreSQL", "initdb and pg_ctl were not found")
        return
    try:
        server.execute("CREATE DATABASE bench TEMPLATE template1")
        engine = open_archive(server.url("bench"), directory)
        yield from measure("PostgreSQL", engine, count)
        engine.dispose()
    finally:
        server.stop()


if __name__ == "__main__":
    sys.exit(show(rows(int(sys.argv[1]) if len(sys.argv) > 1 else ARTICLES, measure)))
