"""Checks beyond the schema: names, references, queries and their examples."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from monitor.config.source import ConfigDocument, KeyPath
from monitor.errors import Fault, QueryError
from monitor.hiding import without_userinfo
from monitor.model import Article, Watchlist
from monitor.watchlists.matcher import Matcher
from monitor.watchlists.query import parse

HIDDEN = "cannot be read; the reason is not shown, because the value is from the environment"


def suggestion(word: str, known: Iterable[str]) -> str:
    """Returns the end of a message that suggests the most similar known word, if there is one."""
    close = get_close_matches(word, list(known), n=1)
    return f"; did you mean `{close[0]}`?" if close else ""


def plain_query(any_of: Iterable[str], all_of: Iterable[str], none_of: Iterable[str]) -> str:
    """Returns the query that a watchlist's `any`, `all` and `none` mean."""
    parts = [_group(any_of), *map(_quoted, all_of)]
    unwanted = _group(none_of)
    query = " AND ".join(filter(None, parts))
    return f"{query} AND NOT {unwanted}" if unwanted else query


def _group(words: Iterable[str]) -> str:
    quoted = list(map(_quoted, words))
    return f"({' OR '.join(quoted)})" if len(quoted) > 1 else "".join(quoted)


def _quoted(words: str) -> str:
    return f'"{words.replace(chr(34), " ")}"'


def _named(source: ConfigDocument, part: str, key: str) -> Iterator[tuple[KeyPath, str]]:
    """Yields the texts under a key in the entries of a section, each with its path."""
    entries = source.values.get(part)
    for number, entry in enumerate(entries if isinstance(entries, list) else ()):
        if isinstance(entry, dict) and isinstance(entry.get(key), str):
            yield (part, number, key), entry[key]


def _tags(source: ConfigDocument) -> Iterator[tuple[KeyPath, str]]:
    """Yields the tags of all feeds, each with its path."""
    feeds = source.values.get("feeds")
    for number, feed in enumerate(feeds if isinstance(feeds, list) else ()):
        tags = feed.get("tags") if isinstance(feed, dict) else None
        for index, tag in enumerate(tags if isinstance(tags, list) else ()):
            if isinstance(tag, str):
                yield ("feeds", number, "tags", index), tag


def repeated(source: ConfigDocument) -> Iterator[Fault]:
    """Yields a fault for each name that is given twice."""
    for part, key in (("feeds", "url"), ("feeds", "name"), ("watchlists", "name"),
                      ("subscribers", "name")):  # fmt: skip
        first: dict[str, KeyPath] = {}
        for path, name in _named(source, part, key):
            if name in first:
                where = source.place(first[name])
                shown = "this" if source.place(path).secret else f"`{without_userinfo(name)}`"
                yield source.place(path).fault(
                    f"{part[:-1]} {key} {shown} is given twice, first at {where}"
                )
            first.setdefault(name, path)


def dangling(source: ConfigDocument) -> Iterator[Fault]:
    """Yields a fault for each reference from a watchlist to an unknown subscriber, feed or tag."""
    # Maps each name to whether a fault may suggest it.
    subscribers, names, tags = (
        {name: not source.place(path).secret for path, name in named}
        for named in (
            _named(source, "subscribers", "name"),
            _named(source, "feeds", "name"),
            _tags(source),
        )
    )
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
        word, place = _at(source.values, path), source.places[path]
        if not isinstance(word, str) or word in known:
            continue
        if place.secret:
            yield place.fault(f"no {what} is called this")
        else:
            yield place.fault(
                f"no {what} is called `{word}`" + suggestion(word, filter(known.get, known))
            )


def _at(values: Any, path: KeyPath) -> Any:
    for part in path:
        values = values[part]
    return values


def broken_queries(source: ConfigDocument) -> Iterator[Fault]:
    """Yields a fault for each query, definition or plain word that cannot be read."""
    definitions = _definitions(source)
    secret = [f"@{name}" for name in definitions if source.place(("definitions", name)).secret]
    texts = [(path, query) for path, query in _named(source, "watchlists", "query")]
    texts += [(("definitions", name), text) for name, text in definitions.items()]
    for path, query in texts:
        place = source.place(path)
        try:
            parse(query, definitions)
        except QueryError as error:
            reason = error.message + (f"; {error.hint}" if error.hint else "")
            if place.secret or any(name in error.message for name in secret):
                reason = HIDDEN
            if place.literal:
                yield place.fault(f"query: {reason}", offset=error.column - 1)
            else:
                yield place.fault(f"query, column {error.column}: {reason}")
    for path in list(source.places):
        match path:
            case ("watchlists", _, "any" | "all" | "none", int()):
                words, place = _at(source.values, path), source.places[path]
                try:
                    parse(_quoted(words)) if isinstance(words, str) else None
                except QueryError as error:
                    yield place.fault(HIDDEN if place.secret else error.message)


def failed_examples(source: ConfigDocument) -> Iterator[Fault]:
    """Yields a fault for each example that a watchlist wrongly matches or does not match."""
    definitions = _definitions(source)
    for number, entry in enumerate(source.values.get("watchlists", ())):
        plain = [entry.get(key, ()) for key in ("any", "all", "none")]
        query = entry.get("query") or plain_query(*plain)
        secret = any(
            place.secret
            for path, place in source.places.items()
            if path[:2] == ("watchlists", number) or path[:1] == ("definitions",)
        )
        matcher = Matcher([Watchlist(entry["name"], query)], definitions)
        for key, wanted in (("must_match", True), ("must_not_match", False)):
            for index, example in enumerate(entry.get(key, ())):
                place = source.place(("watchlists", number, key, index))
                try:
                    article = _example(example, place.file.parent)
                except (OSError, ValueError) as error:
                    why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
                    yield place.fault(f"cannot be read: {why}")
                    continue
                if bool(matcher.match(article)) is not wanted:
                    result = "does not match" if wanted else "matches"
                    if secret:
                        yield place.fault(f"the watchlist {result} this")
                        continue
                    parts = ", ".join(matcher.decisive(entry["name"], article))
                    reading = parse(query, definitions).reading
                    yield place.fault(
                        f"`{entry['name']}` {result} this, because of {parts}; read as {reading}"
                    )


def _example(example: Any, directory: Path) -> Article:
    text = example if isinstance(example, str) else (directory / example["file"]).read_text("utf-8")
    return Article("", "", "", text, "", "")


def _definitions(source: ConfigDocument) -> dict[str, str]:
    definitions = source.values.get("definitions")
    if not isinstance(definitions, dict):
        return {}
    return {name: text for name, text in definitions.items() if isinstance(text, str)}
