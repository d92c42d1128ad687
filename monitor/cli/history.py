"""Commands that ask the running daemon: status, tail, alerts."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import click

from monitor.cli import options
from monitor.cli.console import line, printable


@click.command()
@options.config
@options.data
@options.as_json
def status(config_directory: Path, data: Path, as_json: bool) -> None:
    """Show feeds by health, queues, workers, last alerts, and what failed."""
    from monitor.runtime import start
    from monitor.status import collect

    found = collect(start(config_directory, data))
    click.echo(json.dumps(found, ensure_ascii=False, indent=2) if as_json else _as_text(found))


def _as_text(found: dict[str, Any]) -> str:
    by_health = Counter(feed["health"] for feed in found["feeds"])
    health = ", ".join(f"{count} {name}" for name, count in sorted(by_health.items())) or "none"
    lines = [
        f"scheduler  {'leads' if found['scheduler'] else 'none leads'}",
        f"workers    {found['workers']}",
        f"feeds      {health}",
    ]
    lines += [
        f"           {printable(feed['name'] or feed['url'])}: {printable(feed['error'])}"
        f" ({feed['failures']}× in a row)"
        for feed in found["feeds"]
        if feed["error"]
    ]
    for name, depth in found["queues"].items():
        counts = ", ".join(f"{count} {what}" for what, count in depth.items())
        lines.append(f"{name:<10} {counts}")
    lines.append(f"kept       {found['articles']} articles, {found['alerts']} alerts")
    lines += [f"alert      {line(alert)}" for alert in found["last_alerts"]]
    lines += [f"failed     {job['id']}: {printable(job['error'])}" for job in found["failed"]]
    return "\n".join(lines)


@click.command()
@click.argument("watchlists", nargs=-1)
@options.config
@options.data
@options.as_json
def tail(watchlists: tuple[str, ...], config_directory: Path, data: Path, as_json: bool) -> None:
    """Print alerts as they happen, one a line, until Ctrl-C."""
    from monitor.runtime import start

    alerts = start(config_directory, data).store.alerts
    for alert in alerts.follow(after=alerts.last_id(), block=timedelta(seconds=5)):
        if alert and (not watchlists or alert["watchlist"] in watchlists):
            click.echo(json.dumps(alert, ensure_ascii=False) if as_json else line(alert))


@click.group()
def alerts() -> None:
    """Look at past alerts."""


@alerts.command(name="list")
@click.option("--since", type=options.Duration(), help="Only those of the last 90s, 15m, 2h, 7d …")
@click.option("--watchlist", "watchlists", multiple=True, help="Only those of this watchlist.")
@options.config
@options.data
@options.as_json
def list_alerts(
    since: timedelta | None,
    watchlists: tuple[str, ...],
    config_directory: Path,
    data: Path,
    as_json: bool,
) -> None:
    """List alerts, oldest first."""
    from monitor.runtime import start

    moment = datetime.now(UTC) - since if since else None
    found = start(config_directory, data).store.alerts.latest(since=moment, watchlists=watchlists)
    for alert in reversed(found):
        click.echo(json.dumps(alert, ensure_ascii=False) if as_json else line(alert))


COMMANDS = (status, tail, alerts)
