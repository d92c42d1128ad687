"""Prints the demo's alerts as they arrive, then compares them with those expected."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import click

from monitor.cli.console import show
from monitor.demo import DECOYS, EXPECTED
from monitor.demo.stories import STORIES
from monitor.errors import PresswatchError
from monitor.runtime import composition

# Long after the last story is published, even on a slow machine.
TIMEOUT_S = 120.0
# A false alert would have arrived by then.
CALM = timedelta(seconds=3)


def watch(
    daemon: composition.Runtime,
    data: Path,
    alerts: list[tuple[str, str]],
    quiet: threading.Event,
) -> Iterator[dict[str, Any]]:
    """Yields alerts until all stories are read and no more arrive; `alerts` collects them."""
    deadline = time.monotonic() + TIMEOUT_S
    for alert in daemon.store.alerts.follow(after="0", block=CALM):
        if alert:
            alerts.append((alert["watchlist"], alert["article"]["title"]))
            yield alert
            continue
        if quiet.is_set():
            return
        owed = daemon.queues.count_owed("articles")
        if articles_read(data) >= len(STORIES) and not owed:
            return
        if time.monotonic() > deadline:
            return


def articles_read(data: Path) -> int:
    """Returns how many articles are in the archive of a data directory; it may not exist yet."""
    from monitor.archive.database import read_archive
    from monitor.archive.history import count_articles

    try:
        return count_articles(read_archive(None, data))
    except PresswatchError:
        return 0


def summary(alerts: list[tuple[str, str]], articles: int) -> str:
    """Returns the demo's closing summary."""
    correct = EXPECTED & set(alerts)
    false = sorted(set(alerts) - EXPECTED)
    doubles = len(alerts) - len(set(alerts))
    surprises = [f"false: {watchlist}: {title}" for watchlist, title in false]
    surprises += [
        f"missed: {watchlist}: {title}" for watchlist, title in sorted(EXPECTED - correct)
    ]
    counts = f"""\
{articles} articles read, {len(alerts)} alerts: {len(correct)} of {len(EXPECTED)} expected, \
{doubles} twice, {len(false)} false.
{len(DECOYS)} times another watchlist's words appeared beside an article, in a trending list, an
advert or a comment: {len(DECOYS & set(alerts))} of these alerted."""
    outlook = """
Now try your own feeds: edit config/feeds.yaml and config/watchlists.yaml, then `presswatch run`."""
    return "\n".join([counts, *surprises, outlook])


class DemoConsole:
    """Prints alerts until the newsroom has published everything, then the summary."""

    def __init__(self, daemon: composition.Runtime, data: Path) -> None:
        self._daemon = daemon
        self._data = data

    def __call__(self, quiet: threading.Event) -> int | None:
        """Returns 0 if the alerts are those expected, else 1; None if `quiet` was set early.

        On a terminal, the pages stay open until Ctrl-C.
        """
        alerts: list[tuple[str, str]] = []
        show(watch(self._daemon, self._data, alerts, quiet))
        if quiet.is_set():
            return None
        # An empty line follows, as after each alert.
        click.echo(summary(alerts, articles_read(self._data)) + "\n")
        if sys.stdout.isatty():
            pages = f"http://{self._daemon.config.settings.web.listen}/"
            click.echo(f"All of it is at {pages} until Ctrl-C.")
            quiet.wait()
        return 0 if sorted(alerts) == sorted(EXPECTED) else 1
