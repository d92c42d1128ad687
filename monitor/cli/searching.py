"""Shows a search of the archive: what it finds at once, how far it is, and totals at the end."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Self

import click

from monitor.untrusted import printable

if TYPE_CHECKING:
    from monitor.archive.search import Search, Totals
    from monitor.model import Article, Match

# Shows an article by its name, with the match or the error, and when it was found.
Report = Callable[[str, "Article | None", "Match | None", "str | None", "datetime | None"], None]

BAR_WIDTH = 30
# More days are counted by month, and only the most frequent sources are listed.
MOST_DAYS = 31
MOST_SOURCES = 10


def show_search(search: Search, since: datetime, report: Report, *, with_totals: bool) -> None:
    """Runs a search and shows it; the bar goes to standard error, if that is a terminal."""
    shown = 0
    with ProgressBar() as bar:
        for batch in search:
            if batch:
                bar.clear()
            for found in batch:
                report(found.article.url, found.article, found.match, None, found.found_at)
            shown += len(batch)
            bar.draw(search.examined, search.candidates)
    if with_totals:
        _show_totals(search.totals, since, shown)


class ProgressBar:
    """A progress bar; `click` has one, but lines cannot be written while it is there."""

    def __init__(self) -> None:
        self._is_seen = sys.stderr.isatty()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.clear()

    def draw(self, done: int, total: int) -> None:
        """Draws how many of all are done."""
        if self._is_seen and total:
            filled = BAR_WIDTH * done // total
            bar = "#" * filled + "-" * (BAR_WIDTH - filled)
            click.echo(f"\r[{bar}] {done:,} of {total:,}\x1b[K", err=True, nl=False)

    def clear(self) -> None:
        """Removes the bar, so that lines can be written."""
        if self._is_seen:
            click.echo("\r\x1b[K", err=True, nl=False)


def _show_totals(totals: Totals, since: datetime, shown: int) -> None:
    noun = "article" if totals.articles == 1 else "articles"
    click.secho(f"{totals.articles:,} {noun} since {since:%-d %B %Y, %H:%M} UTC", bold=True)
    if not totals.articles:
        return
    if shown < totals.articles:
        click.echo(f"  the newest {shown:,} are shown; --json prints all")
    click.echo(f"  sources: {printable(_listed(totals.by_source))}")
    languages = Counter({code or "unknown": n for code, n in totals.by_language.items()})
    click.echo(f"  languages: {printable(_listed(languages))}")
    by_date = Counter({f"{day}": count for day, count in totals.by_day.items()})
    if len(by_date) > MOST_DAYS:
        by_date = Counter()
        for day, count in totals.by_day.items():
            by_date[f"{day:%Y-%m}"] += count
    for date, count in sorted(by_date.items()):
        click.echo(f"  {date} {count:8,}")


def _listed(counts: Counter[str]) -> str:
    listed = [f"{name} {count:,}" for name, count in counts.most_common(MOST_SOURCES)]
    others = len(counts) - len(listed)
    return ", ".join(listed) + (f", and {others} more" if others else "")
