"""Writes a feed or a watchlist as YAML, as a person would. Pure.

A feed is added to a file without touching the rest.

Loading and dumping the file would keep its comments, but change line breaks and indents.
"""

from __future__ import annotations

from ruamel.yaml import YAML
from ruamel.yaml.nodes import CollectionNode, MappingNode, Node, ScalarNode, SequenceNode

from monitor.config.variables import escaped
from monitor.model import Feed


def with_feed(text: str, feed: Feed, url: str | None = None) -> str:
    """Returns a file's text with one more feed; the caller checks that it reads as intended.

    `url` is the feed's address with its variables, if it has any.
    """
    pairs = _pairs(feed, url)
    newline = "\r\n" if "\r\n" in text else "\n"
    for key, feeds in _feeds(text):
        if not isinstance(feeds, SequenceNode):
            return _after_line(text, key.end_mark.index, _block(pairs, "  ", newline), newline)
        if feeds.flow_style:
            end = feeds.end_mark.index - 1
            comma = ", " if feeds.value else ""
            return f"{text[:end]}{comma}{{{', '.join(pairs)}}}{text[end:]}"
        indent = " " * feeds.start_mark.column
        return _after_line(text, _end(text, feeds), _block(pairs, indent, newline), newline)
    return _after_line(text, len(text), f"feeds:{newline}{_block(pairs, '  ', newline)}", newline)


def watchlist_yaml(name: str, query: str) -> str:
    """Returns a watchlist with this query as an entry of `watchlists`.

    White space between the words of a query means nothing: each line of it becomes a line.
    """
    lines = [line.strip() for line in query.splitlines() if line.strip()]
    head = f"  - name: {_quoted(escaped(name))}\n    query: "
    written = [escaped(line) for line in lines]
    if not all(line.isprintable() for line in written):
        return head + _quoted(escaped(" ".join(lines))) + "\n"
    if len(written) == 1:
        quoted = written[0].replace("'", "''")
        return f"{head}'{quoted}'\n"
    return head + "|-\n" + "".join(f"      {line}\n" for line in written)


def has_feeds(text: str) -> bool:
    """Returns whether a file has the key `feeds`."""
    return bool(_feeds(text))


def _feeds(text: str) -> list[tuple[Node, Node]]:
    """Returns the key `feeds` and its value, or nothing if there is no such key."""
    root = YAML(typ="safe", pure=True).compose(text)
    pairs = root.value if isinstance(root, MappingNode) else []
    return [(key, value) for key, value in pairs if key.value == "feeds"]


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
        pairs.append(f"tags: [{', '.join(map(_quoted, map(escaped, feed.tags)))}]")
    return pairs


def _quoted(text: str) -> str:
    """Writes a text in double quotes, with unprintable characters as escapes."""
    return '"' + "".join(map(_character, text)) + '"'


def _character(char: str) -> str:
    if char in {'"', "\\"}:
        return f"\\{char}"
    return char if char.isprintable() else f"\\U{ord(char):08x}"
