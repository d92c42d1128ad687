"""The configuration: YAML files to one Config, or every fault in them with its place."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails
from ruamel.yaml import YAML

from monitor.config.schema import (
    KINDS,
    ArticleSettings,
    File,
    PollSettings,
    Settings,
    SubscriberEntry,
    WatchlistEntry,
)
from monitor.config.source import Path_, Source, files, read
from monitor.errors import ConfigError, Fault, PresswatchError, QueryError
from monitor.model import Digest, Feed, FeedFilter, Quiet, Subscriber, Watchlist
from monitor.watchlists.query import parse

__all__ = [
    "ArticleSettings",
    "Config",
    "PollSettings",
    "Settings",
    "add_feed",
    "fingerprint",
    "json_schema",
    "load",
]

# What pydantic calls a fault, in words for who wrote the file.
_WORDS = {
    "missing": "is missing",
    "string_type": "must be text; put it in quotes",
    "int_type": "must be a whole number",
    "tuple_type": "must be a list, such as [a, b]",
    "dict_type": "must hold keys, such as `name: value`",
    "model_type": "must hold keys, such as `name: value`",
    "string_too_short": "must not be empty",
    "too_short": "must not be empty",
}
_SHOWN = 60


@dataclass(frozen=True)
class Config:
    """A whole configuration, valid in itself."""

    settings: Settings
    feeds: tuple[Feed, ...]
    watchlists: tuple[Watchlist, ...]
    subscribers: tuple[Subscriber, ...]


def load(directory: Path, environ: Mapping[str, str]) -> Config:
    """Read all YAML files below a directory; raises ConfigError with every fault found."""
    source = read(directory, environ)
    faults = list(source.faults)
    try:
        file = File.model_validate(source.values)
    except ValidationError as error:
        faults += [_fault(source, details) for details in error.errors()]
    faults += _repeated(source)
    faults += _dangling(source)
    faults += _broken_queries(source)
    if faults:
        raise ConfigError(sorted(set(faults)))
    return Config(
        settings=file.settings,
        feeds=tuple(Feed(feed.url, feed.name, feed.tags, feed.every) for feed in file.feeds),
        watchlists=tuple(map(_watchlist, file.watchlists)),
        subscribers=tuple(map(_subscriber, file.subscribers)),
    )


def fingerprint(directory: Path) -> str:
    """A text that changes when a file of the configuration does; costs a look at each."""
    looks = []
    for file in files(directory):
        try:
            stat = file.stat()
        except OSError:
            continue
        looks.append(f"{file}:{stat.st_mtime_ns}:{stat.st_size}")
    return "\n".join(looks)


def json_schema() -> dict[str, Any]:
    """The JSON Schema of a configuration file, for editors."""
    return File.model_json_schema()


def add_feed(directory: Path, feed: Feed, environ: Mapping[str, str]) -> Path:
    """Write a feed into the configuration, comments and all else left alone; returns the file.

    Raises ConfigError where the configuration is broken, or would be with this feed.
    """
    known = load(directory, environ)
    if feed.url in {one.url for one in known.feeds}:
        raise PresswatchError(f"{feed.url} is a feed already")
    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.indent(mapping=2, sequence=4, offset=2)
    file = _file_with_feeds(directory, yaml)
    document = (yaml.load(file.read_text(encoding="utf-8")) if file.exists() else None) or {}
    written: dict[str, Any] = {"url": feed.url}
    if feed.name:
        written["name"] = feed.name
    if feed.tags:
        written["tags"] = list(feed.tags)
    if not document.get("feeds"):
        document["feeds"] = []
    document["feeds"].append(written)
    backup = file.with_suffix(".before")
    if file.exists():
        shutil.copy2(file, backup)
    with file.open("w", encoding="utf-8") as stream:
        yaml.dump(document, stream)
    try:
        load(directory, environ)
    except ConfigError:
        backup.replace(file) if backup.exists() else file.unlink()
        raise
    backup.unlink(missing_ok=True)
    return file


def _file_with_feeds(directory: Path, yaml: YAML) -> Path:
    """The first file that holds feeds, or where they are looked for first."""
    for file in files(directory):
        document = yaml.load(file.read_text(encoding="utf-8"))
        if document and "feeds" in document:
            return file
    return directory / "feeds.yaml"


def _watchlist(entry: WatchlistEntry) -> Watchlist:
    chosen = FeedFilter(entry.feeds.names, entry.feeds.tags, entry.feeds.languages)
    return Watchlist(
        entry.name, entry.query, chosen, entry.priority, entry.subscribers, entry.once_per
    )


def _subscriber(entry: SubscriberEntry) -> Subscriber:
    kind = next(kind for kind in KINDS if getattr(entry, kind) is not None)
    digest, quiet = entry.digest, entry.quiet
    return Subscriber(
        name=entry.name,
        kind=kind,
        options=getattr(entry, kind).model_dump(exclude_none=True),
        digest=Digest(digest.at, digest.every, digest.timezone) if digest else None,
        quiet=Quiet(quiet.start, quiet.end, quiet.timezone, quiet.exempt) if quiet else None,
    )


def _fault(source: Source, details: ErrorDetails) -> Fault:
    """One of pydantic's errors at its place, in plain words."""
    path: Path_ = details["loc"]
    name = f"`{path[-1]}` " if path and isinstance(path[-1], str) else ""
    if details["type"] == "extra_forbidden":
        at = source.keys.get(path, source.place(path))
        return at.fault(f"unknown key {name}".strip() + _meant(str(path[-1]), _keys(path[:-1])))
    if details["type"] == "missing":
        return source.place(path[:-1]).fault(f"{name}is missing")
    words = _WORDS.get(details["type"], details["msg"])
    if details["type"] == "literal_error":
        words = f"must be {details['ctx']['expected']}"
    if details["type"] in {"greater_than_equal", "less_than_equal"}:
        words = "must be a whole number from 1 to 1000"
    place, found = source.place(path), details["input"]
    if isinstance(found, str | int | float) and not place.secret:
        shown = repr(found)
        words += f", got {shown if len(shown) < _SHOWN else shown[:_SHOWN] + '…'}"
    return place.fault(name + words)


