"""Commands that find feeds and add them: `feeds add`, `feeds discover`."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click
from click.core import ParameterSource

from monitor.cli import options
from monitor.cli.options import examples
from monitor.errors import FeedError, FetchError, PresswatchError
from monitor.hiding import without_userinfo
from monitor.runtime import composition
from monitor.untrusted import printable, terminal_json

if TYPE_CHECKING:
    from monitor.cli.probing import FoundFeed
    from monitor.config import Settings
    from monitor.feeds.discovery import Candidate
    from monitor.model import Feed


@click.command(
    epilog=examples(
        "presswatch feeds add https://example.org/rss --name Herald --tag defence --tag local",
        "presswatch feeds add 'https://example.org/rss?key=${NEWS_KEY}'",
    )
)
@click.argument("url")
@click.option("--name", help="Its name; by default, the title that the feed gives itself.")
@click.option("--tag", "tags", multiple=True, help="A tag; may be given several times.")
@click.option("--force", is_flag=True, help="Add it without polling it first.")
@options.config
@click.pass_context
def add(
    context: click.Context,
    url: str,
    name: str | None,
    tags: tuple[str, ...],
    force: bool,
    config_directory: Path,
) -> None:
    """Poll a feed and add it to the configuration; a running daemon picks it up within seconds.

    If URL is a page that names its feed, that feed is added; if it names several, choose one.

    A variable in URL, such as '${KEY}' in single quotes, is taken from the environment and written
    to the file as a variable.
    """
    from monitor.config import load
    from monitor.config.additions import prepare_feed
    from monitor.config.argument import given_feed

    own_config(context, config_directory)
    feed, url_with_variables = given_feed(url, name, tags, os.environ)
    # What is wrong with the address or the configuration is said before anybody waits.
    change = prepare_feed(config_directory, feed, os.environ, url_with_variables)
    if not force:
        settings = load(config_directory, os.environ).settings
        # A page must not choose what is fetched with a secret of ours.
        probed = _probed(feed, settings, follow=url_with_variables is None)
        if probed.url != feed.url:
            change = prepare_feed(config_directory, probed, os.environ)
    click.echo(f"added to {change.write()}")


def own_config(context: click.Context, directory: Path) -> None:
    """Raises PresswatchError unless the configuration is the user's, which may be changed."""
    source = context.get_parameter_source("config_directory")
    given = source is not ParameterSource.DEFAULT or composition.users_config() is not None
    if not given or composition.is_bundled(directory):
        raise PresswatchError(
            "there is no ./config here, and the bundled configuration is never changed: write one "
            "of your own with `presswatch init`, or name one with --config"
        )


def _probed(feed: Feed, settings: Settings, *, follow: bool) -> Feed:
    """Polls a feed, and says what it holds; returns the feed that a page led to instead, if any.

    Raises PresswatchError if it cannot be read, or is a page that names several feeds and nobody
    is there to choose one.
    """
    from monitor.cli.probing import NotFeed

    try:
        found = _probe(feed.url, settings)
    except NotFeed as page:
        if not follow:
            raise _not_added(feed, page) from page
        chosen = _choice(feed, page.candidates)
        click.echo(printable(f"{feed.public_url} is a page; its feed is {chosen}"))
        return _probed(replace(feed, url=chosen, public_url=""), settings, follow=False)
    except (FetchError, FeedError) as error:
        raise _not_added(feed, error) from error
    click.echo(printable(str(found)))
    return feed


def _not_added(feed: Feed, error: Exception) -> PresswatchError:
    return PresswatchError(
        f"{feed.public_url} was not added: {feed.shown_text(printable(str(error)))}; "
        f"`presswatch feeds discover` searches the site for feeds, and --force adds it anyway"
    )


def _choice(feed: Feed, candidates: Sequence[Candidate]) -> str:
    """Returns the address of the only candidate, or of the one that the user chooses."""
    if len(candidates) == 1:
        return candidates[0].url
    lines = [
        f"{number:>3}  {printable(f'{each.url}  {each.title}'.rstrip())}"
        for number, each in enumerate(candidates, 1)
    ]
    message = f"{feed.public_url} is a page that names {len(candidates)} feeds"
    if not sys.stdin.isatty():
        raise PresswatchError("\n".join([f"{message}; add one by its own address:", *lines]))
    click.echo("\n".join([f"{message}:", *lines]))
    number = click.prompt("Which one", type=click.IntRange(1, len(candidates)))
    return candidates[number - 1].url


def _probe(url: str, settings: Settings) -> FoundFeed:
    import asyncio

    from monitor.cli.probing import Prober
    from monitor.http.client import HttpClient

    async def probe() -> FoundFeed:
        async with HttpClient.of(settings) as http:
            return await Prober(http, settings).probe(url)

    return asyncio.run(probe())


@click.command(
    epilog=examples(
        "presswatch feeds discover herald.example",
        "presswatch feeds discover https://herald.example/world --json",
    )
)
@click.argument("site")
@options.config
@options.as_json
def discover(site: str, config_directory: Path, as_json: bool) -> None:
    """Search a site for feeds, and poll each once.

    Those that the page names come first, then those that it links to, or the usual addresses if
    there is none, and last the sitemaps, which serve as feeds of sites without any. Nothing is
    added. Exits with 1 if there is no feed.
    """
    import asyncio

    from monitor.cli.probing import Prober
    from monitor.http.client import HttpClient

    settings = composition.read(config_directory).settings
    address = site if "://" in site else f"https://{site}"

    async def search() -> list[FoundFeed]:
        async with HttpClient.of(settings) as http:
            return await Prober(http, settings).discover(address)

    try:
        found = asyncio.run(search())
    except FetchError as error:
        raise PresswatchError(printable(str(error))) from error
    if not found:
        raise PresswatchError(
            f"no feed was found on {without_userinfo(address)}; look in a browser for a page about "
            "RSS, or for the site's sitemap"
        )
    for each in found:
        if as_json:
            newest = each.newest.isoformat() if each.newest else None
            values = {"url": each.url, "title": each.title, "entries": each.entries}
            click.echo(terminal_json(values | {"newest": newest}))
        else:
            click.echo(printable(f"{each.url}  {each}"))
