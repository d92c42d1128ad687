"""The command `presswatch`."""

from __future__ import annotations

import sys

import click

from monitor.cli import (
    archive,
    daemon,
    failed,
    feeds,
    history,
    mutes,
    pages,
    planning,
    report,
    setup,
    trying,
    watchlists,
    web,
)
from monitor.cli.options import examples
from monitor.errors import ConfigError, PresswatchError, QueryError
from monitor.runtime import logs

FAILED = 1
WRONG_USE = 2


@click.group(
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog=examples("presswatch demo", "presswatch init", "presswatch run"),
)
@click.version_option(package_name="presswatch")
@click.pass_context
def presswatch(context: click.Context) -> None:
    """Watch the news: poll feeds, match articles against watchlists, alert in seconds."""
    if logs.no_color():
        # Subcommands inherit it, and click drops the styles of what they print.
        context.color = False


for module in (
    daemon,
    archive,
    web,
    setup,
    pages,
    trying,
    planning,
    report,
    history,
    failed,
    mutes,
    feeds,
    watchlists,
):
    for command in module.COMMANDS:
        presswatch.add_command(command)


def main() -> None:
    """Runs the command.

    The exit code is 0 for done, 1 for failed, 2 for wrong use or a broken configuration.
    """
    try:
        # Outside standalone mode, click returns the code that a command passed to `context.exit`.
        sys.exit(presswatch.main(prog_name="presswatch", standalone_mode=False))
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except click.Abort:
        sys.exit(130)
    except ConfigError as error:
        click.echo(str(error), err=True)
        count = len(error.faults)
        click.echo(f"{count} fault{'s' * (count != 1)}", err=True)
        sys.exit(WRONG_USE)
    except QueryError as error:
        pointer = " " * (error.column - 1) + "^" * max(1, error.length)
        click.echo(f"{error.query}\n{pointer}\n{error}", err=True)
        sys.exit(WRONG_USE)
    except PresswatchError as error:
        click.echo(f"presswatch: {error}", err=True)
        sys.exit(FAILED)
