"""Write a feed into a YAML file as a person would: one more line or few, all else untouched. Pure.

Loading and dumping the whole would keep comments, but break lines and indent anew.
"""

from __future__ import annotations

from ruamel.yaml import YAML
from ruamel.yaml.nodes import CollectionNode, MappingNode, Node, ScalarNode, SequenceNode

from monitor.config.source import escaped
from monitor.model import Feed


def with_feed(text: str, feed: Feed) -> str:
    """The text of a file with a feed more; who calls this sees whether the result means that."""
    newline = "\r\n" if "\r\n" in text else "\n"
    for key, feeds in _feeds(text):
        if not isinstance(feeds, SequenceNode):
            return _after_line(text, key.end_mark.index, _block(feed, "  ", newline), newline)
        if feeds.flow_style:
            end = feeds.end_mark.index - 1
            comma = ", " if feeds.value else ""
            return f"{text[:end]}{comma}{{{', '.join(_pairs(feed))}}}{text[end:]}"
        indent = " " * feeds.start_mark.column
        return _after_line(text, _end(text, feeds), _block(feed, indent, newline), newline)
    return _after_line(text, len(text), f"feeds:{newline}{_block(feed, '  ', newline)}", newline)


def has_feeds(text: str) -> bool:
    """Whether a file says anything of feeds."""
    return bool(_feeds(text))


def _feeds(text: str) -> list[tuple[Node, Node]]:
    """The key `feeds` with what it holds; none where there is no such key."""
    root = YAML(typ="safe", pure=True).compose(text)
    pairs = root.value if isinstance(root, MappingNode) else []
    return [(key, value) for key, value in pairs if key.value == "feeds"]


def _after_line(text: str, index: int, addition: str, newline: str) -> str:
    """The addition after the line in which `index` stands."""
    end = text.find("\n", index) + 1 or len(text)
    if index and text[index - 1] == "\n":
        end = index
    head = text[:end]
    return f"{head}{newline if head and head[-1] != chr(10) else ''}{addition}{text[end:]}"


def _end(text: str, node: Node) -> int:
    """Where the last thing in a node ends; a block's own end is that of the comments after it."""
    while isinstance(node, CollectionNode) and node.value and not node.flow_style:
        last = node.value[-1]
        node = last[1] if isinstance(node, MappingNode) else last
    end: int = node.end_mark.index
    if isinstance(node, ScalarNode) and node.style in {"|", ">"}:
        return len(text[:end].rstrip())
    return end


def _block(feed: Feed, indent: str, newline: str) -> str:
    lines = [f"{'  ' if number else '- '}{pair}" for number, pair in enumerate(_pairs(feed))]
    return "".join(f"{indent}{line}{newline}" for line in lines)


def _pairs(feed: Feed) -> list[str]:
    pairs = [f"url: {_quoted(feed.url)}"]
    if feed.name:
        pairs.append(f"name: {_quoted(feed.name)}")
    if feed.tags:
        pairs.append(f"tags: [{', '.join(map(_quoted, feed.tags))}]")
    return pairs


def _quoted(text: str) -> str:
    """In double quotes, with all that is not to be seen written by its number."""
    return '"' + "".join(map(_character, escaped(text))) + '"'


def _character(one: str) -> str:
    if one in {'"', "\\"}:
        return f"\\{one}"
    return one if one.isprintable() else f"\\U{ord(one):08x}"
