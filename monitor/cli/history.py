"""Commands that show what a running daemon has done: status, tail, alerts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from monitor.cli import options
from monitor.cli.options import examples
from monitor.errors import PresswatchError
from monitor.runtime import logs
from monitor.untrusted import printable, terminal_json

if TYPE_CHECKING:
    from monitor.archive.database import Archive

# Up to this many feeds with the same error are listed one by one; more share a line.
MAX_ALIKE = 3
# `alerts list` shows so many unless told otherwise.
LATEST_ALERTS = 100
# `tail` wakes up this often while no alert arrives.
BLOCK = timedelta(seconds=5)


@click.command(
    epilog=examples("presswatch status", "presswatch status --json", "presswatch status --alive")
)
@options.config
@options.data
@options.as_json
@click.option("--alive", is_flag=True, help="Only look whether a scheduler and a worker live.")
def status(config_directory: Path, data: Path, as_json: bool, alive: bool) -> None:
    """Show feeds by health, watchlists, queues, workers, the latest alerts, and failures.

    Exits with 1 if no scheduler leads or no worker lives, or if operators were told of something
    that is still wrong, such as a feed that has gone silent.
    """
    from monitor.cli.status import collect
    from monitor.overview.readiness import idle_reasons
    from monitor.runtime.composition import look

    runtime = look(config_directory, data)
    if alive:
        if idle := idle_reasons(runtime):
            raise PresswatchError("; ".join(idle))
        return
    state = collect(runtime, data)
    click.echo(terminal_json(state, indent=2) if as_json else _as_text(state))
    wrong = state["idle"] + [printable(each["title"]) for each in state["concerns"]]
    if wrong:
        raise PresswatchError("; ".join(wrong))


def _as_text(state: dict[str, Any]) -> str:
    from monitor.cli.console import line
    from monitor.cli.status import watchlist_lines

    by_health = Counter(feed["health"] for feed in state["feeds"])
    health = ", ".join(f"{count} {name}" for name, count in sorted(by_health.items())) or "none"
    lines = [
        *(
            printable(f"attention  {each['title']}, since {each['since']}: {each['advice']}")
            for each in state["concerns"]
        ),
        f"scheduler  {'leads' if state['scheduler'] else 'none leads'}",
        f"workers    {state['workers']}",
        f"feeds      {health}",
    ]
    lines += [f"           {problem}" for problem in _feed_problems(state["feeds"])]
    by_pushing = Counter(feed["pushing"] for feed in state["feeds"] if feed["pushing"] != "none")
    if by_pushing:
        counts = ", ".join(f"{count} {name}" for name, count in sorted(by_pushing.items()))
        lines.append(f"hubs       {counts}")
    lines += watchlist_lines(state["watchlists"])
    for name, depth in state["queues"].items():
        counts = ", ".join(f"{count} {what}" for what, count in depth.items())
        lines.append(f"{name:<10} {counts}")
    lines += [
        f"subscriber {subscriber['name']}: {problems}"
        for subscriber in state["subscribers"]
        if (problems := _subscriber_problems(subscriber))
    ]
    archive = state["archive"]
    lines.append(f"archive    {archive['to_write']} to write, {archive['refused']} refused")
    lines.append(f"kept       {state['alerts']} alerts in Redis")
    headings = {each["name"]: each["title"] or each["name"] for each in state["watchlists"]}
    lines += [f"alert      {line(alert, headings)}" for alert in state["last_alerts"]]
    lines += [f"failed     {job['id']}: {printable(job['error'])}" for job in state["failed"]]
    return "\n".join(lines)


def _feed_problems(feeds: list[dict[str, Any]]) -> Iterator[str]:
    """Yields a line for each problem of a feed; many feeds with the same error share one."""
    by_error: dict[str, list[dict[str, Any]]] = {}
    for feed in feeds:
        if feed["failures"]:
            by_error.setdefault(printable(feed["error"] or "failed"), []).append(feed)
    for error, failing in by_error.items():
        if len(failing) > MAX_ALIKE:
            examples = ", ".join(_name(feed) for feed in failing[:MAX_ALIKE])
            yield f"{len(failing)} feeds: {error} ({examples} …)"
            continue
        for feed in failing:
            yield f"{_name(feed)}: {error} ({feed['failures']}× in a row)"
    for feed in feeds:
        if not feed["failures"] and feed["problem"]:
            yield f"{_name(feed)}: {printable(feed['problem'])}"
        if feed["moved_to"]:
            yield f"{_name(feed)}: moved for good, polled at {printable(feed['moved_to'])}"
        if feed["held_back"]:
            yield f"{_name(feed)}: {feed['held_back']} entries held back"


def _name(feed: dict[str, Any]) -> str:
    return printable(feed["name"] or feed["url"])


def _subscriber_problems(subscriber: dict[str, Any]) -> str:
    """Returns a subscriber's problems on one line, or an empty text."""
    problems = []
    if subscriber["paused_at"]:
        problems.append(
            f"paused since {subscriber['paused_at']}, next try {subscriber['probe_at']}"
        )
    if subscriber["failures"]:
        problems.append(f"{printable(subscriber['error'])} ({subscriber['failures']}× in a row)")
    if subscriber["held"]:
        problems.append(f"{subscriber['held']} alerts held")
    return ", ".join(problems)