def _keys(path: Path_) -> Iterable[str]:
    """The keys that are known at a path."""
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


def _meant(word: str, known: Iterable[str]) -> str:
    close = get_close_matches(word, list(known), n=1)
    return f"; did you mean `{close[0]}`?" if close else ""


def _named(source: Source, part: str, key: str) -> Iterator[tuple[Path_, str]]:
    """All texts that stand under a key in the entries of a part."""
    entries = source.values.get(part)
    for number, entry in enumerate(entries if isinstance(entries, list) else ()):
        if isinstance(entry, dict) and isinstance(entry.get(key), str):
            yield (part, number, key), entry[key]


def _repeated(source: Source) -> Iterator[Fault]:
    for part, key in (("feeds", "url"), ("feeds", "name"), ("watchlists", "name"),
                      ("subscribers", "name")):  # fmt: skip
        first: dict[str, Path_] = {}
        for path, name in _named(source, part, key):
            if name in first:
                where = source.place(first[name])
                shown = "this" if source.place(path).secret else f"`{name}`"
                yield source.place(path).fault(
                    f"{part[:-1]} {key} {shown} is given twice, first at {where}"
                )
            first.setdefault(name, path)


def _dangling(source: Source) -> Iterator[Fault]:
    """References from watchlists to subscribers and feeds that are not there."""
    subscribers = {name for _, name in _named(source, "subscribers", "name")}
    names = {name for _, name in _named(source, "feeds", "name")}
    feeds = source.values.get("feeds")
    tags = {
        tag
        for feed in (feeds if isinstance(feeds, list) else ())
        if isinstance(feed, dict) and isinstance(feed.get("tags"), list)
        for tag in feed["tags"]
        if isinstance(tag, str)
    }
    for path in list(source.places):
        match path:
            case ("watchlists", _, "subscribers", int()):
                what, known = "subscriber", subscribers
            case ("watchlists", _, "feeds", "tags", int()):
                what, known = "tag on any feed", tags
            case ("watchlists", _, "feeds", "names", int()):
                what, known = "feed", names
            case _:
                continue
        word = _at(source.values, path)
        if isinstance(word, str) and word not in known:
            yield source.places[path].fault(f"no {what} is called `{word}`" + _meant(word, known))


def _at(values: Any, path: Path_) -> Any:
    for part in path:
        values = values[part]
    return values


def _broken_queries(source: Source) -> Iterator[Fault]:
    for path, query in _named(source, "watchlists", "query"):
        place = source.place(path)
        try:
            parse(query)
        except QueryError as error:
            hint = f"; {error.hint}" if error.hint else ""
            if place.literal:
                yield place.fault(f"query: {error.message}{hint}", offset=error.column - 1)
            else:
                yield place.fault(f"query, column {error.column}: {error.message}{hint}")
