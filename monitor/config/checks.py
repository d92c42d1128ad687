"""Checks what the schema cannot: names, references, queries and their examples."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from monitor.config.places import KeyPath, is_secret
from monitor.config.source import ConfigDocument
from monitor.errors import Fault, QueryError
from monitor.hiding import without_userinfo
from monitor.model import Article, Watchlist
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


def _entries(source: ConfigDocument, section: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yields the entries of a section that are mappings, each with its number."""
    entries = source.values.get(section)
    for number, entry in enumerate(entries if isinstance(entries, list) else ()):
        if isinstance(entry, dict):
            yield number, entry


def _named(source: ConfigDocument, section: str, key: str) -> Iterator[tuple[KeyPath, str]]:
    """Yields the string under a key of each entry in a section, with its path."""
    for number, entry in _entries(source, section):
        if isinstance(entry.get(key), str):
            yield (section, number, key), entry[key]


def _listed(source: ConfigDocument, section: str, *keys: str) -> Iterator[tuple[KeyPath, str]]:
    """Yields the strings of the list below some keys of each entry in a section, with their paths.

    The path of a list has as many keys as `keys` names.
    """
    for number, entry in _entries(source, section):
        words: Any = entry
        for key in keys:
            words = words.get(key) if isinstance(words, dict) else None
        for index, word in enumerate(words if isinstance(words, list) else ()):
            if isinstance(word, str):
                yield (section, number, *keys, index), word


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
    for noun, keys, named in (
        ("subscriber", ("subscribers",), _named(source, "subscribers", "name")),
        ("feed", ("feeds", "names"), _named(source, "feeds", "name")),
        ("tag on any feed", ("feeds", "tags"), _listed(source, "feeds", "tags")),
    ):
        paths = {name: path for path, name in named}
        # Secret names are never shown.
        shown: list[str] | None = None
        for path, word in _listed(source, "watchlists", *keys):
            if word in paths:
                continue
            place = source.place(path)
            if place.secret:
                yield place.fault(f"no {noun} is called this")
                continue
            if shown is None:
                shown = [name for name, at in paths.items() if not source.place(at).secret]
            yield place.fault(f"no {noun} is called `{word}`" + suggestion(word, shown))


def misplaced_reports(source: ConfigDocument) -> Iterator[Fault]:
    """Yields a fault for each subscriber that wants a report, but gets no mail."""
    for number, entry in _entries(source, "subscribers"):
        if entry.get("report") is not None and "email" not in entry:
            path: KeyPath = ("subscribers", number, "report")
            place = source.key_place(path) or source.place(path)
            yield place.fault(
                "`report` is for subscribers of e-mail; remove it here, and write it beside "
                "`email: {to: [desk@example.org], smtp_url: …}`"
            )


def broken_queries(source: ConfigDocument) -> Iterator[Fault]:
    """Yields a fault for each query, definition or plain word that cannot be parsed."""
    definitions = _definitions(source)
    secret_names = [
        f"@{name}" for name in definitions if source.place(("definitions", name)).secret
    ]
    texts = [(path, query) for path, query in _named(source, "watchlists", "query")]
    texts += [(("definitions", name), text) for name, text in definitions.items()]
    for path, query in texts:
        try:
            parse(query, definitions)
        except QueryError as error:
            place = source.place(path)
            reason = error.message + (f"; {error.hint}" if error.hint else "")
            if place.secret or any(name in error.message for name in secret_names):
                reason = HIDDEN
            if place.literal:
                yield place.fault(f"query: {reason}", offset=error.column - 1)
            else:
                yield place.fault(f"query, column {error.column}: {reason}")
    for key in ("any", "all", "none"):
        for path, words in _listed(source, "watchlists", key):
            try:
                parse(_quoted(words))
            except QueryError as error:
                place = source.place(path)
                yield place.fault(HIDDEN if place.secret else error.message)


def failed_examples(source: ConfigDocument) -> Iterator[Fault]:
    """Yields a fault for each example that a watchlist wrongly matches or misses."""
    from monitor.watchlists.matcher import Matcher

    definitions = _definitions(source)
    for number, entry in _entries(source, "watchlists"):
        if not (entry.get("must_match") or entry.get("must_not_match")):
            continue
        word_lists = [entry.get(key, ()) for key in ("any", "all", "none")]
        query = entry.get("query") or plain_query(*word_lists)
        # Without definitions, the nearest spot is that of the whole configuration.
        uses_secret = is_secret(source.spot(("watchlists", number))) or (
            bool(definitions) and is_secret(source.spot(("definitions",)))
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
