"""The configuration as its author wrote it, without secrets, for operators to look at.

A variable of the environment is shown by its name, never by its value. What is in a file but gives
access to something is not shown either.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pydantic import BaseModel

from monitor.config.places import KeyPath
from monitor.config.schema import KINDS, Settings
from monitor.config.source import ConfigDocument, read
from monitor.config.values import written
from monitor.hiding import without_userinfo

# Settings that give access to something.
_SECRET_SETTINGS = frozenset({"web.password", "web.tokens"})
_ADDRESS_SETTINGS = frozenset({"archive.url", "proxy"})
# What is shown of a subscriber: everything else may give access to something.
_TIMING = ("digest", "quiet", "limit")
_VARIABLE = re.compile(r"\$\{\w+\}")


@dataclass(frozen=True, slots=True)
class Setting:
    """A setting with its value in words; `is_default` says that no file sets it."""

    name: str
    value: str
    is_default: bool


@dataclass(frozen=True, slots=True)
class WrittenWatchlist:
    """A watchlist with its query, or its lists of words, and whatever else is written of it."""

    name: str
    query: str
    details: dict[str, str]


@dataclass(frozen=True, slots=True)
class WrittenSubscriber:
    """A subscriber, where it is reached, in so far as that is no secret, and when."""

    name: str
    kind: str
    reached_at: str
    details: dict[str, str]


@dataclass(frozen=True, slots=True)
class Written:
    """A whole configuration; feeds are left out, since the configuration in use has them."""

    settings: tuple[Setting, ...]
    definitions: dict[str, str]
    watchlists: tuple[WrittenWatchlist, ...]
    subscribers: tuple[WrittenSubscriber, ...]


def as_written(directory: Path) -> Written:
    """Reads all YAML files below a directory, without the environment; reports no faults."""
    source = read(directory, {})
    values = _plain(source, (), source.values)
    settings = values.get("settings")
    definitions = values.get("definitions")
    return Written(
        tuple(_settings(settings if isinstance(settings, dict) else {})),
        {
            str(name): _words(text)
            for name, text in (definitions if isinstance(definitions, dict) else {}).items()
        },
        tuple(map(_watchlist, _mappings(values.get("watchlists")))),
        tuple(map(_subscriber, _mappings(values.get("subscribers")))),
    )


def _plain(source: ConfigDocument, path: KeyPath, value: Any) -> Any:
    """Returns a value with its texts as they are written."""
    if isinstance(value, dict):
        # Feeds may be many, and are not shown.
        return {
            key: _plain(source, (*path, key), inner)
            for key, inner in value.items()
            if (*path, key) != ("feeds",)
        }
    if isinstance(value, list):
        return [_plain(source, (*path, number), inner) for number, inner in enumerate(value)]
    expansion = source.expansion(path)
    return value if expansion is None else expansion.written


def _mappings(values: Any) -> list[dict[str, Any]]:
    return [each for each in values if isinstance(each, dict)] if isinstance(values, list) else []


def _settings(given: Mapping[str, Any]) -> Iterator[Setting]:
    for name, default in _flat(Settings(), ""):
        value: Any = given
        for part in name.split("."):
            value = value.get(part) if isinstance(value, dict) else None
        is_default = value is None
        yield Setting(name, _shown(name, default if is_default else value), is_default)


def _flat(settings: BaseModel, prefix: str) -> Iterator[tuple[str, Any]]:
    for name, value in settings:
        if isinstance(value, BaseModel):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def _shown(name: str, value: Any) -> str:
    if name in _SECRET_SETTINGS:
        return "set, not shown" if value else "not set"
    if name in _ADDRESS_SETTINGS and value:
        return _host(value)
    if name.endswith("max_size") and isinstance(value, int):
        return f"{value / 1_000_000:g}MB"
    if name == "web.listen" and isinstance(value, tuple):
        return f"{value[0]}:{value[1]}"
    return _words(value) or "not set"


def _watchlist(values: Mapping[str, Any]) -> WrittenWatchlist:
    lists = (f"{name}: {_words(values[name])}" for name in ("any", "all", "none") if name in values)
    query = values.get("query")
    known = {"name", "query", "any", "all", "none", "must_match", "must_not_match"}
    return WrittenWatchlist(
        _words(values.get("name")),
        "; ".join(lists) if query is None else _words(query),
        {name: _words(value) for name, value in values.items() if name not in known},
    )


def _subscriber(values: Mapping[str, Any]) -> WrittenSubscriber:
    kind = next((kind for kind in KINDS if isinstance(values.get(kind), dict)), "")
    return WrittenSubscriber(
        _words(values.get("name")),
        kind,
        _reached_at(kind, values.get(kind, {})),
        {name: _words(values[name]) for name in _TIMING if name in values},
    )


def _reached_at(kind: str, options: Mapping[str, Any]) -> str:
    """Returns where a subscriber is reached, without what gives access to it."""
    match kind:
        case "email":
            return f"{_words(options.get('to'))} through {_host(options.get('smtp_url'))}"
        case "slack" if "channel" in options:
            return f"channel {_words(options['channel'])}"
        case "slack":
            return f"incoming webhook at {_host(options.get('webhook_url'))}"
        case "webhook":
            return _host(options.get("url"))
        case "apprise":
            # What follows the scheme may be a token.
            url = _words(options.get("url"))
            scheme, separator, _ = url.partition("://")
            return scheme if separator and "$" not in scheme else _variables(url)
        case _:
            return ""


def _host(url: Any) -> str:
    """Returns the host of a URL, or the variables that it is made of."""
    text = without_userinfo(_words(url))
    try:
        host = urlsplit(text).hostname
    except ValueError:
        host = None
    is_written_out = "$" not in text.partition("://")[2].partition("/")[0]
    return host if host and is_written_out else _variables(text)


def _variables(text: str) -> str:
    return ", ".join(_VARIABLE.findall(text)) or "an address that is not shown"


def _words(value: Any) -> str:
    """Returns a value of a file in words."""
    if isinstance(value, dict):
        return ", ".join(f"{name} {_words(inner)}" for name, inner in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(map(_words, value))
    if isinstance(value, timedelta):
        return written(value)
    return "" if value is None else str(value)
