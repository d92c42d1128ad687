"""Writes feeds or a watchlist as YAML, as a person would. Pure.

Feeds or a watchlist are added to a file, a feed is removed, and a query replaced, without touching
the rest.

Loading and dumping the file would keep its comments, but change line breaks and indents.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.nodes import CollectionNode, MappingNode, Node, ScalarNode, SequenceNode

from monitor.config.variables import escaped, has_variables
from monitor.model import Feed, Watchlist


def with_feeds(text: str, additions: Iterable[tuple[Feed, str | None]]) -> str:
    """Returns a file's text with more feeds; the caller checks that it reads as intended.

    Beside each feed is its address with its variables, if it has any.
    """
    return _with_entries(text, "feeds", [_pairs(feed, url) for feed, url in additions])


def without_feed(text: str, is_url: Callable[[str], bool]) -> str | None:
    """Returns a file's text without the feed whose address, as it is written, is the one wanted.

    Returns None if the file does not have it. The caller checks that the rest reads as before.
    """
    for _, feeds in _lists(text, "feeds"):
        for number, feed in enumerate(_values(feeds)):
            url = _value(feed, "url")
            if isinstance(url, ScalarNode) and is_url(url.value):
                start, end = _extent(text, feeds, number)
                return text[:start] + text[end:]
    return None


def _extent(text: str, feeds: Any, number: int) -> tuple[int, int]:
    """Returns where the part of a text begins and ends that is one of the feeds, and no other."""
    feed = feeds.value[number]
    if feeds.flow_style:
        if len(feeds.value) == 1:
            return feeds.start_mark.index + 1, feeds.end_mark.index - 1
        if number:
            return feeds.value[number - 1].end_mark.index, feed.end_mark.index
        return feed.start_mark.index, feeds.value[1].start_mark.index
    start = text.rfind("\n", 0, feed.start_mark.index) + 1
    # The dash may be on a line above.
    while start and not text[start:].startswith(" " * feeds.start_mark.column + "-"):
        start = text.rfind("\n", 0, start - 1) + 1
    end = text.find("\n", _end(text, feed)) + 1 or len(text)
    return start, end


def with_watchlist(text: str, watchlist: Watchlist) -> str:
    """Returns a file's text with one more watchlist: its name, title, query and subscribers."""
    pairs = [f"name: {_quoted(escaped(watchlist.name))}"]
    if watchlist.title:
        pairs.append(f"title: {_quoted(escaped(watchlist.title))}")
    pairs.append(f"query: {_in_single_quotes(watchlist.query)}")
    if watchlist.subscribers:
        pairs.append(f"subscribers: {_list(watchlist.subscribers)}")
    return _with_entries(text, "watchlists", [pairs])


def _with_entries(text: str, key: str, blocks: list[list[str]]) -> str:
    """Returns a file's text with more entries in the list of a key."""
    newline = _newline(text)

    def indented(indent: str) -> str:
        return "".join(_block(pairs, indent, newline) for pairs in blocks)

    for name, entries in _lists(text, key):
        if not isinstance(entries, SequenceNode):
            return _after_line(text, name.end_mark.index, indented("  "), newline)
        if entries.flow_style:
            end = entries.end_mark.index - 1
            comma = ", " if entries.value else ""
            written = ", ".join(f"{{{', '.join(pairs)}}}" for pairs in blocks)
            return f"{text[:end]}{comma}{written}{text[end:]}"
        indent = " " * entries.start_mark.column
        return _after_line(text, _end(text, entries), indented(indent), newline)
    return _after_line(text, len(text), f"{key}:{newline}{indented('  ')}", newline)


def with_query(text: str, name: str, query: str) -> str | None:
    """Returns a file's text with another query of a watchlist.

    Returns None if the file does not have the query, or it has variables, or an alias shares it.
    """
    root = YAML(typ="safe", pure=True).compose(text)
    for watchlist in _values(_value(root, "watchlists")):
        known_name, old = _value(watchlist, "name"), _value(watchlist, "query")
        if not (isinstance(watchlist, MappingNode) and isinstance(old, ScalarNode)):
            continue
        if known_name is not None and known_name.value == name and _is_its_own(old, watchlist):
            return _with_scalar(text, watchlist, old, _lines(query))
    return None


def _is_its_own(value: ScalarNode, watchlist: MappingNode) -> bool:
    is_inside = watchlist.start_mark.index <= value.start_mark.index < watchlist.end_mark.index
    return is_inside and value.anchor is None and not has_variables(value.value)


