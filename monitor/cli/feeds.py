"""Commands for feeds: list, remove, poll, and those of other modules."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from monitor.cli import adding, exchange, options, suggesting
from monitor.cli.options import examples
from monitor.errors import PresswatchError
from monitor.hiding import without_userinfo
from monitor.runtime import composition
from monitor.untrusted import printable, terminal_json

if TYPE_CHECKING:
    from monitor.config import Config
    from monitor.model import Feed


# What is said of a feed's hub; nothing of feeds that are polled alone.
_PUSHING = {"pushed": "pushed", "refused": "hub refuses", "broken": "hub pushes no more"}


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
    """List the feeds, with their state if a daemon is running.

    Each line has a feed's id and health, how long it waits until its next poll, how many entries it
    publishes a day, when it was last read, its address, its name and its tags, how many gaps were
    found, and whether a hub pushes it.
    """
    from monitor.cli.status import feed_states
    from monitor.errors import NotRunning

    config = composition.read(config_directory)
    try:
        daemon = composition.Runtime(config_directory, config, composition.connect(data))
        states = {feed["id"]: feed for feed in feed_states(daemon)}
    except NotRunning:
        states = {}
    now = datetime.now(UTC)
    for feed in config.feeds:
        state = states.get(feed.id, {})
        if as_json:
            configured = {"id": feed.id, "url": feed.public_url, "name": feed.name}
            click.echo(terminal_json(configured | {"tags": list(feed.tags)} | state))
            continue
        health = _health(state, now) if state else "-"
        name = state.get("name") or feed.name or ""
        count = state.get("gaps", {}).get("found", 0)
        gaps = f"{count} gap{'' if count == 1 else 's'}" if count else ""
        tags = ",".join(feed.tags)
        pushing = state.get("pushing", "none")
        push = _PUSHING.get(pushing, "")
        parts = map(printable, (feed.id, health, feed.public_url, name, tags, gaps, push))
        click.echo("  ".join(filter(None, parts)))


def _health(state: dict[str, Any], now: datetime) -> str:
    columns = (
        (state["health"], 8),
        (_rhythm(state), 8),
        (_pace(state), 9),
        (_last_success(state, now), 11),
    )
    return "  ".join(f"{value:<{width}}" for value, width in columns)


def _rhythm(state: dict[str, Any]) -> str:
    """Returns how long the feed's last pause was to be: after failures, longer than usual."""
    if not state["polled_at"] or not state["due_at"]:
        return "-"
    due, polled = map(datetime.fromisoformat, (state["due_at"], state["polled_at"]))
    return f"~{_short(due - polled)}"


def _pace(state: dict[str, Any]) -> str:
    a_day: float | None = state["entries_a_day"]
    if a_day is None:
        return "-"
    return f"{a_day:.0f} a day" if a_day >= 1 else "<1 a day"


def _last_success(state: dict[str, Any], now: datetime) -> str:
    if not state["succeeded_at"]:
        return "never"
    return f"{_short(now - datetime.fromisoformat(state['succeeded_at']))} ago"


def _short(span: timedelta) -> str:
    """Writes a span as settings do, in the largest unit of which it has two, such as 15m."""
    seconds = max(0, round(span.total_seconds()))
    for unit, length in (("d", 86_400), ("h", 3_600), ("m", 60)):
        if seconds >= 2 * length:
            return f"{round(seconds / length)}{unit}"
    return f"{seconds}s"


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
    feed = _configured(daemon.config, url)
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


def _configured(config: Config, url: str) -> Feed | None:
    """Returns the feed with this address, as it is written or as it is asked for, or this id."""
    return next(
        (feed for feed in config.feeds if url in {feed.id, feed.url, feed.public_url}), None
    )


@feeds.command(epilog=examples("presswatch feeds remove https://example.org/rss"))
@click.argument("url")
@options.config
@click.pass_context
def remove(context: click.Context, url: str, config_directory: Path) -> None:
    """Remove a feed from the configuration; a running daemon stops polling it within seconds.

    URL may also be the id that `feeds list` shows. Comments beside the feed are removed with it,
    those above it stay. A feed that a watchlist selects by its name, or by a tag that no other feed
    has, is not removed. Its articles and alerts are kept.
    """
    from monitor.config import load
    from monitor.config.additions import prepare_removal

    adding.own_config(context, config_directory)
    config = load(config_directory, os.environ)
    feed = _configured(config, url)
    if feed is None:
        raise PresswatchError(f"{without_userinfo(url)} is not a feed of this configuration")
    file = prepare_removal(config_directory, feed, os.environ).write()
    click.echo(f"{printable(feed.public_url)} was removed from {file}")
    if len(config.feeds) == 1:
        click.echo("it was the last feed: restart a running daemon, which else keeps polling it")


for command in (
    adding.add,
    adding.discover,
    exchange.import_feeds,
    exchange.export,
    suggesting.suggest,
):
    feeds.add_command(command)

COMMANDS = (feeds,)
