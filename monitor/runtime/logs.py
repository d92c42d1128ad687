"""The log: events with context on standard error, in one form for our lines and the libraries."""

from __future__ import annotations

import logging
import os
import re
import sys
import traceback
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal

from monitor.hiding import without_userinfo
from monitor.untrusted import escaped_json, printable

if TYPE_CHECKING:
    import structlog
    from structlog.typing import EventDict

FORMAT_VARIABLE = "PRESSWATCH_LOG_FORMAT"
LEVEL_VARIABLE = "PRESSWATCH_LOG_LEVEL"
LEVELS = ("debug", "info", "warning", "error")

Format = Literal["pretty", "json"]


class _Secrets:
    """The secrets that must not be logged, their replacements, and a pattern that finds them."""

    def __init__(self) -> None:
        self.replacements: dict[str, str] = {}
        self.pattern: re.Pattern[str] | None = None


_secrets = _Secrets()


def chosen_format() -> Format:
    """Returns "pretty" on a terminal, else "json", unless the environment asks for one of them."""
    requested = os.environ.get(FORMAT_VARIABLE)
    if requested == "pretty" or (requested is None and sys.stderr.isatty()):
        return "pretty"
    return "json"


def no_color() -> bool:
    """Returns whether the user wants no colours: NO_COLOR is set and not empty (no-color.org)."""
    return bool(os.environ.get("NO_COLOR"))


def library_level() -> str:
    """Returns the level for RQ, APScheduler and the cleaners, whose "info" is our "debug"."""
    level = logging.getLogger().level
    return logging.getLevelName(level if level == logging.DEBUG else max(logging.WARNING, level))


def hide(secrets: Mapping[str, str]) -> None:
    """Replaces secrets in every line from now on; maps each secret to its replacement."""
    if not secrets:
        return
    _secrets.replacements.update(secrets)
    longest_first = sorted(_secrets.replacements, key=len, reverse=True)
    _secrets.pattern = re.compile("|".join(map(re.escape, longest_first)))


def shown(text: str) -> str:
    """Returns a text without secrets, and without user and password in addresses."""
    text = without_userinfo(text)
    if _secrets.pattern is not None:
        text = _secrets.pattern.sub(lambda secret: _secrets.replacements[secret[0]], text)
    return text


def _each_text(value: Any, change: Callable[[str], str]) -> Any:
    """Applies `change` to each text in a value, at any depth; other objects become text first."""
    match value:
        case str():
            return change(value)
        case None | bool() | int() | float():
            return value
        case dict():
            return {change(str(name)): _each_text(inner, change) for name, inner in value.items()}
        case list() | tuple() | set() | frozenset():
            return [_each_text(inner, change) for inner in value]
        case _:
            return change(repr(value))


def _without_secrets(_: object, __: str, event: EventDict) -> EventDict:
    """Removes secrets from a line."""
    return {name: _each_text(value, shown) for name, value in event.items()}


def _for_terminals(_: object, __: str, event: EventDict) -> EventDict:
    """Removes characters that a terminal would obey, and line breaks, from a line."""
    return {name: _each_text(value, printable) for name, value in event.items()}


def _trace(_: object, __: str, event: EventDict) -> EventDict:
    """Replaces an exception with its traceback as text."""
    info = event.pop("exc_info", None)
    if info is True:
        info = sys.exc_info()
    if isinstance(info, BaseException):
        info = (type(info), info, info.__traceback__)
    if isinstance(info, tuple) and info[0] is not None:
        event["exception"] = "".join(traceback.format_exception(*info))
    return event


def _render(renderer: structlog.dev.ConsoleRenderer) -> structlog.typing.Processor:
    """Returns a renderer that indents tracebacks, so that they cannot imitate a log line."""

    def render(logger: Any, name: str, event: EventDict) -> str:
        lines: list[str] = []
        for key in ("exception", "stack"):
            lines += str(event.pop(key, "")).splitlines()
        head = str(renderer(logger, name, _for_terminals(logger, name, event)))
        return "\n".join([head, *(f"    {printable(line)}" for line in lines)])

    return render


def _escape(_: object, __: str, line: Any) -> str:
    return escaped_json(str(line))


def configure(level: str) -> None:
    """Sends the lines of structlog and the standard library through the same processors."""
    import structlog

    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    renderers: list[structlog.typing.Processor]
    if chosen_format() == "pretty":
        console = structlog.dev.ConsoleRenderer(pad_event_to=24, colors=not no_color())
        renderers = [_trace, _without_secrets, _render(console)]
    else:
        renderers = [
            # Local variables may hold secrets.
            structlog.processors.ExceptionRenderer(
                structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
            ),
            _without_secrets,
            structlog.processors.JSONRenderer(ensure_ascii=False),
            _escape,
        ]
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            # Lines from the standard library have printf arguments.
            foreign_pre_chain=[structlog.stdlib.PositionalArgumentsFormatter(), *shared],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *renderers],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for chatty in ("alembic", "apscheduler", "rq", "trafilatura", "htmldate", "courlan", "justext"):
        logging.getLogger(chatty).setLevel(library_level())
    # It warns every second while a tick of the scheduler is late, which logs that itself, once.
    logging.getLogger("apscheduler.scheduler").setLevel(logging.ERROR)
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    sys.excepthook = _crashed


def _crashed(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Logs the exception that ends the process, which Python would print unfiltered."""
    import structlog

    if issubclass(kind, Exception):
        structlog.stdlib.get_logger(__name__).critical("crashed", exc_info=(kind, error, trace))
    else:
        sys.__excepthook__(kind, error, trace)
