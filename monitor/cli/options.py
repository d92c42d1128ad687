"""Options that several commands share, and what they mean."""

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


class Since(click.ParamType[datetime]):
    """A moment: so long ago, such as 90s, 15m, 2h or 7d, or written out after RFC 3339."""

    name = "since"
    _units = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}  # noqa: RUF012

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> datetime:
        """Read it; raises click.BadParameter."""
        if isinstance(value, datetime):
            return value
        try:
            if ago := re.fullmatch(r"(\d+)([smhd])", value):
                return datetime.now(UTC) - timedelta(**{self._units[ago[2]]: int(ago[1])})
            # Without a zone it is the local one, as people mean it.
            return datetime.fromisoformat(value).astimezone(UTC)
        except (ValueError, OverflowError):
            self.fail(
                f"{value!r} is no moment; write for example 90s, 15m, 2h, 7d, 2026-11-23, "
                "or 2026-11-23T09:00:00Z",
                param,
                ctx,
            )


def config(command: F) -> F:
    """Add `--config`."""
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
    """Add `--data`."""
    return click.option(
        "--data",
        type=click.Path(path_type=Path),
        envvar=composition.DATA_VARIABLE,
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
