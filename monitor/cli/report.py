"""The command `report`: what watchlists matched in a period, as a summary or as files."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import click

from monitor.cli import options
from monitor.cli.options import examples
from monitor.errors import PresswatchError
from monitor.untrusted import printable

if TYPE_CHECKING:
    from monitor.archive.database import Archive
    from monitor.config import Config
    from monitor.reports.figures import Figures
    from monitor.reports.periods import Period

# Nobody reads a longer list of names in a message.
MOST_NAMED = 20
TIMEZONE = "UTC"
STANDARD_OUTPUT = Path("-")

_FILE = click.Path(path_type=Path, dir_okay=False, allow_dash=True)


@click.command(
    epilog=examples(
        "presswatch report",
        "presswatch report --since 30d --html report.html --xlsx report.xlsx",
        "presswatch report --watchlist nato-russia --csv -",
    )
)
@click.option(
    "--since", type=options.Since(), default="7d", show_default=True,
    help="The beginning of the period: so long ago, or a moment.",
)  # fmt: skip
@click.option(
    "--until", type=options.Since(), default="0s", show_default="now",
    help="The end of the period: so long ago, or a moment.",
)  # fmt: skip
@click.option(
    "--watchlist", "chosen", metavar="NAME", multiple=True,
    help="Only this watchlist; may be repeated.",
)  # fmt: skip
@click.option("--html", type=_FILE, help="Write the report as one HTML file.")
@click.option("--csv", type=_FILE, help="Write all matches as CSV; - is standard output.")
@click.option("--jsonl", type=_FILE, help="Write all matches as JSON, one a line.")
@click.option("--xlsx", type=_FILE, help="Write figures, charts and all matches as a workbook.")
@options.config
@options.data
def report(
    since: datetime,
    until: datetime,
    chosen: tuple[str, ...],
    html: Path | None,
    csv: Path | None,
    jsonl: Path | None,
    xlsx: Path | None,
    config_directory: Path,
    data: Path,
) -> None:
    """Report what watchlists matched in a period, compared with the period before.

    Prints a summary, or writes the files that are named. Times are in UTC; the daemon need not run.
    """
    from monitor.archive.report import read_figures
    from monitor.archive.report_matches import read_matches
    from monitor.runtime.composition import archive, read

    period = _period(since, until)
    engine = archive(config_directory, data)
    config = read(config_directory)
    watchlists = _watchlists(config, engine, chosen)
    # Rows are read again for each file: no memory holds a year of them.
    if csv:
        from monitor.reports.tables import write_csv

        with _file(csv) as file:
            write_csv(read_matches(engine, period, watchlists), file)
    if jsonl:
        from monitor.reports.tables import write_jsonl

        with _file(jsonl) as file:
            write_jsonl(read_matches(engine, period, watchlists), file)
    if (csv or jsonl) and not (html or xlsx):
        return
    figures = read_figures(engine, period, watchlists).titled(config.headings)
    if not (html or xlsx):
        _print_summary(figures)
    if html:
        from monitor.reports.document import render_html

        with _file(html) as file:
            file.write(render_html(figures, TIMEZONE).encode())
    if xlsx:
        from monitor.reports.workbook import write_workbook

        with _file(xlsx) as file:
            write_workbook(figures, read_matches(engine, period, watchlists), file, TIMEZONE)


def _period(since: datetime, until: datetime) -> Period:
    from monitor.reports.periods import Period

    period = Period(since, until)
    if since >= until:
        raise click.UsageError("--since must be before --until")
    try:
        _ = period.before
    except OverflowError:
        raise click.UsageError("--since is too long ago to compare with the time before") from None
    return period


def _watchlists(config: Config, engine: Archive, chosen: tuple[str, ...]) -> list[str]:
    """Returns the watchlists of a report; raises click.UsageError if one is not known.

    Without a choice, those of the configuration, and those that it had earlier. What a watchlist
    that is no longer configured has matched is still there.
    """
    from monitor.archive.report import covered_watchlists

    known = {watchlist.name for watchlist in config.watchlists}
    known |= set(covered_watchlists(engine))
    unknown = sorted(set(chosen) - known)
    if unknown:
        names = sorted(known)[:MOST_NAMED]
        more = f" and {len(known) - len(names)} more" if len(known) > len(names) else ""
        raise click.UsageError(
            printable(
                f"no watchlist is called {unknown[0]}; there are: {', '.join(names)}{more}"
                if names
                else f"no watchlist is called {unknown[0]}, and there are none"
            )
        )
    return sorted(set(chosen) or known)


@contextmanager
def _file(path: Path) -> Iterator[BinaryIO]:
    """Yields a file that has its name when it is complete; a file of that name is replaced."""
    if path == STANDARD_OUTPUT:
        yield sys.stdout.buffer
        return
    part = path.with_name(f"{path.name}.part")
    try:
        with part.open("wb") as file:
            yield file
        part.replace(path)
    except OSError as error:
        raise PresswatchError(f"cannot write {path}: {error.strerror}") from error
    finally:
        part.unlink(missing_ok=True)


def _print_summary(figures: Figures) -> None:
    from monitor.reports.summary import summarise

    for number, part in enumerate(summarise(figures, TIMEZONE)):
        if number:
            click.echo()
        click.secho(printable(part.heading), bold=True)
        for line in part.lines:
            click.echo(f"  {printable(line)}")


COMMANDS = (report,)
