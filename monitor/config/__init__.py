"""The configuration: reads YAML files into one Config, or reports every fault with its place."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from monitor.config.building import Config, build
from monitor.config.checks import (
    broken_queries,
    dangling,
    failed_examples,
    misplaced_reports,
    repeated,
    suggestion,
)
from monitor.config.places import KeyPath
from monitor.config.schema import (
    ArticleSettings,
    File,
    PollSettings,
    Schema,
    Settings,
)
from monitor.config.source import ConfigDocument, files, read
from monitor.config.values import SECRET, written
from monitor.errors import ConfigError, Fault
from monitor.hiding import without_userinfo

__all__ = [
    "ArticleSettings",
    "Config",
    "PollSettings",
    "Settings",
    "fingerprint",
    "json_schema",
    "load",
    "load_valid_part",
]

# Pydantic's error types, in words for the author of the file.
_MESSAGES = {
    "missing": "is missing",
    "string_type": "must be text; put it in quotes",
    "string_unicode": "must be text in UTF-8",
    "int_type": "must be a whole number",
    "bool_type": "must be true or false",
    "tuple_type": "must be a list, such as [a, b]",
    "dict_type": "must hold keys, such as `name: value`",
    "model_type": "must hold keys, such as `name: value`",
    "string_too_short": "must not be empty",
    "too_short": "must not be empty",
}
_MAX_SHOWN = 60


def load(
    directory: Path,
    environ: Mapping[str, str],
    *,
    examples: bool = False,
    instead: Mapping[Path, str] | None = None,
    running: Config | None = None,
) -> Config:
    """Reads all YAML files below a directory; raises ConfigError with every fault.

    With `examples`, each watchlist is tested with its `must_match` and `must_not_match`. `instead`
    holds texts to read in place of files. `running` is the configuration in use: a setting that
    is fixed while Presswatch runs must have the same value in both, and if it has feeds or
    watchlists, some must be left.
    """
    source = read(directory, environ, instead)
    faults = list(source.faults)
    try:
        file = File.model_validate(source.values)
    except ValidationError as error:
        faults += [_fault(source, details) for details in error.errors()]
    else:
        faults += _unkept_backfills(source, file)
    faults += repeated(source)
    faults += dangling(source)
    faults += misplaced_reports(source)
    faults += broken_queries(source)
    if examples and not faults:
        faults += failed_examples(source)
    if not faults and running:
        faults += _changes_of_fixed(source, file.settings, running.settings)
        faults += _losses(source, file, running)
    if faults:
        raise ConfigError(sorted(set(faults)))
    numbers = range(len(file.feeds))
    return build(source, file, numbers)


def load_valid_part(directory: Path, environ: Mapping[str, str]) -> Config:
    """Reads what is valid of a configuration, for commands that only look at a running daemon.

    Settings that are not valid have their defaults; feeds, watchlists and subscribers that are not
    are left out. Whether names are known, and queries can be read, is not checked.
    """
    source = read(directory, environ)
    values = dict(source.values)
    numbers = list(range(len(values.get("feeds") or ())))
    while True:
        try:
            return build(source, File.model_validate(values), numbers)
        except ValidationError as error:
            broken = {details["loc"][:2] for details in error.errors()}
        for key, value in list(values.items()):
            if (key,) in broken:
                del values[key]
            elif isinstance(value, dict):
                values[key] = {name: value[name] for name in value if (key, name) not in broken}
            elif isinstance(value, list):
                kept = [at for at in range(len(value)) if (key, at) not in broken]
                values[key] = [value[at] for at in kept]
                if key == "feeds":
                    numbers = [numbers[at] for at in kept]


def _changes_of_fixed(
    source: ConfigDocument, settings: Settings, running: Settings
) -> Iterator[Fault]:
    """Yields faults for changes that would leave some processes with the old value."""
    if settings.redis_prefix != running.redis_prefix:
        yield source.place(("settings", "redis_prefix")).fault(
            "settings.redis_prefix cannot be changed while Presswatch runs; restart it, "
            f"or set it back to {running.redis_prefix!r}"
        )
    for path, before, after in (
        (("archive", "url"), running.archive.url, settings.archive.url),
        (("web", "listen"), running.web.listen, settings.web.listen),
        (("web", "proxies"), running.web.proxies, settings.web.proxies),
    ):
        if after != before:
            yield source.place(("settings", *path)).fault(
                f"settings.{'.'.join(path)} cannot be changed while Presswatch runs; restart it, "
                "or set it back"
            )


def _unkept_backfills(source: ConfigDocument, file: File) -> Iterator[Fault]:
    """Yields a fault for each watchlist that would look back at articles that are forgotten."""
    keep = file.settings.archive.keep
    for number, entry in enumerate(file.watchlists):
        if entry.backfill is not None and entry.backfill > keep:
            is_secret = source.place(("settings", "archive", "keep")).secret
            yield source.place(("watchlists", number, "backfill")).fault(
                "`backfill` must not be longer than settings.archive.keep"
                + ("" if is_secret else f", which is {written(keep)}")
            )


def _losses(source: ConfigDocument, file: File, running: Config) -> Iterator[Fault]:
    """Yields faults for lists that have lost everything: a deleted file is rarely meant."""
    for name, before, after in (
        ("feeds", running.feeds, file.feeds),
        ("watchlists", running.watchlists, file.watchlists),
    ):
        if before and not after:
            yield source.place((name,)).fault(
                f"no {name} are left, of {len(before)} in use; put some back, "
                "or restart Presswatch if that is meant"
            )


def fingerprint(directory: Path) -> str:
    """Returns a text that changes when a file of the configuration does; stats each file."""
    stats = []
    for file in files(directory):
        try:
            stat = file.stat()
        except OSError:
            stats.append(str(file))
            continue
        stats.append(f"{file}:{stat.st_mtime_ns}:{stat.st_size}")
    return "\n".join(stats)


def json_schema() -> dict[str, Any]:
    """Returns the JSON Schema of a configuration file, for editors."""
    return File.model_json_schema(schema_generator=Schema)


def _fault(source: ConfigDocument, details: ErrorDetails) -> Fault:
    """Returns one of pydantic's errors as a fault: at its place, in plain words."""
    path: KeyPath = details["loc"]
    if path[-1:] == ("[key]",):
        path = path[:-1]
        at = source.key_place(path) or source.place(path)
        return at.fault(f"`{path[-1]}` {details['msg']}")
    name = f"`{path[-1]}` " if path and isinstance(path[-1], str) else ""
    if details["type"] == "extra_forbidden":
        at = source.key_place(path) or source.place(path)
        return at.fault(f"unknown key {name}".strip() + suggestion(str(path[-1]), _keys(path[:-1])))
    if details["type"] == "missing":
        return source.place(path[:-1]).fault(f"{name}is missing")
    message = _MESSAGES.get(details["type"], details["msg"])
    if details["type"] == "literal_error":
        message = f"must be {details['ctx']['expected']}"
    if details["type"] in {"greater_than_equal", "less_than_equal"}:
        message = "must be a whole number from 1 to 1000"
    place, value = source.place(path), details["input"]
    is_secret = place.secret or details["type"] == SECRET
    if isinstance(value, str | int | float) and not is_secret:
        shown = without_userinfo(repr(value))
        message += f", got {shown if len(shown) < _MAX_SHOWN else shown[:_MAX_SHOWN] + '…'}"
    return place.fault(name + message)


def _keys(path: KeyPath) -> Iterable[str]:
    """Returns the keys that the schema knows at a path."""
    model: type[BaseModel] = File
    for part in path:
        if isinstance(part, str):
            field = next(
                field for name, field in model.model_fields.items() if part in {name, field.alias}
            )
            model = next(_models(field.annotation))
    return [field.alias or name for name, field in model.model_fields.items()]


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in get_args(annotation):
        yield from _models(inner)
