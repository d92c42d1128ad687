"""What the demo prints: each alert as it comes, and in the end what came and what did not."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import click

from monitor import lifeline, logs, runtime
from monitor.cli.console import show
from monitor.demo import DECOYS, EXPECTED
from monitor.demo.stories import STORIES

# Long after the last story is out, on a slow machine too.
TIMEOUT_S = 120.0
# A false alert would have come by then.
CALM = timedelta(seconds=3)


def watch(daemon: runtime.Runtime, came: list[tuple[str, str]]) -> Iterator[dict[str, Any]]:
    """Alerts until all stories have been read and nothing more comes; `came` collects them."""
    deadline = time.monotonic() + TIMEOUT_S
    for alert in daemon.store.alerts.follow(after="0", block=CALM):
        if alert:
            came.append((alert["watchlist"], alert["article"]["title"]))
            yield alert
            continue
        owed = daemon.queues.depths()["articles"].owed
        if daemon.store.articles.count() >= len(STORIES) and not owed:
            return
        if time.monotonic() > deadline:
            return


def summary(came: list[tuple[str, str]], articles: int) -> str:
    """The demo's last words."""
    found = EXPECTED & set(came)
    false = sorted(set(came) - EXPECTED)
    doubles = len(came) - len(set(came))
    surprises = [f"false: {watchlist}: {title}" for watchlist, title in false]
    surprises += [f"missed: {watchlist}: {title}" for watchlist, title in sorted(EXPECTED - found)]
    counts = f"""\
{articles} articles read, {len(came)} alerts: {len(found)} of {len(EXPECTED)} expected, \
{doubles} twice, {len(false)} false.
{len(DECOYS)} times another watchlist's words stood beside an article, in a trending list, an
advert or a comment: {len(DECOYS & set(came))} of these alerted."""
    outlook = """
Now your own feeds: edit config/feeds.yaml and config/watchlists.yaml, then `presswatch run`."""
    return "\n".join([counts, *surprises, outlook])


def main() -> None:
    """Print alerts until the newsroom has nothing more to say; 0 where all came as expected."""
    logs.configure("warning")
    lifeline.stop_with_owner()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    daemon = runtime.start(
        Path(os.environ[runtime.CONFIG_VARIABLE]), Path(os.environ[runtime.DATA_VARIABLE])
    )
    came: list[tuple[str, str]] = []
    show(watch(daemon, came))
    # Ends with an empty line, as a block does.
    click.echo(summary(came, daemon.store.articles.count()) + "\n")
    sys.exit(0 if sorted(came) == sorted(EXPECTED) else 1)


if __name__ == "__main__":
    main()
