"""Commands for feeds: list, add, poll."""

from __future__ import annotations

import os
from datetime import UTC, datetime
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
    from monitor.config import Settings
    from monitor.model import Feed


@click.group()
def feeds() -> None:
    """Manage feeds."""


@feeds.command(
    name="list", epilog=examples("presswatch feeds list", "presswatch feeds list --json")
)
@options.config
@options.data
@options.as_json
def list_feeds(config_directory: Path, data: Path, as_json: bool) -> None:
    """List the feeds, with their health if a daemon is running."""
    from monitor.cli.status import feed_states
    from monitor.errors import NotRunning

    config = composition.read(config_directory)
    try:
        daemon = composition.Runtime(config_directory, config, composition.connect(data))
        states = {feed["id"]: feed for feed in feed_states(daemon)}
    except NotRunning:
        states = {}
    for feed in config.feeds:
        state = states.get(feed.id, {})
        if as_json:
            configured = {"id": feed.id, "url": feed.public_url, "name": feed.name}
            click.echo(terminal_json(configured | {"tags": list(feed.tags)} | state))
            continue
        health, tags = f"{state.get('health', '-'):<8}", ",".join(feed.tags)
        name = state.get("name") or feed.name or ""
        parts = map(printable, (feed.id, health, feed.public_url, name, tags))
        click.echo("  ".join(filter(None, parts)))


@feeds.command(
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

    A variable in URL, such as '${KEY}' in single quotes, is taken from the environment and written
    to the file as a variable.
    """
    import asyncio

    from monitor.config import load
    from monitor.config.additions import prepare_feed
    from monitor.config.argument import given_feed

    source = context.get_parameter_source("config_directory")
    given = source is not ParameterSource.DEFAULT or composition.users_config() is not None
    if not given or composition.is_bundled(config_directory):
        raise PresswatchError(
            "there is no ./config here, and the bundled configuration is never changed: write one "
            "of your own with `presswatch init`, or name one with --config"
        )
    feed, url_with_variables = given_feed(url, name, tags, os.environ)
    change = prepare_feed(config_directory, feed, os.environ, url_with_variables)
    if not force:
        settings = load(config_directory, os.environ).settings
        click.echo(printable(asyncio.run(_described(feed, settings))))
    click.echo(f"added to {change.write()}")


async def _described(feed: Feed, settings: Settings) -> str:
    """Polls a feed and describes what it holds; raises PresswatchError if it cannot be read."""
    from monitor.feeds.parse import parse
    from monitor.http.client import HttpClient
    from monitor.scheduler.poll import ACCEPT

    try:
        async with HttpClient.of(settings) as http:
            response = await http.get(
                feed.url,
                timeout_s=settings.poll.timeout.total_seconds(),
                max_bytes=settings.poll.max_size,
                accept=ACCEPT,
            )
        parsed = parse(
            response.body, url=response.url, headers=response.headers, now=datetime.now(UTC)
        )
    except (FetchError, FeedError) as error:
        raise PresswatchError(
            f"{feed.public_url} was not added: {feed.shown_text(str(error))}; "
            "--force adds it anyway"
        ) from error
    moments = [
        moment for entry in parsed.entries if (moment := entry.published_at or entry.updated_at)
    ]
    newest = f", the newest of {max(moments):%Y-%m-%d %H:%M} UTC" if moments else ""
    count = len(parsed.entries)
    title = parsed.title or "(no title)"
    return f"{title}: {count} entr{'y' if count == 1 else 'ies'}{newest}"


@feeds.command(epilog=examples("presswatch feeds poll https://example.org/rss"))
@click.argument("url")
@options.config
@options.data
@options.log_level
def poll(url: str, config_directory: Path, data: Path, log_level: str) -> None:  # noqa: ARG001
    """Poll a feed now, and queue its new and edited entries."""
    import asyncio

    from monitor.http.client import HttpClient
    from monitor.runtime.composition import start
    from monitor.scheduler.poll import Poller

    daemon = start(config_directory, data)
    feed = next((feed for feed in daemon.config.feeds if url in _names(feed)), None)
    if feed is None:
        raise PresswatchError(
            f"{without_userinfo(url)} is not a feed of this configuration; add it: "
            f"presswatch feeds add {without_userinfo(url)}"
        )
    settings = daemon.config.settings

    async def once() -> None:
        async with HttpClient.of(settings) as http:
            outcome = await Poller(daemon.store, daemon.queues, http, settings).poll(feed)
        if outcome.state.error:
            raise PresswatchError(f"{feed.public_url}: {outcome.state.error}")
        click.echo(f"{outcome.state.entries} entries, {outcome.new} new, {outcome.edited} edited")

    asyncio.run(once())


def _names(feed: Feed) -> set[str]:
    """Returns the names by which a person may refer to a feed."""
    return {feed.id, feed.url, feed.public_url}


COMMANDS = (feeds,)
