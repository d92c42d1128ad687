"""The command that suggests feeds from the catalogue of publishers: `feeds suggest`."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from monitor.catalogue import Publisher, publishers, sources
from monitor.cli import options
from monitor.cli.adding import own_config
from monitor.cli.exchange import Wanted, add_all
from monitor.cli.options import examples
from monitor.errors import FeedError, FetchError, PresswatchError
from monitor.untrusted import printable, terminal_json

if TYPE_CHECKING:
    from monitor.config import Settings

POLLS_AT_ONCE = 8


@click.command(
    epilog=examples(
        "presswatch feeds suggest",
        "presswatch feeds suggest --country BE --language fr",
        "presswatch feeds suggest --country BE --language fr --tag belgium --add",
    )
)
@click.option(
    "--country",
    "countries",
    multiple=True,
    help="A country, as a code of two letters such as BE; may be given several times.",
)
@click.option(
    "--language",
    "languages",
    multiple=True,
    help="A language, as a code such as fr; may be given several times.",
)
@click.option("--add", is_flag=True, help="Poll each, and add those that answer with a feed.")
@click.option("--tag", "tags", multiple=True, help="With --add, a tag for each; may be repeated.")
@options.config
@options.as_json
@click.pass_context
def suggest(
    context: click.Context,
    countries: tuple[str, ...],
    languages: tuple[str, ...],
    add: bool,
    tags: tuple[str, ...],
    config_directory: Path,
    as_json: bool,
) -> None:
    """Suggest feeds of publishers, from a catalogue made of public lists.

    Without a country and a language, prints the countries of the catalogue. The catalogue's
    addresses are untried: publishers move their feeds. `--add` polls each before it adds it.
    """
    if not countries and not languages:
        if add:
            raise click.UsageError("--add needs a --country or a --language")
        _show_countries()
        return
    chosen = _chosen(countries, languages)
    if add:
        own_config(context, config_directory)
        _add(context, chosen, tags, config_directory)
        return
    dates = {source.key: source.date.isoformat() for source in sources()}
    for each in chosen:
        if as_json:
            origin = {"source_date": dates[each.source], "tried": False}
            click.echo(terminal_json(asdict(each) | origin))
        else:
            click.echo(f"{each.country}  {each.language or '-':<2}  {each.name}  {each.url}")
    if not as_json:
        origins = ", ".join(
            f"{source.title} of {source.date}"
            for source in sources()
            if any(each.source == source.key for each in chosen)
        )
        click.echo(
            f"{len(chosen)} publisher{'' if len(chosen) == 1 else 's'}, untried, from {origins}; "
            "--add polls each and adds those that answer",
            err=True,
        )


def _show_countries() -> None:
    counts = Counter(each.country for each in publishers())
    for country, count in sorted(counts.items()):
        click.echo(f"{country}  {count} publisher{'' if count == 1 else 's'}")


def _chosen(countries: Sequence[str], languages: Sequence[str]) -> list[Publisher]:
    codes = {country.upper() for country in countries}
    spoken = {language.lower() for language in languages}
    known = list(publishers())
    if unknown := codes - {each.country for each in known}:
        raise PresswatchError(
            f"the catalogue has no publisher of {printable(', '.join(sorted(unknown)))}; "
            "`presswatch feeds suggest` lists its countries, as codes of two letters"
        )
    chosen = [
        each
        for each in known
        if (not codes or each.country in codes) and (not spoken or each.language in spoken)
    ]
    if not chosen:
        raise PresswatchError("the catalogue has no publisher of this language there")
    return chosen


def _add(
    context: click.Context, chosen: Sequence[Publisher], tags: tuple[str, ...], directory: Path
) -> None:
    """Polls the feeds that the configuration does not have, and adds those that answer."""
    import asyncio

    from monitor.config import load

    config = load(directory, os.environ)
    present = {feed.url for feed in config.feeds}
    new = [each for each in chosen if each.url not in present]
    problems = asyncio.run(_poll(new, config.settings))
    wanted = [
        Wanted(each.url, each.name if each.is_named else "", tags, problems.get(each.url, ""))
        for each in chosen
    ]
    add_all(context, wanted, directory, dry_run=False, were_polled=True)


async def _poll(chosen: Sequence[Publisher], settings: Settings) -> dict[str, str]:
    """Returns why each feed that cannot be used cannot be, by its address."""
    import asyncio

    from monitor.cli.probing import NotFeed, Prober
    from monitor.http.client import HttpClient

    slots = asyncio.Semaphore(POLLS_AT_ONCE)
    problems: dict[str, str] = {}
    async with HttpClient.of(settings) as http:
        prober = Prober(http, settings)

        async def poll(publisher: Publisher) -> None:
            try:
                async with slots:
                    found = await prober.probe(publisher.url)
            except (FetchError, FeedError, NotFeed) as error:
                problems[publisher.url] = str(error)
            else:
                if not found.entries:
                    problems[publisher.url] = "it lists nothing"

        await asyncio.gather(*map(poll, chosen))
    return problems
