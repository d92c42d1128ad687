"""What the demo prints: each alert as it comes, and in the end what came and what did not."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import click

from monitor import runtime
from monitor.cli.console import show
from monitor.demo import DECOYS, EXPECTED
from monitor.demo.stories import STORIES

# Long after the last story is out, on a slow machine too.
TIMEOUT_S = 120.0
# A false alert would have come by then.
CALM = timedelta(seconds=3)


def watch(
    daemon: runtime.Runtime, came: list[tuple[str, str]], quiet: threading.Event
) -> Iterator[dict[str, Any]]:
    """Alerts until all stories have been read and nothing more comes; `came` collects them."""
    deadline = time.monotonic() + TIMEOUT_S
    for alert in daemon.store.alerts.follow(after="0", block=CALM):
        if alert:
            came.append((alert["watchlist"], alert["article"]["title"]))
            yield alert
            continue
        if quiet.is_set():
            return
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


class Show:
    """Prints alerts until the newsroom has nothing more to say, and then what came of it."""

    def __init__(self, daemon: runtime.Runtime) -> None:
        self._daemon = daemon

    def __call__(self, quiet: threading.Event) -> int | None:
        """Give 0 where all came as expected, else 1; None where `quiet` was set before the end."""
        came: list[tuple[str, str]] = []
        show(watch(self._daemon, came, quiet))
        if quiet.is_set():
            return None
        # Ends with an empty line, as a block does.
        click.echo(summary(came, self._daemon.store.articles.count()) + "\n")
        return 0 if sorted(came) == sorted(EXPECTED) else 1
