"""The process that serves the pages and the API."""

from __future__ import annotations

from pathlib import Path

import click

from monitor.cli import options
from monitor.cli.options import examples
from monitor.runtime import composition, lifeline


@click.command(
    epilog=examples(
        "presswatch web", "presswatch web --config /etc/presswatch --data /var/lib/presswatch"
    )
)
@options.config
@options.data
@options.log_level
def web(config_directory: Path, data: Path, log_level: str) -> None:  # noqa: ARG001
    """Serve the pages and the HTTP API, at `settings.web.listen`."""
    from monitor.web.server import serve

    lifeline.stop_with_owner()
    serve(composition.start_process(config_directory, data), data)


COMMANDS = (web,)
