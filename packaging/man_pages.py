"""Writes a man page for each command into a directory, from the commands' help."""

from __future__ import annotations

import copy
import importlib.metadata
import sys
from collections.abc import Iterator
from pathlib import Path

import click
from click_man.core import generate_man_page

from monitor.cli import presswatch


def pages(context: click.Context) -> Iterator[tuple[str, str]]:
    """Yields the name and the text of the page of each command."""
    # click-man takes the short help, which click cuts off at 45 characters.
    context.command = copy.copy(context.command)
    context.command.short_help = " ".join((context.command.help or "").partition("\n\n")[0].split())
    text = generate_man_page(context, version=importlib.metadata.version("presswatch"))
    if context.command.epilog:
        # click-man leaves the examples out.
        _, heading, *lines = context.command.epilog.splitlines()
        escaped = (line.strip().replace("\\", r"\e").replace("-", r"\-") for line in lines)
        text += "\n".join([f".SH {heading.rstrip(':').upper()}", ".nf", *escaped, ".fi", ""])
    yield f"{context.command_path.replace(' ', '-')}.1", text
    if isinstance(context.command, click.Group):
        for name, command in context.command.commands.items():
            yield from pages(click.Context(command, info_name=name, parent=context))


def write(directory: Path) -> None:
    """Writes all pages into a directory, which may not exist yet."""
    directory.mkdir(parents=True, exist_ok=True)
    for name, text in pages(click.Context(presswatch, info_name="presswatch")):
        (directory / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write(Path(sys.argv[1]))
