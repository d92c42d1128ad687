"""Commands about jobs and deliveries that were given up: failed list, retry, drop."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from monitor.cli import options
from monitor.cli.options import F
from monitor.errors import PresswatchError
from monitor.model import Delivery, from_plain
from monitor.runtime.logs import shown
from monitor.untrusted import printable, terminal_json

if TYPE_CHECKING:
    from monitor.jobs.queues import FailedJob, Queues


@click.group()
def failed() -> None:
    """See to jobs and deliveries that were given up."""


def _chosen_ones(command: F) -> F:
    """Add what chooses jobs: ids or `--all`, and whose they are."""
    for add in (
        options.data,
        options.config,
        click.option("--all", "everything", is_flag=True, help="All of them."),
        click.argument("ids", metavar="[ID]…", nargs=-1),
    ):
        command = add(command)
    return command


@failed.command(name="list")
@options.config
@options.data
@options.as_json
def list_failed(config_directory: Path, data: Path, as_json: bool) -> None:
    """List them, newest first, with the reason."""
    from monitor.runtime.composition import start

    for job in start(config_directory, data).queues.all_failed():
        if as_json:
            told = {**asdict(job), "failed_at": job.failed_at.isoformat(), "about": about(job)}
            click.echo(terminal_json(told))
        else:
            parts = (job.id, f"{job.failed_at:%Y-%m-%dT%H:%M:%SZ}", about(job), job.error)
            click.echo("  ".join(map(printable, parts)))


@failed.command()
@_chosen_ones
def retry(ids: tuple[str, ...], everything: bool, config_directory: Path, data: Path) -> None:
    """Try them again, as if for the first time."""
    from monitor.runtime.composition import start

    queues = start(config_directory, data).queues
    chosen = _chosen(queues, ids, everything=everything)
    if ids and (foreign := [job.id for job in chosen if not job.args]):
        raise PresswatchError(
            f"{foreign[0]} is not one of our jobs: it can be dropped, not retried"
        )
    chosen = [job for job in chosen if job.args]
    for job in chosen:
        queues.retry(job)
    click.echo(f"{len(chosen)} queued again")


@failed.command()
@_chosen_ones
def drop(ids: tuple[str, ...], everything: bool, config_directory: Path, data: Path) -> None:
    """Forget them."""
    from monitor.runtime.composition import start

    daemon = start(config_directory, data)
    chosen = _chosen(daemon.queues, ids, everything=everything)
    with daemon.redis.pipeline() as pipe:
        for job in chosen:
            daemon.queues.drop(job, pipe)
        pipe.execute()
    click.echo(f"{len(chosen)} dropped")


def _chosen(queues: Queues, ids: tuple[str, ...], *, everything: bool) -> list[FailedJob]:
    """The jobs that were named; raises where one is not there, before any is touched."""
    if bool(ids) == everything:
        raise click.UsageError(
            "name what you mean by its id from `presswatch failed list`, or --all"
        )
    known = {job.id: job for job in queues.all_failed()}
    if everything:
        return list(known.values())
    missing = [one for one in ids if one not in known]
    if missing:
        raise PresswatchError(f"nothing failed under {missing[0]}; see `presswatch failed list`")
    return [known[one] for one in ids]


def about(job: FailedJob) -> str:
    """What a job was to do, for people: the entry's address, or the subscriber."""
    if not job.args:
        return "a job of somebody else"
    if job.queue == "articles":
        return shown(str(job.args[1].get("url") or job.args[1].get("title") or "an entry"))
    delivery = from_plain(Delivery, job.args[0])
    recipients = f" ({', '.join(delivery.to)})" if delivery.to else ""
    what = f"alert {delivery.alerts[0]}"
    if len(delivery.alerts) > 1:
        what = f"{len(delivery.alerts)} alerts"
    return f"{what} to {delivery.subscriber}{recipients}"


COMMANDS = (failed,)
