"""Commands for jobs and deliveries that were given up: failed list, retry, drop."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from monitor.cli import options
from monitor.cli.options import F, examples
from monitor.errors import PresswatchError
from monitor.untrusted import printable, terminal_json

if TYPE_CHECKING:
    from monitor.jobs.queues import FailedJob, Queues


@click.group()
def failed() -> None:
    """Manage jobs and deliveries that were given up."""


def _job_selection(command: F) -> F:
    """Adds the arguments that choose jobs, by id or `--all`, and the options for their daemon."""
    for add in (
        options.data,
        options.config,
        click.option("--all", "everything", is_flag=True, help="All of them."),
        click.argument("ids", metavar="[ID]…", nargs=-1),
    ):
        command = add(command)
    return command


@failed.command(
    name="list", epilog=examples("presswatch failed list", "presswatch failed list --json")
)
@options.config
@options.data
@options.as_json
def list_failed(config_directory: Path, data: Path, as_json: bool) -> None:
    """List failed jobs, newest first, with the reasons."""
    from monitor.overview.jobs import about
    from monitor.runtime.composition import start

    for job in start(config_directory, data).queues.all_failed():
        if as_json:
            shown_job = {**asdict(job), "failed_at": job.failed_at.isoformat(), "about": about(job)}
            click.echo(terminal_json(shown_job))
        else:
            parts = (job.id, f"{job.failed_at:%Y-%m-%dT%H:%M:%SZ}", about(job), job.error)
            click.echo("  ".join(map(printable, parts)))


@failed.command(epilog=examples("presswatch failed retry --all"))
@_job_selection
def retry(ids: tuple[str, ...], everything: bool, config_directory: Path, data: Path) -> None:
    """Queue failed jobs again, as if for the first time."""
    from monitor.runtime.composition import start

    queues = start(config_directory, data).queues
    chosen = _chosen(queues, ids, everything=everything)
    if ids and (foreign := [job.id for job in chosen if not job.args]):
        raise PresswatchError(
            f"{foreign[0]} is not a job of Presswatch: it can be dropped, but not retried"
        )
    chosen = [job for job in chosen if job.args]
    for job in chosen:
        queues.retry(job)
    click.echo(f"{len(chosen)} queued again")


@failed.command(epilog=examples("presswatch failed drop --all"))
@_job_selection
def drop(ids: tuple[str, ...], everything: bool, config_directory: Path, data: Path) -> None:
    """Forget failed jobs."""
    from monitor.runtime.composition import start

    daemon = start(config_directory, data)
    chosen = _chosen(daemon.queues, ids, everything=everything)
    with daemon.redis.pipeline() as pipe:
        for job in chosen:
            daemon.queues.drop(job, pipe)
        pipe.execute()
    click.echo(f"{len(chosen)} dropped")


def _chosen(queues: Queues, ids: tuple[str, ...], *, everything: bool) -> list[FailedJob]:
    """Returns the chosen jobs; raises an error if an id is unknown."""
    if bool(ids) == everything:
        raise click.UsageError("name jobs by their ids from `presswatch failed list`, or use --all")
    known = {job.id: job for job in queues.all_failed()}
    if everything:
        return list(known.values())
    missing = [job_id for job_id in ids if job_id not in known]
    if missing:
        raise PresswatchError(
            f"no failed job has the id {missing[0]}; see `presswatch failed list`"
        )
    return [known[job_id] for job_id in ids]


COMMANDS = (failed,)
