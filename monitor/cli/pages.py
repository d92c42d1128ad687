"""Commands that need no daemon: check, clean, try."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from monitor.cli import options
from monitor.errors import CleanError, ConfigError, FetchError
from monitor.untrusted import printable

if TYPE_CHECKING:
    from monitor.articles.clean import Page
    from monitor.cli.searching import Report
    from monitor.model import Article, Match, Term
    from monitor.watchlists.explain import Part
    from monitor.watchlists.matcher import Matcher
    from monitor.watchlists.query import Query

# The name of the watchlist that holds the query of `try`.
TRIED_WATCHLIST = "query"
STANDARD_INPUT = "-"
# More articles than these are read as `--json`, by programs.
MOST_SHOWN = 1_000
# The first fields of each object of `clean --json`.
FIRST_FIELDS = ("title", "text", "authors", "published_at", "language", "url")


@click.command()
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
    return clean_page(response)


@click.command(name="clean")
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


@click.command(name="try")
@click.argument("query")
@click.argument("names", metavar="[FILE|URL|-]…", nargs=-1)
@click.option(
    "--since", type=options.Since(), default="7d", show_default=True,
    help="Without files: search the articles found since then.",
)  # fmt: skip
@click.option("--source", "feeds", metavar="NAME", multiple=True, help="Only of this feed.")
@click.option("--lang", "languages", metavar="CODE", multiple=True, help="Only in this language.")
@options.config
@options.data
@click.option(
    "--explain",
    "explains",
    is_flag=True,
    help="Show how the query was read and which parts of it each article satisfies.",
)
@options.as_json
@click.pass_context
def try_command(
    context: click.Context,
    query: str,
    names: tuple[str, ...],
    since: datetime,
    feeds: tuple[str, ...],
    languages: tuple[str, ...],
    config_directory: Path,
    data: Path,
    explains: bool,
    as_json: bool,
) -> None:
    """Run a query over files, URLs, or the archive, and show what matches.

    Pages and text files are cleaned first. Articles of the archive are shown newest first, then
    totals; the daemon need not run. The exit code is 0 if one matched, 1 if none did, and 2 for a
    broken query.
    """
    from monitor.model import Watchlist
    from monitor.watchlists.matcher import Matcher
    from monitor.watchlists.query import parse

    if names and (feeds or languages):
        raise click.UsageError("--source and --lang are for the archive: leave the files out")
    definitions = _definitions(config_directory)
    parsed = parse(query, definitions)
    for warning in parsed.warnings:
        click.echo(f"warning: {warning}", err=True)
    if explains and not as_json:
        click.echo(f"read as: {parsed.reading}")
    matcher = Matcher([Watchlist(TRIED_WATCHLIST, query)], definitions)
    report = _reporter(matcher, parsed, explains=explains, as_json=as_json)
    if not names:
        from monitor.archive.search import Search
        from monitor.cli.searching import show_search
        from monitor.runtime.composition import archive

        search = Search(
            archive(config_directory, data), query, definitions, since=since, sources=feeds,
            languages=languages, limit=None if as_json else MOST_SHOWN,
        )  # fmt: skip
        show_search(search, since, report, with_totals=not as_json)
        context.exit(int(not search.totals.articles))
    matched = False
    for source in sources(names, config_directory):
        article = _article(source.page) if source.page else None
        match = next(iter(matcher.match(article)), None) if article else None
        matched |= match is not None
        report(source.name, article, match, source.error, None)
    context.exit(int(not matched))


def _reporter(matcher: Matcher, parsed: Query, *, explains: bool, as_json: bool) -> Report:
    """Returns a function that shows what came of an article."""

    def report(
        name: str,
        article: Article | None,
        match: Match | None,
        error: str | None,
        found_at: datetime | None,
    ) -> None:
        parts = matcher.explain(TRIED_WATCHLIST, article) if explains and article else []
        if not as_json:
            _show(name, article, match, error, parts, found_at)
            return
        result = _as_object(name, article, match, error)
        if found_at is not None and article is not None:
            result |= {"source": article.source, "found_at": found_at.isoformat()}
        if explains:
            result |= {"reading": parsed.reading, "parts": [asdict(part) for part in parts]}
        click.echo(json.dumps(result, ensure_ascii=False))

    return report


def _show(
    name: str,
    article: Article | None,
    match: Match | None,
    error: str | None,
    parts: list[Part],
    found_at: datetime | None,
) -> None:
    if article is None:
        click.echo(f"{name}: {error}", err=True)
    elif match is not None:
        _show_match(name, article, match)
        if found_at is not None:
            about = f"  {article.source} · found {found_at:%-d %B %Y, %H:%M} UTC"
            click.secho(printable(about), dim=True)
    elif parts:
        click.echo(f"{name}: no match")
    for part in parts:
        click.echo(f"  {printable(str(part))}")


def _definitions(config_directory: Path) -> Mapping[str, str]:
    """Returns the definitions, or none if there is no configuration or a broken one."""
    from monitor.config import load

    try:
        return load(config_directory, os.environ).definitions
    except ConfigError:
        return {}


def _article(page: Page) -> Article:
    from monitor.model import Article

    return Article(
        id="", url=page.url or "", title=page.title, text=page.text, source="", feed_url="",
        authors=page.authors, published_at=page.published_at, language=page.language,
    )  # fmt: skip


def _as_object(
    name: str, article: Article | None, match: Match | None, error: str | None
) -> dict[str, Any]:
    from monitor.alerts.build import evidence_of

    terms: tuple[Term, ...] = match.terms if match else ()
    return {
        "file": name,
        "title": article.title if article else None,
        "matched": match is not None,
        "matches": [
            {"term": term.term, "field": term.field, "count": len(term.spans)} for term in terms
        ],
        "snippets": evidence_of(article, match) if article and match else [],
        "error": error,
    }


def _show_match(name: str, article: Article, match: Match) -> None:
    from monitor.alerts.build import evidence_of
    from monitor.cli.console import highlighted

    click.secho(name, fg="magenta", bold=True, nl=False)
    click.echo(f": {printable(article.title)}" if article.title else "")
    for term in match.terms:
        click.echo(f"  {term.term} in {term.field}, {len(term.spans)}×")
    for snippet in evidence_of(article, match):
        click.echo(f"  {highlighted(snippet)}")


COMMANDS = (check, clean_command, try_command)
