"""Commands that need no daemon: check, clean."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from monitor.cli import options
from monitor.cli.options import examples
from monitor.errors import CleanError, ConfigError, FetchError
from monitor.untrusted import printable

if TYPE_CHECKING:
    from monitor.articles.clean import Page

STANDARD_INPUT = "-"
# The first fields of each object of `clean --json`.
FIRST_FIELDS = ("title", "text", "authors", "published_at", "language", "url")


@click.command(
    epilog=examples("presswatch check", "presswatch check --online", "presswatch check --schema")
)
@options.config
@click.option("--schema", is_flag=True, help="Print the JSON Schema of the files, for editors.")
@click.option(
    "--online", is_flag=True, help="Also poll each feed once, and send each subscriber a test."
)
@click.pass_context
def check(context: click.Context, config_directory: Path, schema: bool, online: bool) -> None:
    """Validate the configuration: print every fault, or how each query was read.

    Watchlists are tested with their must_match and must_not_match.
    """
    from monitor.config import json_schema, load

    if schema:
        click.echo(json.dumps(json_schema(), indent=2))
        return
    from monitor.watchlists.query import parse

    configuration = load(config_directory, os.environ, examples=True)
    for watchlist in configuration.watchlists:
        query = parse(watchlist.query, configuration.definitions)
        click.echo(f"{watchlist.name}: {query.reading}")
        for warning in query.warnings:
            click.echo(f"  warning: {warning}")
    counts = ", ".join(
        f"{len(part)} {name}"
        for name, part in (
            ("feeds", configuration.feeds),
            ("watchlists", configuration.watchlists),
            ("subscribers", configuration.subscribers),
        )
    )
    from monitor.cli.warnings import warnings

    for warning in warnings(configuration):
        click.echo(printable(f"warning: {warning}"))
    click.echo(f"{config_directory}: {counts}, no fault")
    if online:
        from monitor.cli.online import try_out

        failed = False
        for name, error, answer in try_out(config_directory, configuration):
            click.echo(printable(f"{name}: {error or answer}"))
            failed |= error is not None
        context.exit(int(failed))


@dataclass(frozen=True, slots=True)
class Source:
    """A file or URL named on the command line, with its cleaned page or the error."""

    name: str
    page: Page | None
    error: str | None


def sources(names: tuple[str, ...], config_directory: Path) -> Iterator[Source]:
    """Read files, URLs and standard input in order."""
    import asyncio

    from monitor.articles.clean import clean

    for name in names:
        try:
            if name.startswith(("http://", "https://")):
                page = asyncio.run(_page_at(name, config_directory))
            elif name == STANDARD_INPUT:
                content = sys.stdin.buffer.read()
                # A page announces itself; all else on standard input is text.
                markup = content.lstrip()[:1] == b"<"
                page = clean(content) if markup else _as_text(content)
            elif Path(name).suffix == ".txt":
                page = _as_text(Path(name).read_bytes())
            else:
                page = clean(Path(name).read_bytes())
        except (CleanError, FetchError) as error:
            yield Source(name, None, str(error))
        except OSError as error:
            yield Source(name, None, error.strerror or str(error))
        else:
            yield Source(name, page, None)


def _as_text(content: bytes) -> Page:
    from monitor.articles.clean import clean_text

    return clean_text(content.decode("utf-8", "replace"))


async def _page_at(url: str, config_directory: Path) -> Page:
    from monitor.config import Settings, load
    from monitor.http.client import HttpClient
    from workers.articles.fetch import fetch_page
    from workers.articles.read import clean_page

    try:
        settings = load(config_directory, os.environ).settings
    except ConfigError:
        # A page can be looked at before there is a configuration.
        settings = Settings()
    async with HttpClient.of(settings) as http:
        response = await fetch_page(http, url, settings)
    return clean_page(response, asked=url)


@click.command(
    name="clean",
    epilog=examples(
        "presswatch clean https://example.org/news/article", "presswatch clean --json saved.html"
    ),
)
@click.argument("names", metavar="FILE|URL…", nargs=-1, required=True)
@options.config
@options.as_json
@click.pass_context
def clean_command(
    context: click.Context, names: tuple[str, ...], config_directory: Path, as_json: bool
) -> None:
    """Show what Presswatch makes of pages."""
    from monitor.model import as_plain

    failed = False
    for source in sources(names, config_directory):
        failed |= source.page is None
        if as_json:
            fields = dict.fromkeys(FIRST_FIELDS) | {"error": source.error}
            known = as_plain(source.page) if source.page else {}
            click.echo(json.dumps(fields | known, ensure_ascii=False))
        elif source.page is None:
            click.echo(f"{source.name}: {source.error}", err=True)
        else:
            _show_page(source.page)
    context.exit(int(failed))


def _show_page(page: Page) -> None:
    click.secho(printable(page.title), bold=True)
    date = f"{page.published_at:%Y-%m-%d %H:%M %Z}" if page.published_at else None
    about = filter(None, (", ".join(page.authors), date, page.language, page.url))
    click.secho(printable(" · ".join(about)), dim=True)
    for paragraph in page.text.split("\n"):
        click.echo(f"\n{printable(paragraph)}")
    click.echo()


COMMANDS = (check, clean_command)