@click.command(epilog=examples("presswatch tail", "presswatch tail nato-russia --json"))
@click.argument("watchlists", nargs=-1)
@options.config
@options.data
@options.as_json
def tail(watchlists: tuple[str, ...], config_directory: Path, data: Path, as_json: bool) -> None:
    """Print alerts as they happen, one per line, until Ctrl-C."""
    from monitor.cli.console import line
    from monitor.runtime.composition import look

    logs.configure("warning")
    daemon = look(config_directory, data)
    alerts, headings = daemon.store.alerts, daemon.config.headings
    refuse_unknown("watchlist", watchlists, (each.name for each in daemon.config.watchlists))
    for alert in alerts.follow(after=alerts.last_id(), block=BLOCK):
        if alert and (not watchlists or alert.get("watchlist") in watchlists):
            click.echo(terminal_json(alert) if as_json else line(alert, headings))


@click.group()
def alerts() -> None:
    """Look at past alerts."""


@alerts.command(
    name="list",
    epilog=examples(
        "presswatch alerts list", "presswatch alerts list --since 7d --watchlist nato-russia"
    ),
)
@click.option(
    "--since", type=options.Since(), help="Only the last 15m, 2h, 7d …, or since a moment."
)
@click.option("--watchlist", "watchlists", multiple=True, help="Only those of this watchlist.")
@options.config
@options.data
@options.as_json
def list_alerts(
    since: datetime | None,
    watchlists: tuple[str, ...],
    config_directory: Path,
    data: Path,
    as_json: bool,
) -> None:
    """List alerts, and matches found later by looking back, oldest first."""
    from monitor.archive.database import read_archive
    from monitor.archive.history import known_watchlists, latest_alerts
    from monitor.cli.console import line
    from monitor.runtime.composition import read_to_look

    config = read_to_look(config_directory)
    engine = read_archive(config.settings.archive.url, data)
    if watchlists:
        configured = (each.name for each in config.watchlists)
        refuse_unknown("watchlist", watchlists, {*configured, *known_watchlists(engine)})
    # With --since, all of them; without it, the latest ones.
    documents = latest_alerts(
        engine,
        since=since,
        watchlists=watchlists,
        limit=None if since else LATEST_ALERTS,
    )
    for alert in reversed(list(documents)):
        click.echo(terminal_json(alert) if as_json else line(alert, config.headings))


