"""Options that several commands share."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import click

from monitor.runtime import composition, logs

F = TypeVar("F", bound=Callable[..., Any])


def _directory(_: click.Context, __: click.Parameter, value: Path | None) -> Path:
    return value or composition.default_config()


def _configure_logs(_: click.Context, __: click.Parameter, value: str) -> str:
    logs.configure(value)
    return value


def _now(context: click.Context | None) -> datetime:
    """Returns the present, the same for all options of a command: from 7d to 1d ago is 6 days."""
    now = datetime.now(UTC)
    return context.meta.setdefault(f"{__name__}.now", now) if context else now


class Since(click.ParamType[datetime]):
    """A moment, written as an age (90s, 15m, 2h, 7d) or as RFC 3339 has it."""

    name = "since"
    _units = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}  # noqa: RUF012

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> datetime:
        """Returns the moment in UTC; raises click.BadParameter."""
        if isinstance(value, datetime):
            return value
        try:
            if ago := re.fullmatch(r"(\d+)([smhd])", value):
                return _now(ctx) - timedelta(**{self._units[ago[2]]: int(ago[1])})
            # People who name no time zone mean their own.
            return datetime.fromisoformat(value).astimezone(UTC)
        except (ValueError, OverflowError):
            self.fail(
                f"{value!r} is not a moment; write for example 90s, 15m, 2h, 7d, 2026-11-23, "
                "or 2026-11-23T09:00:00Z",
                param,
                ctx,
            )


def examples(*command_lines: str) -> str:
    """Returns the epilog of a command's help: examples, in lines that click does not wrap."""
    heading = "Example:" if len(command_lines) == 1 else "Examples:"
    return "\n".join(["\b", heading, *(f"  {line}" for line in command_lines)])


def config(command: F) -> F:
    """Adds the option `--config`."""
    return click.option(
        "--config",
        "config_directory",
        type=click.Path(path_type=Path),
        envvar=composition.CONFIG_VARIABLE,
        callback=_directory,
        help="Directory of the configuration.  [default: ./config, ~/.config/presswatch or "
        "/etc/presswatch, whichever exists first, else the bundled one]",
    )(command)


def data(command: F) -> F:
    """Adds the option `--data`."""
    return click.option(
        "--data",
        type=click.Path(path_type=Path),
        envvar=composition.DATA_VARIABLE,
        default=Path("var"),
        show_default="./var",
        help="Directory of the running daemon's data.",
    )(command)


def log_level(command: F) -> F:
    """Adds the option `--log-level`, which also sets up the log."""
    return click.option(
        "--log-level",
        type=click.Choice(logs.LEVELS),
        envvar=logs.LEVEL_VARIABLE,
        default="info",
        show_default=True,
        callback=_configure_logs,
        help="Log events of this severity and above.",
    )(command)


def as_json(command: F) -> F:
    """Adds the option `--json`."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON.")(command)
