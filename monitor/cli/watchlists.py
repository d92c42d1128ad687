"""Commands about watchlists."""

from __future__ import annotations

import sys

import click

from monitor.watchlists.convert import DIALECTS, Dialect, convert
from monitor.watchlists.query import parse


@click.group()
def watchlists() -> None:
    """Look after watchlists."""


@watchlists.command(name="convert")
@click.argument("query")
@click.option(
    "--from",
    "dialect",
    type=click.Choice(DIALECTS),
    required=True,
    help="The service in whose spelling the query is.",
)
def convert_command(query: str, dialect: Dialect) -> None:
    """Rewrite a query of another service in our spelling; `-` reads standard input, one a line."""
    for line in sys.stdin.read().splitlines() if query == "-" else [query]:
        if not line.strip():
            continue
        converted = convert(line, dialect)
        click.echo(converted.query)
        for warning in (*converted.warnings, *parse(converted.query).warnings):
            click.echo(f"warning: {warning}", err=True)


COMMANDS = (watchlists,)
