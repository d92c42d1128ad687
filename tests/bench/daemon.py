"""Runs real presswatch processes on a configuration and a Redis of their own, and measures them.

Relies on the public surface alone: commands, configuration, and the stream of alerts.
"""

import json
import os
import tempfile
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path

from loopback import Site
from processes import (
    Failed,
    cpu_s,
    marked,
    new_mark,
    presswatch,
    pss_mb,
    rss_mb,
    start,
    stop,
    wait_until,
)

from monitor.runtime import embedded
from monitor.store.client import client

ALERTS = "presswatch:alerts"
# What the benchmark itself asks Redis.
OUR_COMMANDS = {"cmdstat_info", "cmdstat_xlen", "cmdstat_xrange", "cmdstat_ping"}
# Processes that use less than this share of a core have nothing to do but their regular checks.
IDLE_SHARE = 0.08
SETTLES_WITHIN_S = 30
SETTINGS = {
    "poll": "{every: 1s, fastest: 1s, per_host: 16}",
    "articles": "{delay: 0s, per_host: 16}",
    "allow_private_addresses": "[127.0.0.0/8]",
}


def configuration(folder: Path, feeds, watchlists, **settings):
    """Writes a configuration; `feeds` maps a URL to its interval or "", a watchlist is a mapping."""
    folder.mkdir(exist_ok=True)
    lines = ["settings:", *(f"  {name}: {value}" for name, value in (SETTINGS | settings).items())]
    lines.append("feeds:")
    for url, every in feeds.items():
        lines.append(f"  - url: {url}")
        if every:
            lines.append(f"    every: {every}")
    lines.append("watchlists:")
    for watchlist in watchlists:
        first, *others = (f"{name}: {json.dumps(value)}" for name, value in watchlist.items())
        lines += [f"  - {first}", *(f"    {other}" for other in others)]
    (folder / "config.yaml").write_text("\n".join(lines) + "\n", encoding="utf-8")


class Daemon:
    """Processes of one daemon, with a Redis as `presswatch run` starts it."""

    def __init__(self, scratch: Path, redis, redis_url):
        self.config = scratch / "config"
        self._scratch = scratch
        self._redis = redis
        self._mark = new_mark()
        self._running = []
        self._alerts = []
        self._unread_alerts = b"-"
        self._environ = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith("PRESSWATCH_") and name != "REDIS_URL"
        } | {"REDIS_URL": redis_url, "PRESSWATCH_DATA": str(scratch / "var")}

    def start(self, command):
        """Starts `presswatch scheduler`, `worker` or `archive`."""
        log = self._scratch / f"{command}-{len(self._running)}.log"
        process = start(
            [*presswatch(command), "--config", self.config], log, self._mark, self._environ,
            self._scratch,
        )  # fmt: skip
        self._running.append(process)
        return process

    def stop(self):
        """Ends all processes; Redis goes on."""
        for process in self._running:
            if process.poll() is None:
                process.terminate()
        for process in self._running:
            stop(process)
        self._running.clear()

    def cpu_s(self):
        """Returns the processor seconds that all processes and Redis have used."""
        return cpu_s(marked(self._mark)) + self.redis_cpu_s()

    def settle(self):
        """Waits until the processes have little left to do."""
        before = self.cpu_s()
        for _ in range(SETTLES_WITHIN_S):
            time.sleep(1)
            now = self.cpu_s()
            if now - before < IDLE_SHARE:
                return
            before = now

    def redis_cpu_s(self):
        """Returns the processor seconds that Redis has used."""
        cpu = self._redis.info("cpu")
        return sum(value for name, value in cpu.items() if name in REDIS_CPU)

    def pss_mb(self):
        """Returns the memory of all processes and Redis."""
        return pss_mb([*marked(self._mark), self._redis.info("server")["process_id"]])

    def rss_mb(self):
        """Returns the memory of the largest process, without Redis."""
        return rss_mb(marked(self._mark))

    def redis_bytes(self):
        """Returns the memory that Redis's data takes."""
        return self._redis.info("memory")["used_memory"]

    def commands(self):
        """Returns how many commands Redis has run, those of the benchmark left out."""
        stats = self._redis.info("commandstats")
        return sum(stat["calls"] for name, stat in stats.items() if name not in OUR_COMMANDS)

    def alert_count(self):
        """Returns how many alerts are on the stream."""
        return self._redis.xlen(ALERTS)

    def alerts(self):
        """Returns each alert's time on the stream, as Redis noted it, and its document."""
        # Only new ones are read, since what Redis takes for it is measured, too.
        for stream_id, fields in self._redis.xrange(ALERTS, self._unread_alerts):
            self._unread_alerts = b"(" + stream_id
            at = int(stream_id.split(b"-")[0]) / 1000
            self._alerts.append((at, json.loads(fields[b"alert"])))
        return self._alerts

    def wait_for_alerts(self, count, within_s, every_s=0.1):
        """Waits for that many alerts; returns whether they came."""
        return wait_until(lambda: self.alert_count() >= count, within_s, every_s)

    def flush(self):
        """Empties Redis."""
        self._redis.flushall()
        self._alerts, self._unread_alerts = [], b"-"

    def log(self):
        """Returns the last lines of the processes' logs, to explain a failure."""
        logs = sorted(self._scratch.glob("*-[0-9]*.log"))
        return "\n".join("\n".join(log.read_text().splitlines()[-5:]) for log in logs)


REDIS_CPU = ("used_cpu_sys", "used_cpu_user", "used_cpu_sys_children", "used_cpu_user_children")


@contextmanager
def newsroom(hosts=200):
    """Yields a site of many hosts, and a daemon whose processes the caller starts."""
    with ExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="presswatch-bench-")))
        site = stack.enter_context(Site(scratch, hosts))
        data = scratch / "var"
        stack.enter_context(embedded.hold(data))
        url = stack.enter_context(embedded.server(data))
        daemon = Daemon(scratch, stack.enter_context(client(url)), url)
        stack.callback(daemon.stop)
        yield site, daemon


def first_answers(site, daemon, count, within_s=400):
    """Returns the polls of `count` feeds by a daemon that has just been started, and their CPU.

    The processor seconds are those after the first answer, so that starting counts for nothing.
    """
    polls = site.wait_for(1, within_s, every_s=0.002)
    cpu_s = daemon.cpu_s()
    urls = {(poll.host, poll.path) for poll in polls}
    # Some feeds may be polled again before others are polled at all.
    while len(urls) < count and (more := site.wait_for(count - len(urls), within_s)):
        polls += more
        urls |= {(poll.host, poll.path) for poll in more}
    if len(urls) < count:
        raise Failed(f"only {len(urls)} of {count} feeds polled in {within_s} s: {daemon.log()}")
    daemon.settle()
    return polls + site.requests(), daemon.cpu_s() - cpu_s
