"""One form for every log line, ours and our libraries': events with context, on standard error."""

from __future__ import annotations

import logging
import os
import re
import sys
from typing import Literal

import structlog
from structlog.typing import EventDict

FORMAT_VARIABLE = "PRESSWATCH_LOG_FORMAT"
LEVEL_VARIABLE = "PRESSWATCH_LOG_LEVEL"
LEVELS = ("debug", "info", "warning", "error")

_USERINFO = re.compile(r"(?<=://)[^/?#\s@]*@")

Format = Literal["pretty", "json"]


def chosen_format() -> Format:
    """Pretty on a terminal, JSON otherwise, unless the environment asks for one of them."""
    asked = os.environ.get(FORMAT_VARIABLE)
    if asked == "pretty" or (asked is None and sys.stderr.isatty()):
        return "pretty"
    return "json"


def library_level() -> str:
    """The level at which RQ, APScheduler and the cleaners log: their "info" is our "debug"."""
    level = logging.getLogger().level
    return logging.getLevelName(level if level == logging.DEBUG else max(logging.WARNING, level))


def _without_passwords(_: object, __: str, event: EventDict) -> EventDict:
    """Take user and password out of the addresses in a line: feeds may have them."""
    for name, value in event.items():
        if isinstance(value, str) and "@" in value:
            event[name] = _USERINFO.sub("", value)
    return event


def configure(level: str) -> None:
    """Route structlog's and the standard library's lines through one set of processors."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _without_passwords,
    ]
    renderers: list[structlog.typing.Processor]
    if chosen_format() == "pretty":
        renderers = [
            structlog.dev.ConsoleRenderer(
                pad_event_to=24,
                colors="NO_COLOR" not in os.environ,
                exception_formatter=structlog.dev.plain_traceback,
            )
        ]
    else:
        renderers = [
            # Without local variables: they hold what nobody meant to log.
            structlog.processors.ExceptionRenderer(
                structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
            ),
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ]
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            # Lines that come through the standard library carry printf arguments.
            foreign_pre_chain=[structlog.stdlib.PositionalArgumentsFormatter(), *shared],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *renderers],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for chatty in ("apscheduler", "rq", "trafilatura", "htmldate", "courlan", "justext"):
        logging.getLogger(chatty).setLevel(library_level())
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
