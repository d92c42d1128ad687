"""Options that several commands share, and what they mean."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

import click

from monitor import logs, runtime

F = TypeVar("F", bound=Callable[..., Any])


def _directory(_: click.Context, __: click.Parameter, value: Path | None) -> Path:
    return value or runtime.default_config()


def _configure_logs(_: click.Context, __: click.Parameter, value: str) -> str:
    logs.configure(value)
    return value


class Duration(click.ParamType[timedelta]):
    """A length of time such as 90s, 15m, 2h or 7d."""

    name = "duration"
    _units = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}  # noqa: RUF012

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> timedelta:
        """Read it; raises click.BadParameter."""
        if isinstance(value, timedelta):
            return value
        written = re.fullmatch(r"(\d+)([smhd])", value)
        if not written:
            self.fail(f"{value!r} is no duration; write for example 90s, 15m, 2h or 7d", param, ctx)
        return timedelta(**{self._units[written[2]]: int(written[1])})


def config(command: F) -> F:
    """Add `--config`."""
    return click.option(
        "--config",
        "config_directory",
        type=click.Path(path_type=Path),
        envvar=runtime.CONFIG_VARIABLE,
        callback=_directory,
        help="Directory of the configuration.  [default: ./config]",
    )(command)


def data(command: F) -> F:
    """Add `--data`."""
    return click.option(
        "--data",
        type=click.Path(path_type=Path),
        envvar=runtime.DATA_VARIABLE,
        default=Path("var"),
        show_default="./var",
        help="Directory of the running daemon's data.",
    )(command)


def log_level(command: F) -> F:
    """Add `--log-level`, which also sets the logs up."""
    return click.option(
        "--log-level",
        type=click.Choice(logs.LEVELS),
        envvar=logs.LEVEL_VARIABLE,
        default="info",
        show_default=True,
        callback=_configure_logs,
        help="The least severe lines to log.",
    )(command)


def as_json(command: F) -> F:
    """Add `--json`."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON.")(command)
