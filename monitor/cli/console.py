"""Alerts on a terminal: a readable block for `run` and `demo`, one line for `tail`."""

from __future__ import annotations

import shutil
import sys
import threading
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import click

from monitor.alerts.build import reservation
from monitor.alerts.document import NO_HEADINGS, clock, watchlist_heading, whole
from monitor.runtime import logs
from monitor.untrusted import printable

if TYPE_CHECKING:
    from monitor.store import AlertStore

# Most terminals have as many columns, and longer lines are tiring to read.
MAX_WIDTH = 80
INDENT = "  "
PRIORITY_STYLES: dict[str, dict[str, Any]] = {
    "high": {"fg": "red", "bold": True},
    "normal": {"fg": "yellow", "bold": True},
    "low": {"fg": "blue", "bold": True},
}
# Of a million alerts, seldom more than two begin with the same ten digits.
SHOWN_ID_LENGTH = 10
# The console notices within this time that nothing more will come.
BLOCK = timedelta(seconds=1)


def terminal_width() -> int:
    """Returns how many columns a block may take: those of the terminal, at most `MAX_WIDTH`."""
    if not sys.stdout.isatty():
        return MAX_WIDTH
    return min(MAX_WIDTH, shutil.get_terminal_size((MAX_WIDTH, 24)).columns)


def block(document: dict[str, Any], width: int = MAX_WIDTH) -> str:
    """Returns an alert as a block of lines of at most `width` columns, with styles.

    `click.echo` drops the styles when the output is not a terminal. A word that is longer than a
    line, such as an address, is not broken.
    """
    alert = whole(document)
    article = alert["article"]
    when = clock(article["published_at"] or alert["detected_at"], "%-d %B %Y, %H:%M", None)
    head = printable(f"── {watchlist_heading(alert)} · {alert['priority']} ")
    about = filter(None, [article["source"], when, reservation(article)])
    lines = [
        click.style(head + "─" * (width - _columns(head)), **PRIORITY_STYLES[alert["priority"]]),
        click.style(printable(article["title"]) or "(no title)", bold=True),
        click.style(printable(" · ".join(about)), dim=True),
        *(line for snippet in alert["snippets"] for line in _snippet_lines(snippet)),
    ]
    if article["url"]:
        lines.append(click.style(printable(article["url"]), fg="cyan"))
    return "\n".join(wrapped(line, width) for line in lines) + "\n\n"


def _snippet_lines(snippet: dict[str, Any]) -> Iterator[str]:
    yield f"{INDENT}{highlighted(snippet)}"
    if url := printable(snippet.get("url", "")):
        yield f"{INDENT}{click.style(url, fg='cyan')}"


def wrapped(styled: str, width: int) -> str:
    """Breaks a line with styles at spaces, so that each part fits; the parts keep its indent.

    Escape sequences take no columns. They hold no spaces, so none is broken.
    """
    words = styled.lstrip(" ").split(" ")
    indent = " " * (len(styled) - len(styled.lstrip(" ")))
    lines, line, used = [], indent + words[0], len(indent) + _columns(words[0])
    for word in words[1:]:
        columns = _columns(word)
        if used + 1 + columns <= width:
            line, used = f"{line} {word}", used + 1 + columns
        else:
            lines.append(line)
            line, used = indent + word, len(indent) + columns
    return "\n".join([*lines, line])


def _columns(styled: str) -> int:
    """Returns how many columns of a terminal a text takes; East Asian characters take two."""
    text = click.unstyle(styled)
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.category(char) in {"Mn", "Me", "Cf"}
        else 2 if unicodedata.east_asian_width(char) in {"W", "F"}
        else 1
        for char in text
    )  # fmt: skip


def highlighted(snippet: dict[str, Any]) -> str:
    """Returns a snippet in which the matched words have a style of their own."""
    text, done, pieces = snippet["text"], 0, []
    for start, end in snippet["highlights"]:
        pieces.append(printable(text[done:start]))
        pieces.append(click.style(printable(text[start:end]), fg="green", bold=True))
        done = end
    return "".join([*pieces, printable(text[done:])])


def line(document: dict[str, Any], headings: Mapping[str, str] = NO_HEADINGS) -> str:
    """Returns an alert as one line, with so much of its id that `alerts show` finds it.

    `headings` has the titles of watchlists by name, for alerts that have no title of their own.
    """
    alert = whole(document)
    article = alert["article"]
    later = "(found later)" if alert.get("later") is True else ""
    shown_id = alert["id"][:SHOWN_ID_LENGTH]
    parts = (
        alert["detected_at"],
        shown_id,
        watchlist_heading(alert, headings),
        article["title"],
        article["url"],
        later,
    )
    return "  ".join(map(printable, filter(None, parts)))


def show(alerts: Iterable[dict[str, Any]]) -> None:
    """Prints each alert as a block when it arrives."""
    colour = logs.chosen_format() == "pretty" and not logs.no_color()
    for alert in alerts:
        click.echo(block(alert, terminal_width()), nl=False, color=colour)


class Console:
    """Shows a daemon's alerts as they are published, starting after a stream id."""

    def __init__(self, alerts: AlertStore, after: str) -> None:
        self._alerts = alerts.follow(after=after, block=BLOCK)

    def __call__(self, quiet: threading.Event) -> None:
        """Prints blocks until `quiet` is set; a further call goes on after the last alert."""
        show(self._until(quiet))

    def _until(self, quiet: threading.Event) -> Iterator[dict[str, Any]]:
        for alert in self._alerts:
            if alert:
                yield alert
            elif quiet.is_set():
                return
