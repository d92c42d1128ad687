"""The command `try`: runs a query over files, URLs, or the archive."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from monitor.cli import options
from monitor.cli.options import examples
from monitor.cli.pages import sources
from monitor.errors import ConfigError
from monitor.untrusted import printable

if TYPE_CHECKING:
    from monitor.articles.clean import Page
    from monitor.cli.searching import Report
    from monitor.model import Article, Match
    from monitor.watchlists.explain import Part
    from monitor.watchlists.matcher import Matcher
    from monitor.watchlists.query import Query

# The name of the watchlist that holds the query.
TRIED_WATCHLIST = "query"
# More articles than these are read as `--json`, by programs.
MOST_SHOWN = 1_000


@click.command(
    name="try",
    epilog=examples(
        "presswatch try 'Grushko NEAR/20 NATO' --since 30d",
        "presswatch try 'grain AND (Odesa OR Odessa)' saved.html --explain",
        "presswatch try 'harbour*' --lang en --json",
    ),
)
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
    from monitor.alerts.build import evidence_of, termed

    return {
        "file": name,
        "title": article.title if article else None,
        "matched": match is not None,
        "matches": termed(match) if match else [],
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


COMMANDS = (try_command,)
