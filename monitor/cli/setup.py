"""The command that writes a first configuration: init."""

from __future__ import annotations

import shlex
from pathlib import Path

import click

from monitor.cli.options import examples
from monitor.errors import PresswatchError
from monitor.runtime import composition


@click.command(epilog=examples("presswatch init", "presswatch init /etc/presswatch"))
@click.argument("directory", type=click.Path(path_type=Path), default=Path("config"))
def init(directory: Path) -> None:
    """Write a commented configuration to begin with, which shows every option.

    DIRECTORY is ./config by default. Existing files are never overwritten.
    """
    files = {
        directory / file.name: file.read_bytes()
        for file in sorted(composition.bundled("config").glob("*.yaml"))
    }
    existing = [file for file in files if file.exists() or file.is_symlink()]
    if existing:
        raise PresswatchError(f"{existing[0]} exists already; nothing was written")
    try:
        directory.mkdir(parents=True, exist_ok=True)
        for file, content in files.items():
            with file.open("xb") as new:
                new.write(content)
    except OSError as error:
        raise PresswatchError(f"{directory} cannot be written to: {error.strerror}") from error
    for file in files:
        click.echo(f"{file}")
    option = "" if directory == Path("config") else f" --config {shlex.quote(str(directory))}"
    click.echo(f"Next: presswatch check{option}, then: presswatch run{option}")


COMMANDS = (init,)