@alerts.command(
    name="show",
    epilog=examples("presswatch alerts show 3f2a", "presswatch alerts show 3f2a --json"),
)
@click.argument("alert_id", metavar="ID")
@options.config
@options.data
@options.as_json
def show_alert(alert_id: str, config_directory: Path, data: Path, as_json: bool) -> None:
    """Show an alert and its ledger: the subscribers, channels and answers of its deliveries.

    Of a report by mail, there is only a ledger, under the id that the log has.
    """
    from monitor.archive.history import find_alerts, ledger
    from monitor.cli.console import block, terminal_width
    from monitor.model import as_plain
    from monitor.runtime.composition import archive

    engine = archive(config_directory, data)
    notes = ledger(engine, alert_id)
    document = None
    if not notes or find_alerts(engine, alert_id, most=1):
        document = known_alert(engine, alert_id)
        notes = ledger(engine, document["id"])
    if as_json:
        shown = {"alert": document, "deliveries": [as_plain(note) for note in notes]}
        click.echo(terminal_json(shown, indent=2))
        return
    if document:
        click.echo(block(document, terminal_width()), nl=False)
    for note in notes:
        parts = (f"{note.at:%Y-%m-%dT%H:%M:%SZ}", note.subscriber, note.channel, note.event)
        click.echo("  ".join((*parts, printable(note.detail))))
    if not notes:
        click.echo("no delivery is recorded")


@alerts.command(
    epilog=examples("presswatch alerts resend 3f2a", "presswatch alerts resend 3f2a --to analysts")
)
@click.argument("alert_id", metavar="ID")
@click.option("--to", "chosen", multiple=True, help="Only to this subscriber.")
@options.config
@options.data
def resend(alert_id: str, chosen: tuple[str, ...], config_directory: Path, data: Path) -> None:
    """Send an alert again, to all of its subscribers."""
    from monitor.model import Alert, Delivery
    from monitor.runtime.composition import archive, start

    daemon = start(config_directory, data)
    document = known_alert(archive(config_directory, data), alert_id)
    known = {subscriber.name for subscriber in daemon.config.subscribers}
    unknown = set(chosen) - known
    if unknown:
        raise PresswatchError(f"no subscriber is called {min(unknown)}")
    subscribed = {each.name: each.subscribers for each in daemon.config.watchlists}
    alert = Alert(
        document["id"],
        document["watchlist"],
        subscribed.get(document["watchlist"], ()),
        document,
    )
    # Receivers ignore a delivery that they have seen; the moment makes this one new.
    now = datetime.now(UTC).isoformat()
    names = sorted(set(chosen or alert.subscribers) & known)
    with daemon.redis.pipeline() as pipe:
        pipe.multi()
        # Redis may no longer have it.
        daemon.store.alerts.keep(alert, pipe)
        for name in names:
            delivery = Delivery(name, (alert.id,), released=True, resent=now)
            daemon.queues.enqueue_delivery(delivery, pipe)
        pipe.execute()
    click.echo(f"queued for {', '.join(names) or 'nobody'}")


def refuse_unknown(kind: str, names: Iterable[str], known: Iterable[str]) -> None:
    """Raises click.UsageError for a name that nothing has, with the most similar one."""
    from monitor.config.checks import suggestion

    valid = set(known)
    for name in names:
        if name not in valid:
            raise click.UsageError(f"no {kind} is called {name!r}{suggestion(name, valid)}")


def known_alert(engine: Archive, beginning: str) -> dict[str, Any]:
    """Returns the alert whose id begins like this; raises PresswatchError unless there is one."""
    from monitor.archive.history import find_alerts

    found = find_alerts(engine, beginning, most=2)
    if not found:
        raise PresswatchError(f"no alert has the id {beginning}; see `presswatch alerts list`")
    if len(found) > 1:
        raise PresswatchError(f"several alerts have ids that begin with {beginning}")
    return found[0]


COMMANDS = (status, tail, alerts)
