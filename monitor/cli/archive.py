"""The process that writes the archive, and commands that copy it."""

from __future__ import annotations

from pathlib import Path

import click
from click.core import ParameterSource

from monitor.cli import options
from monitor.cli.options import examples
from monitor.runtime import composition, lifeline


@click.group(
    invoke_without_command=True,
    epilog=examples(
        "REDIS_URL=redis://redis.example.org:6379/0 presswatch archive",
        "presswatch archive backup archive.db",
    ),
)
@options.config
@options.data
@options.log_level
@click.pass_context
def archive(context: click.Context, config_directory: Path, data: Path, log_level: str) -> None:  # noqa: ARG001
    """Write articles, alerts and deliveries into the archive; or copy the archive."""
    if context.invoked_subcommand is not None:
        # The subcommand has options of its own, and would use another archive than named here.
        for name in context.params:
            if context.get_parameter_source(name) is ParameterSource.COMMANDLINE:
                raise click.UsageError(f"write the options after `{context.invoked_subcommand}`")
        return
    from monitor.archiver import serve

    lifeline.stop_with_owner()
    serve(composition.start_process(config_directory, data), data)


@archive.command(epilog=examples("presswatch archive backup archive.db"))
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@options.config
@options.data
def backup(file: Path, config_directory: Path, data: Path) -> None:
    """Copy the archive to a file, while the daemon runs or not."""
    from monitor.archive.backup import backup

    backup(composition.archive(config_directory, data), file)
    click.echo(f"archive copied to {file}")


@archive.command(epilog=examples("presswatch archive restore archive.db"))
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False, exists=True))
@options.config
@options.data
def restore(file: Path, config_directory: Path, data: Path) -> None:
    """Add what a backup holds to the archive, while the daemon runs or not."""
    from monitor.archive.backup import restore
    from monitor.archive.database import open_archive

    url = composition.read(config_directory).settings.archive.url
    count = restore(open_archive(url, data), file)
    click.echo(f"{count} articles of {file} are in the archive")


COMMANDS = (archive,)
