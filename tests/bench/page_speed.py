"""Measures the pages: how long each takes, and how large it is, with a year of alerts and many feeds.

    python tests/bench/page_speed.py [ALERTS [DIRECTORY]]

Writes 100,000 articles of the last year, with an alert on each, to an archive in SQLite, and the
states of 10,000 feeds to Redis, starts `presswatch web`, and asks for each page in turns. An archive
in DIRECTORY is used again.
"""

import itertools
import random
import socket
import statistics
import sys
import tempfile
import time
from contextlib import ExitStack, closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection
from pathlib import Path

from daemon import Daemon, configuration
from processes import Failed, cpu_s, wait_until
from publications import coverage
from table import at_most, figure, say, show

from monitor.archive.database import open_archive
from monitor.archive.writer import Writer
from monitor.config import load
from monitor.model import FeedState
from monitor.runtime import embedded
from monitor.store import Store
from monitor.store.client import client
from monitor.store.feeds import StateRecord

ALERTS, FEEDS, WATCHLISTS = 100_000, 10_000, 300
BATCH = 500
RUNS = 7
GOAL_MS, GOAL_KB = 200, 100
PAGES = (
    "/",
    "/?period=365d",
    "/?period=365d&q=Zugspitze",
    "/alerts/{alert}",
    "/watchlists",
    "/watchlists?period=365d",
    "/watchlists/watchlist-0",
    "/watchlists/watchlist-0?period=365d",
    "/watchlists/watchlist-0/bench",
    "/coverage",
    "/coverage?period=365d",
    "/coverage?period=365d&by=source",
    "/coverage?period=365d&watchlist=watchlist-0",
    "/stories/{story}",
    "/feeds",
    "/feeds?q=outlet",
    "/feeds?health=failing",
    "/feeds?page=50",
    "/queues",
    "/deliveries",
    "/mutes",
    "/configuration",
)


def feed_url(number):
    """Returns the address of a feed of the configuration."""
    return f"https://outlet-{number}.example/feed"


def records(count, begin):
    """Yields the coverage of a year as of many feeds and watchlists, a few of which have most."""
    rng = random.Random(1)
    for record in coverage(count, begin=begin, alerted=1):
        publication = record.publication
        feed = min(int(rng.expovariate(1 / 1_000)), FEEDS - 1)
        name = f"watchlist-{min(int(rng.expovariate(1 / 40)), WATCHLISTS - 1)}"
        article = replace(publication.article, feed_url=feed_url(feed))
        alert = publication.alerts[0] | {"watchlist": name}
        match = replace(publication.matches[0], watchlist=name)
        changed = replace(publication, article=article, matches=(match,), alerts=(alert,))
        yield replace(record, publication=changed)


def write(data, count, now):
    """Writes the archive, unless there is one already."""
    if (data / "archive.db").exists():
        return
    data.mkdir(parents=True, exist_ok=True)
    engine = open_archive(None, data)
    writer, coming, written = Writer(engine), records(count, now - timedelta(days=365)), 0
    while batch := list(itertools.islice(coming, BATCH)):
        if refused := writer.write(batch):
            sys.exit(f"refused: {refused[0].reason}")
        written += len(batch)
        if written % 20_000 == 0:
            say(f"{written:,} written")
    engine.dispose()


def put_states(redis, feeds, now):
    """Writes states of feeds to Redis, as polls leave them: one in fifty is ill."""
    store = Store(redis, "presswatch:", timedelta(days=90))
    store.feeds.schedule(feeds, now)
    for start in range(0, len(feeds), BATCH):
        store.feeds.commit(
            [
                StateRecord(feed, _state(number, now), now + timedelta(minutes=number % 60))
                for number, feed in enumerate(feeds[start : start + BATCH], start)
            ]
        )


def _state(number, now):
    state = FeedState(f"The Outlet &amp; Herald {number}", polled_at=now, succeeded_at=now)
    if number % 50:
        return replace(state, changed_at=now - timedelta(hours=number % 30), entries=30)
    return replace(state, failures=3, error="HTTP 503")


class Web:
    """A `presswatch web` process that answers on loopback."""

    def __init__(self, daemon, port):
        self._process = daemon.start("web")
        self._port = port
        if not wait_until(self._answers, 60):
            raise Failed(f"the pages do not answer: {daemon.log()}")

    def _answers(self):
        try:
            return self.get("/login") is not None
        except OSError:
            return False

    def get(self, path):
        """Returns how many seconds a page took, and how many bytes it has before compression."""
        connection = HTTPConnection("127.0.0.1", self._port, timeout=60)
        begun = time.perf_counter()
        with closing(connection):
            connection.request("GET", path)
            response = connection.getresponse()
            size = len(response.read())
            if response.status not in (200, 303):
                raise Failed(f"{path} answers {response.status}")
            return time.perf_counter() - begun, size

    def cpu_s(self):
        """Returns the processor seconds that the process has used."""
        return cpu_s([self._process.pid])


def measure(web, paths):
    """Yields rows of the time, the processor time and the size of each page."""
    for path in paths:
        web.get(path)
    times, used = {path: [] for path in paths}, {path: [] for path in paths}
    for _, path in itertools.product(range(RUNS), paths):
        cpu = web.cpu_s()
        took_s, size = web.get(path)
        times[path].append((took_s, size))
        used[path].append(web.cpu_s() - cpu)
    for path in paths:
        took_ms = 1000 * statistics.median(took_s for took_s, _ in times[path])
        yield at_most(path, took_ms, GOAL_MS, " ms", 0)
        yield figure("  processor time", 1000 * statistics.mean(used[path]), " ms", 0)
        yield at_most("  size", times[path][-1][1] / 1024, GOAL_KB, " KB", 0)


def rows(count, kept=None):
    with ExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="presswatch-bench-")))
        data, now = scratch / "var", datetime.now(UTC)
        if kept:
            Path(kept).mkdir(exist_ok=True)
            data.symlink_to(Path(kept).resolve())
        write(data, count, now)
        stack.enter_context(embedded.hold(data))
        url = stack.enter_context(embedded.server(data))
        redis = stack.enter_context(client(url))
        redis.flushall()
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        daemon = Daemon(scratch, redis, url)
        stack.callback(daemon.stop)
        watchlists = [
            {"name": f"watchlist-{number}", "query": f"Zugspitze OR word{number}"}
            for number in range(WATCHLISTS)
        ]
        configuration(
            daemon.config,
            {feed_url(number): "" for number in range(FEEDS)},
            watchlists,
            web=f'{{listen: "127.0.0.1:{port}"}}',
        )
        put_states(redis, load(daemon.config, {}).feeds, now)
        record = next(records(count, now - timedelta(days=365)))
        [alert] = record.publication.alerts
        paths = [path.format(alert=alert["id"], story=alert["story"]["id"]) for path in PAGES]
        yield from measure(Web(daemon, port), paths)


if __name__ == "__main__":
    arguments = sys.argv[1:]
    sys.exit(show(rows(int(arguments[0]) if arguments else ALERTS, *arguments[1:2])))