def _with_scalar(text: str, watchlist: MappingNode, old: ScalarNode, lines: list[str]) -> str:
    start, end = old.start_mark.index, _end(text, old)
    # In a block, a comment after the value would become a part of it.
    is_last = not text[end:].partition("\n")[0].strip()
    if len(lines) > 1 and is_last and not watchlist.flow_style and _is_plain(lines):
        newline = _newline(text)
        indent = newline + " " * (watchlist.start_mark.column + 2)
        written = indent.join(["|-", *map(escaped, lines)])
    else:
        written = _in_single_quotes(" ".join(lines))
    return f"{text[:start]}{written}{text[end:]}"


def watchlist_yaml(name: str, query: str) -> str:
    """Returns a watchlist with this query as an entry of `watchlists`.

    White space between the words of a query means nothing: each line of it becomes a line.
    """
    lines = _lines(query)
    head = f"  - name: {_quoted(escaped(name))}\n    query: "
    if len(lines) == 1 or not _is_plain(lines):
        return head + _in_single_quotes(" ".join(lines)) + "\n"
    return head + "|-\n" + "".join(f"      {escaped(line)}\n" for line in lines)


def has_list(text: str, key: str) -> bool:
    """Returns whether a file has a key such as `feeds` at its top."""
    return bool(_lists(text, key))


def _newline(text: str) -> str:
    return "\r\n" if "\r\n" in text else "\n"


def _lines(query: str) -> list[str]:
    return [line.strip() for line in query.splitlines() if line.strip()]


def _is_plain(lines: list[str]) -> bool:
    return all(line.isprintable() for line in lines)


def _in_single_quotes(text: str) -> str:
    """Writes a text in single quotes, which queries need not escape; others in double quotes."""
    written = escaped(text)
    if not written.isprintable():
        return _quoted(written)
    return "'" + written.replace("'", "''") + "'"


def _value(node: Node | None, key: str) -> Node | None:
    """Returns the value of a key in a mapping, if there is one."""
    pairs = node.value if isinstance(node, MappingNode) else []
    return next((value for name, value in pairs if name.value == key), None)


def _values(node: Node | None) -> list[Node]:
    return node.value if isinstance(node, SequenceNode) else []


def _lists(text: str, key: str) -> list[tuple[Node, Node]]:
    """Returns a key at the file's top and its value, or nothing if there is no such key."""
    root = YAML(typ="safe", pure=True).compose(text)
    pairs = root.value if isinstance(root, MappingNode) else []
    return [(name, value) for name, value in pairs if name.value == key]


def _after_line(text: str, index: int, addition: str, newline: str) -> str:
    """Inserts the addition after the line that contains `index`."""
    end = text.find("\n", index) + 1 or len(text)
    if index and text[index - 1] == "\n":
        end = index
    head = text[:end]
    return f"{head}{newline if head and head[-1] != chr(10) else ''}{addition}{text[end:]}"


def _end(text: str, node: Node) -> int:
    """Returns where a node's last value ends; a block itself ends after the comments below it."""
    while isinstance(node, CollectionNode) and node.value and not node.flow_style:
        last = node.value[-1]
        node = last[1] if isinstance(node, MappingNode) else last
    end: int = node.end_mark.index
    if isinstance(node, ScalarNode) and node.style in {"|", ">"}:
        return len(text[:end].rstrip())
    return end


def _block(pairs: list[str], indent: str, newline: str) -> str:
    lines = [f"{'  ' if number else '- '}{pair}" for number, pair in enumerate(pairs)]
    return "".join(f"{indent}{line}{newline}" for line in lines)


def _pairs(feed: Feed, url: str | None) -> list[str]:
    pairs = [f"url: {_quoted(escaped(feed.url) if url is None else url)}"]
    if feed.name:
        pairs.append(f"name: {_quoted(escaped(feed.name))}")
    if feed.tags:
        pairs.append(f"tags: {_list(feed.tags)}")
    return pairs


def _list(values: Iterable[str]) -> str:
    return f"[{', '.join(map(_quoted, map(escaped, values)))}]"


def _quoted(text: str) -> str:
    """Writes a text in double quotes, with unprintable characters as escapes."""
    return '"' + "".join(map(_character, text)) + '"'


def _character(char: str) -> str:
    if char in {'"', "\\"}:
        return f"\\{char}"
    return char if char.isprintable() else f"\\U{ord(char):08x}"
