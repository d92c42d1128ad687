"""Checks what the schema cannot: names, references, queries and their examples."""

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


def suggestion(word: str, valid_words: Iterable[str]) -> str:
    """Returns the end of a message, suggesting the most similar valid word if one is similar."""
    close = get_close_matches(word, list(valid_words), n=1)
    return f"; did you mean `{close[0]}`?" if close else ""


def plain_query(any_of: Iterable[str], all_of: Iterable[str], none_of: Iterable[str]) -> str:
    """Returns the query that is equivalent to a watchlist's `any`, `all` and `none`."""
    parts = [_group(any_of), *map(_quoted, all_of)]
    unwanted = _group(none_of)
    query = " AND ".join(filter(None, parts))
    return f"{query} AND NOT {unwanted}" if unwanted else query


def _group(words: Iterable[str]) -> str:
    quoted = list(map(_quoted, words))
    return f"({' OR '.join(quoted)})" if len(quoted) > 1 else "".join(quoted)


def _quoted(words: str) -> str:
    return f'"{words.replace(chr(34), " ")}"'


def _named(source: ConfigDocument, section: str, key: str) -> Iterator[tuple[KeyPath, str]]:
    """Yields the string under a key of each entry in a section, with its path."""
    entries = source.values.get(section)
    for number, entry in enumerate(entries if isinstance(entries, list) else ()):
        if isinstance(entry, dict) and isinstance(entry.get(key), str):
            yield (section, number, key), entry[key]


def _tags(source: ConfigDocument) -> Iterator[tuple[KeyPath, str]]:
    """Yields the tags of all feeds, each with its path."""
    feeds = source.values.get("feeds")
    for number, feed in enumerate(feeds if isinstance(feeds, list) else ()):
        tags = feed.get("tags") if isinstance(feed, dict) else None
        for index, tag in enumerate(tags if isinstance(tags, list) else ()):
            if isinstance(tag, str):
                yield ("feeds", number, "tags", index), tag


def repeated(source: ConfigDocument) -> Iterator[Fault]:
    """Yields a fault for each name and each feed URL that is given twice."""
    for section, key in (("feeds", "url"), ("feeds", "name"), ("watchlists", "name"),
                         ("subscribers", "name")):  # fmt: skip
        first_paths: dict[str, KeyPath] = {}
        for path, name in _named(source, section, key):
            if name in first_paths:
                first_place = source.place(first_paths[name])
                shown = "this" if source.place(path).secret else f"`{without_userinfo(name)}`"
                yield source.place(path).fault(
                    f"{section[:-1]} {key} {shown} is given twice, first at {first_place}"
                )
            first_paths.setdefault(name, path)


def dangling(source: ConfigDocument) -> Iterator[Fault]:
    """Yields a fault for each reference from a watchlist to an unknown subscriber, feed or tag."""
    # Each maps a name to whether a fault may suggest it: secret names are never shown.
    subscribers, feed_names, tags = (
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
                noun, valid_names = "subscriber", subscribers
            case ("watchlists", _, "feeds", "tags", int()):
                noun, valid_names = "tag on any feed", tags
            case ("watchlists", _, "feeds", "names", int()):
                noun, valid_names = "feed", feed_names
            case _:
                continue
        word, place = _at(source.values, path), source.places[path]
        if not isinstance(word, str) or word in valid_names:
            continue
        if place.secret:
            yield place.fault(f"no {noun} is called this")
        else:
            yield place.fault(
                f"no {noun} is called `{word}`"
                + suggestion(word, filter(valid_names.get, valid_names))
            )


def _at(values: Any, path: KeyPath) -> Any:
    for part in path:
        values = values[part]
    return values


def broken_queries(source: ConfigDocument) -> Iterator[Fault]:
    """Yields a fault for each query, definition or plain word that cannot be parsed."""
    definitions = _definitions(source)
    secret_names = [
        f"@{name}" for name in definitions if source.place(("definitions", name)).secret
    ]
    texts = [(path, query) for path, query in _named(source, "watchlists", "query")]
    texts += [(("definitions", name), text) for name, text in definitions.items()]
    for path, query in texts:
        place = source.place(path)
        try:
            parse(query, definitions)
        except QueryError as error:
            reason = error.message + (f"; {error.hint}" if error.hint else "")
            if place.secret or any(name in error.message for name in secret_names):
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
    """Yields a fault for each example that a watchlist wrongly matches or misses."""
    definitions = _definitions(source)
    for number, entry in enumerate(source.values.get("watchlists", ())):
        word_lists = [entry.get(key, ()) for key in ("any", "all", "none")]
        query = entry.get("query") or plain_query(*word_lists)
        uses_secret = any(
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
                    if uses_secret:
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
