"""Measures polls beside other programs on the same feeds, in one run: first polls and unchanged ones.

    apt-get install rss2email newsboat
    python3 -m venv .venv/reader && .venv/reader/bin/pip install reader sgmllib3k
    python tests/bench/others.py [FEEDS]

Programs that are not installed are skipped. All begins with the first answer, so that starting and
reading the configuration count for none of them; it ends when the program does, and with the last
answer for us, who do not end.
"""

import os
import shutil
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from daemon import first_answers
from first_polls import newsroom_of_feeds
from loopback import NGINX, NO_NGINX
from processes import Failed, cpu_s, marked, new_mark, start, stop
from table import at_least, figure, say, show, skipped

FEEDS = 300
# Ours are due again after this time, in which the others are measured.
EVERY_S = 30
JITTER = 1.1
WITHIN_S = 200
READER_PYTHON = Path(__file__).parents[2] / ".venv" / "reader" / "bin" / "python"
READER_PROGRAM = """
import sys
from reader import make_reader
with make_reader(sys.argv[1]) as reader:
    for url in map(str.strip, open(sys.argv[2]) if len(sys.argv) > 2 else ()):
        reader.add_feed(url)
    if len(sys.argv) == 2:
        reader.update_feeds(scheduled=False, workers=8)
"""


@dataclass(frozen=True)
class Cost:
    """What polling all feeds once took."""

    cpu_s: float
    wall_s: float


def rss2email(folder, urls):
    """Returns the command that polls the feeds once, without sending mail."""
    r2e = shutil.which("r2e")
    if r2e is None:
        return None
    sections = [f"[feed.f{number}]\nurl = {url}\n" for number, url in enumerate(urls)]
    (folder / "rss2email.cfg").write_text("[DEFAULT]\nto = a@example.org\n\n" + "\n".join(sections))
    (folder / "rss2email.json").write_text('{"version": 2, "feeds": []}')
    return [
        *(r2e, "-c", folder / "rss2email.cfg", "-d", folder / "rss2email.json"),
        *("run", "--no-send"),
    ]


def newsboat(folder, urls):
    """Returns the command that polls the feeds once."""
    program = shutil.which("newsboat")
    if program is None:
        return None
    (folder / "urls").write_text("\n".join(urls) + "\n")
    (folder / "newsboat.conf").write_text("reload-threads 8\n")
    return [
        *(program, "-u", folder / "urls", "-c", folder / "newsboat.db"),
        *("-C", folder / "newsboat.conf", "-x", "reload"),
    ]


def reader(folder, urls):
    """Adds the feeds, and returns the command that polls them once."""
    if not READER_PYTHON.exists():
        return None
    program, database = folder / "poll.py", folder / "reader.db"
    program.write_text(READER_PROGRAM)
    (folder / "list").write_text("\n".join(urls) + "\n")
    adding = start([READER_PYTHON, program, database, folder / "list"], folder / "log", new_mark())
    if adding.wait(WITHIN_S):
        raise Failed((folder / "log").read_text()[-500:])
    return [READER_PYTHON, program, database]


OTHERS = {"rss2email": rss2email, "newsboat": newsboat, "reader": reader}


def poll_once(site, command, folder, feeds):
    """Runs another program on the feeds, and returns what it took from the first answer on."""
    site.requests()
    mark = new_mark()
    process = start(command, folder / "log", mark, os.environ | {"HOME": str(folder)}, folder)
    try:
        polls = site.wait_for(1, WITHIN_S, every_s=0.002)
        cpu_before_s = cpu_s(marked(mark))
        _, status, usage = os.wait4(process.pid, 0)
        ended = time.time()
    finally:
        stop_unless_reaped(process)
    polls += site.requests()
    if status or len({(poll.host, poll.path) for poll in polls}) < feeds:
        raise Failed(f"polled {len(polls)} of {feeds}: {(folder / 'log').read_text()[-500:]}")
    used_s = usage.ru_utime + usage.ru_stime
    return Cost(used_s - cpu_before_s, ended - polls[0].at)


def stop_unless_reaped(process):
    """Ends a process unless `wait4` has seen its end."""
    if Path(f"/proc/{process.pid}").exists():
        stop(process, 1)
    process.returncode = 0


def ours(site, daemon, feeds):
    """Returns what a scheduler and Redis took for all feeds, from the first answer on."""
    site.requests()
    daemon.start("scheduler")
    polls, used_s = first_answers(site, daemon, feeds)
    daemon.stop()
    return Cost(used_s, polls[-1].at - polls[0].at)


def measure_others(site, scratch, urls):
    """Returns for each program what first and unchanged polls took, or None if it is missing."""
    costs = {}
    for name, prepare in OTHERS.items():
        folder = scratch / name
        folder.mkdir()
        command = prepare(folder, urls)
        costs[name] = command and tuple(
            poll_once(site, command, folder, len(urls)) for _ in ("first", "unchanged")
        )
        if command:
            say(f"{name}: {costs[name]}")
    return costs


def rows(feeds=FEEDS):
    if NGINX is None:
        yield skipped("beside other programs", NO_NGINX)
        return
    poll = "{every: 15m, fastest: 1s}"
    with newsroom_of_feeds(feeds, every=f"{EVERY_S}s", poll=poll) as (site, daemon, urls):
        first = ours(site, daemon, feeds)
        ended = time.monotonic()
        costs = measure_others(site, daemon.config.parent, urls)
        time.sleep(max(0.0, ended + EVERY_S * JITTER - time.monotonic()))
        unchanged = ours(site, daemon, feeds)
    say(f"ours: {first}, {unchanged}")
    yield figure(
        "CPU of our first poll / of an unchanged one", first.cpu_s / unchanged.cpu_s, digits=1
    )
    for name, both in costs.items():
        if both is None:
            yield skipped(f"beside {name}", f"{name} is not installed")
            continue
        their_first, theirs = both
        yield at_least(f"{name}'s first polls: its CPU / ours", their_first.cpu_s / first.cpu_s, 1)
        yield at_least("  its time / ours", their_first.wall_s / first.wall_s, 1)
        yield at_least("  unchanged polls: its CPU / ours", theirs.cpu_s / unchanged.cpu_s, 5)
        yield at_least("  its time / ours", theirs.wall_s / unchanged.wall_s, 3)


if __name__ == "__main__":
    sys.exit(bool(show(rows(*map(int, sys.argv[1:])))))
