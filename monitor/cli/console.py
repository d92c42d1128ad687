"""Alerts on a terminal: a readable block each for `run` and `demo`, a line each for `tail`."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import click
from honcho.printer import Message
from honcho.printer import Printer as HonchoPrinter

from monitor import lifeline, logs, runtime
from monitor.alerts.build import reservation

WIDTH = 88
STYLE: dict[str, dict[str, Any]] = {
    "high": {"fg": "red", "bold": True},
    "normal": {"fg": "yellow", "bold": True},
    "low": {"fg": "blue", "bold": True},
}
BLOCKS = "console"


def printable(text: str) -> str:
    """Text from strangers as one line without what a terminal would obey: controls, bidi marks."""
    return "".join(char if char.isprintable() else " " for char in text)


def block(alert: dict[str, Any]) -> str:
    """An alert as a block of lines, with styles that `click.echo` drops where they do no good."""
    article = alert["article"]
    when = datetime.fromisoformat(article["published_at"] or alert["detected_at"]).astimezone()
    head = f"{alert['watchlist']} · {alert['priority']}"
    about = [article["source"], f"{when:%-d %B %Y, %H:%M}"]
    about += filter(None, [reservation(article)])
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


def line(alert: dict[str, Any]) -> str:
    """An alert as one line."""
    article = alert["article"]
    parts = (alert["detected_at"], alert["watchlist"], article["title"], article["url"])
    return "  ".join(map(printable, parts))


def show(alerts: Iterable[dict[str, Any]]) -> None:
    """Print blocks as alerts come."""
    colour = logs.chosen_format() == "pretty" and "NO_COLOR" not in os.environ
    for alert in alerts:
        click.echo(block(alert), nl=False, color=colour)


class Printer(HonchoPrinter):  # type: ignore[misc] # honcho has no types
    """Passes on what processes print: log lines as they come, an alert's lines together."""

    def __init__(self) -> None:
        super().__init__()
        self._block: list[bytes] = []

    def write(self, message: Message) -> None:
        """Print a message, unless it is honcho's own or a part of a block still to come."""
        if message.name == "system":
            return
        if message.name != BLOCKS:
            click.echo(message.data, err=True, nl=False, color=True)
            return
        self._block.append(message.data)
        if not message.data.strip():
            click.echo(b"".join(self._block), nl=False, color=True)
            self._block.clear()


def main() -> None:
    """Print the blocks of alerts after the stream id given, until told to stop."""
    logs.configure("warning")
    lifeline.stop_with_owner()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    daemon = runtime.start(
        Path(os.environ[runtime.CONFIG_VARIABLE]), Path(os.environ[runtime.DATA_VARIABLE])
    )
    following = daemon.store.alerts.follow(after=sys.argv[1], block=timedelta(seconds=5))
    show(alert for alert in following if alert)


if __name__ == "__main__":
    main()
