"""Commands about feeds: list, add, poll."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path

import click

from monitor.cli import options
from monitor.cli.console import printable
from monitor.config import add_feed, load
from monitor.errors import PresswatchError
from monitor.model import Feed


@click.group()
def feeds() -> None:
    """Look after feeds."""


@feeds.command(name="list")
@options.config
@options.data
@options.as_json
def list_feeds(config_directory: Path, data: Path, as_json: bool) -> None:
    """List the feeds, with their health where a daemon runs."""
    from monitor.errors import NotRunning
    from monitor.runtime import start
    from monitor.status import collect

    try:
        known = {feed["url"]: feed for feed in collect(start(config_directory, data))["feeds"]}
    except NotRunning:
        known = {}
    for feed in load(config_directory, os.environ).feeds:
        found = known.get(feed.url, {})
        if as_json:
            own = {"id": feed.id, "url": feed.url, "name": feed.name, "tags": list(feed.tags)}
            click.echo(json.dumps(own | found, ensure_ascii=False))
            continue
        name = printable(found.get("name") or feed.name or "")
        parts = (feed.id, f"{found.get('health', '-'):<8}", feed.url, name, ",".join(feed.tags))
        click.echo("  ".join(filter(None, parts)))


@feeds.command()
@click.argument("url")
@click.option("--name", help="Its name; the feed's own title otherwise.")
@click.option("--tag", "tags", multiple=True, help="A tag; may be given several times.")
@options.config
def add(url: str, name: str | None, tags: tuple[str, ...], config_directory: Path) -> None:
    """Add a feed to the configuration; a running daemon takes it up within seconds."""
    file = add_feed(config_directory, Feed(url, name, tags), os.environ)
    click.echo(f"added to {file}")


@feeds.command()
@click.argument("url")
@options.config
@options.data
@options.log_level
def poll(url: str, config_directory: Path, data: Path, log_level: str) -> None:  # noqa: ARG001
    """Poll a feed now, and queue what is new."""
    from monitor.feeds.poll import Poller
    from monitor.http import HttpClient
    from monitor.runtime import start

    daemon = start(config_directory, data)
    feed = next((feed for feed in daemon.config.feeds if url in {feed.url, feed.id}), None)
    if feed is None:
        raise PresswatchError(
            f"{url} is no feed of this configuration; add it: presswatch feeds add {url}"
        )
    settings = daemon.config.settings

    async def once() -> None:
        async with HttpClient.of(settings) as http:
            outcome = await Poller(daemon.store, daemon.queues, http, settings).poll(feed)
        if outcome.state.error:
            raise PresswatchError(f"{url}: {outcome.state.error}")
        click.echo(f"{outcome.state.entries} entries, {outcome.new} new, {outcome.edited} edited")

    asyncio.run(once())


COMMANDS = (feeds,)
