"""Alerts on a terminal: a readable block each for `run` and `demo`, a line each for `tail`."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import click

from monitor.alerts.build import reservation
from monitor.alerts.document import clock, whole
from monitor.runtime import logs
from monitor.untrusted import printable

if TYPE_CHECKING:
    from monitor.store import AlertStore

WIDTH = 88
STYLE: dict[str, dict[str, Any]] = {
    "high": {"fg": "red", "bold": True},
    "normal": {"fg": "yellow", "bold": True},
    "low": {"fg": "blue", "bold": True},
}
# How soon the console notices that there is nothing more to show.
BLOCK = timedelta(seconds=1)


def block(document: dict[str, Any]) -> str:
    """An alert as a block of lines, with styles that `click.echo` drops where they do no good."""
    alert = whole(document)
    article = alert["article"]
    when = clock(article["published_at"] or alert["detected_at"], "%-d %B %Y, %H:%M", None)
    head = printable(f"{alert['watchlist']} · {alert['priority']}")
    about = filter(None, [article["source"], when, reservation(article)])
    lines = [
        click.style(
            f"── {head} " + "─" * max(0, WIDTH - len(head) - 4), **STYLE[alert["priority"]]
        ),
        click.style(printable(article["title"]) or "(no title)", bold=True),
        click.style(printable(" · ".join(about)), dim=True),
        *(f"  {highlighted(snippet)}" for snippet in alert["snippets"]),
        click.style(printable(article["url"]), fg="cyan"),
    ]
    return "\n".join(lines) + "\n\n"


def highlighted(snippet: dict[str, Any]) -> str:
    """A snippet with what matched made to stand out."""
    text, done, pieces = snippet["text"], 0, []
    for start, end in snippet["highlights"]:
        pieces.append(printable(text[done:start]))
        pieces.append(click.style(printable(text[start:end]), fg="green", bold=True))
        done = end
    return "".join([*pieces, printable(text[done:])])


def line(document: dict[str, Any]) -> str:
    """An alert as one line."""
    alert = whole(document)
    article = alert["article"]
    parts = (alert["detected_at"], alert["watchlist"], article["title"], article["url"])
    return "  ".join(map(printable, parts))


def show(alerts: Iterable[dict[str, Any]]) -> None:
    """Print blocks as alerts come."""
    colour = logs.chosen_format() == "pretty" and not logs.no_color()
    for alert in alerts:
        click.echo(block(alert), nl=False, color=colour)


class Console:
    """Shows the alerts of a daemon as they are published, beginning after a stream id."""

    def __init__(self, alerts: AlertStore, after: str) -> None:
        self._alerts = alerts.follow(after=after, block=BLOCK)

    def __call__(self, quiet: threading.Event) -> None:
        """Print blocks until `quiet` is set; called again, go on after the last one."""
        show(self._until(quiet))

    def _until(self, quiet: threading.Event) -> Iterator[dict[str, Any]]:
        for alert in self._alerts:
            if alert:
                yield alert
            elif quiet.is_set():
                return
