"""Commands for what is kept from alerting: mutes list, matches, add, remove."""

from __future__ import annotations

import getpass
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from monitor.cli import options
from monitor.cli.options import examples
from monitor.errors import PresswatchError
from monitor.untrusted import printable, terminal_json

if TYPE_CHECKING:
    from collections.abc import Mapping

    from monitor.alerts.mutes import Mute, MuteKind
    from monitor.archive.muted import MutedCursor, MutedMatch


@click.group()
def mutes() -> None:
    """Keep a watchlist from alerting on a story or a source."""


@mutes.command(
    name="list", epilog=examples("presswatch mutes list", "presswatch mutes list --json")
)
@options.config
@options.data
@options.as_json
def list_mutes(config_directory: Path, data: Path, as_json: bool) -> None:
    """List what is muted, newest first."""
    from monitor.runtime.composition import look

    daemon = look(config_directory, data)
    for mute in daemon.store.mutes.all(datetime.now(UTC)):
        click.echo(_as_json(mute) if as_json else _line(mute, daemon.config.headings))


@mutes.command(
    epilog=examples(
        "presswatch mutes matches", "presswatch mutes matches --since 7d --watchlist grain"
    )
)
@click.option(
    "--since", type=options.Since(), help="Only the last 15m, 2h, 7d …, or since a moment."
)
@click.option("--watchlist", "watchlists", multiple=True, help="Only those of this watchlist.")
@options.config
@options.data
@options.as_json
def matches(
    since: datetime | None,
    watchlists: tuple[str, ...],
    config_directory: Path,
    data: Path,
    as_json: bool,
) -> None:
    """List muted matches, oldest first, also those of mutes that have ended."""
    from monitor.archive.database import read_archive
    from monitor.archive.history import known_watchlists
    from monitor.archive.muted import MutedFilter, muted_matches
    from monitor.cli.history import LATEST_ALERTS, refuse_unknown
    from monitor.runtime.composition import read_to_look

    config = read_to_look(config_directory)
    engine = read_archive(config.settings.archive.url, data)
    if watchlists:
        configured = (each.name for each in config.watchlists)
        refuse_unknown("watchlist", watchlists, {*configured, *known_watchlists(engine)})
    selection = MutedFilter(since=since, watchlists=watchlists)
    found: list[MutedMatch] = []
    older: MutedCursor | None = None
    while True:
        listed = muted_matches(engine, selection, after=older, limit=LATEST_ALERTS)
        found += listed.matches
        older = listed.older
        # With --since, all of them; without it, the latest ones.
        if since is None or older is None:
            break
    for each in reversed(found):
        click.echo(_match_as_json(each) if as_json else _match_line(each, config.headings))


@mutes.command(
    epilog=examples("presswatch mutes add 3f2a --days 7", "presswatch mutes add 3f2a --kind source")
)
@click.argument("alert_id", metavar="ID")
@click.option(
    "--kind",
    type=click.Choice(["story", "source"]),
    default="story",
    show_default=True,
    help="What of the alert to mute, for its watchlist.",
)
@click.option("--days", type=click.IntRange(1, 3650), help="Until then.  [default: for good]")
@options.config
@options.data
def add(
    alert_id: str, kind: MuteKind, days: int | None, config_directory: Path, data: Path
) -> None:
    """Mute the story or the source of an alert, named by the beginning of its id."""
    from monitor.alerts.mutes import mute_of
    from monitor.cli.history import known_alert
    from monitor.runtime.composition import archive, look

    daemon = look(config_directory, data)
    document = known_alert(archive(config_directory, data), alert_id)
    length = None if days is None else timedelta(days=days)
    try:
        mute = mute_of(document, kind, now=datetime.now(UTC), length=length, by=_user())
    except ValueError as error:
        raise PresswatchError(str(error)) from error
    daemon.store.mutes.add(mute)
    click.echo(_line(mute, daemon.config.headings))


@mutes.command(epilog=examples("presswatch mutes remove 9c41"))
@click.argument("mute_id", metavar="ID")
@options.config
@options.data
def remove(mute_id: str, config_directory: Path, data: Path) -> None:
    """End a mute, named by the beginning of its id."""
    from monitor.runtime.composition import look

    daemon = look(config_directory, data)
    store, headings = daemon.store.mutes, daemon.config.headings
    found = [mute for mute in store.all(datetime.now(UTC)) if mute.id.startswith(mute_id)]
    if len(found) != 1:
        problem = "several mutes have ids that begin with" if found else "no mute has the id"
        raise PresswatchError(f"{problem} {mute_id}; see `presswatch mutes list`")
    store.remove(found[0].id)
    heading = headings.get(found[0].watchlist, found[0].watchlist)
    click.echo(printable(f"{heading} alerts again on {found[0].title}"))


def _line(mute: Mute, headings: Mapping[str, str]) -> str:
    until = f"until {mute.until:%Y-%m-%dT%H:%M:%SZ}" if mute.until else "for good"
    heading = headings.get(mute.watchlist, mute.watchlist)
    by = f"by {mute.by}" if mute.by else ""
    parts = (mute.id[:8], heading, mute.kind, until, mute.title, by)
    return "  ".join(map(printable, filter(None, parts)))


def _as_json(mute: Mute) -> str:
    until = mute.until.isoformat() if mute.until else None
    shown = {"id": mute.id, **asdict(mute), "since": mute.since.isoformat(), "until": until}
    return terminal_json(shown)


def _match_line(match: MutedMatch, headings: Mapping[str, str]) -> str:
    from monitor.alerts.build import rfc3339

    article = match.article
    heading = headings.get(match.watchlist, match.watchlist)
    parts = (rfc3339(match.matched_at), heading, article.source, article.title, article.url)
    return "  ".join(map(printable, filter(None, parts)))


def _match_as_json(match: MutedMatch) -> str:
    from monitor.alerts.build import rfc3339

    article = match.article
    published_at = rfc3339(article.published_at) if article.published_at else None
    shown = {
        "watchlist": match.watchlist,
        "matched_at": rfc3339(match.matched_at),
        "story": match.story,
        "article": asdict(article)
        | {"published_at": published_at, "found_at": rfc3339(article.found_at)},
    }
    return terminal_json(shown)


def _user() -> str:
    """Returns the name of the user of the system, or nothing: a container may have none."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return ""


COMMANDS = (mutes,)
