"""Commands about watchlists."""

from __future__ import annotations

import sys

import click

from monitor.cli.options import examples
from monitor.watchlists.dialects import DIALECTS, Dialect


@click.group()
def watchlists() -> None:
    """Manage watchlists."""


@watchlists.command(
    name="convert",
    epilog=examples(
        "presswatch watchlists convert --from lexis 'nato w/5 russia and not sport!'",
        "presswatch watchlists convert --from meltwater - < queries.txt",
    ),
)
@click.argument("query")
@click.option(
    "--from",
    "dialect",
    type=click.Choice(DIALECTS),
    required=True,
    help="The service that the query was written for.",
)
def convert_command(query: str, dialect: Dialect) -> None:
    """Rewrite another service's query as one of ours; `-` reads standard input, one per line."""
    from monitor.watchlists.convert import convert
    from monitor.watchlists.query import parse

    for line in sys.stdin.read().splitlines() if query == "-" else [query]:
        if not line.strip():
            continue
        converted = convert(line, dialect)
        click.echo(converted.query)
        for warning in (*converted.warnings, *parse(converted.query).warnings):
            click.echo(f"warning: {warning}", err=True)


COMMANDS = (watchlists,)
