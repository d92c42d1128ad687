"""Commands for what is kept from alerting: mutes list, add, remove."""

from __future__ import annotations

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
    from monitor.alerts.mutes import Mute, MuteKind


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

    for mute in look(config_directory, data).store.mutes.all(datetime.now(UTC)):
        click.echo(_as_json(mute) if as_json else _line(mute))


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
        mute = mute_of(document, kind, now=datetime.now(UTC), length=length)
    except ValueError as error:
        raise PresswatchError(str(error)) from error
    daemon.store.mutes.add(mute)
    click.echo(_line(mute))


@mutes.command(epilog=examples("presswatch mutes remove 9c41"))
@click.argument("mute_id", metavar="ID")
@options.config
@options.data
def remove(mute_id: str, config_directory: Path, data: Path) -> None:
    """End a mute, named by the beginning of its id."""
    from monitor.runtime.composition import look

    store = look(config_directory, data).store.mutes
    found = [mute for mute in store.all(datetime.now(UTC)) if mute.id.startswith(mute_id)]
    if len(found) != 1:
        problem = "several mutes have ids that begin with" if found else "no mute has the id"
        raise PresswatchError(f"{problem} {mute_id}; see `presswatch mutes list`")
    store.remove(found[0].id)
    click.echo(f"{found[0].watchlist} alerts again on {printable(found[0].title)}")


def _line(mute: Mute) -> str:
    until = f"until {mute.until:%Y-%m-%dT%H:%M:%SZ}" if mute.until else "for good"
    return "  ".join((mute.id[:8], mute.watchlist, mute.kind, until, printable(mute.title)))


def _as_json(mute: Mute) -> str:
    until = mute.until.isoformat() if mute.until else None
    shown = {"id": mute.id, **asdict(mute), "since": mute.since.isoformat(), "until": until}
    return terminal_json(shown)


COMMANDS = (mutes,)
