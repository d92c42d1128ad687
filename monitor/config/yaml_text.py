"""Reads one YAML text into plain values, each with its place.

libyaml finds scalars, lists and mappings, in a thirtieth of the time of a parser in Python. This
module decides what a scalar means, by YAML 1.2; by YAML 1.1, which PyYAML follows, `no` is false.
ruamel knows YAML 1.2 and explains faults better. It reads the texts that libyaml refuses, and those
with characters that are line breaks in YAML 1.1 only.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NoReturn

import yaml
from yaml.cyaml import CParser

from monitor.config.places import ListSpot, MappingSpot, Place, Spot, as_secret, packed, unpacked
from monitor.config.variables import Expansion, expand
from monitor.errors import Fault

# Aliases of aliases may expand without limit ("billion laughs"): a file may have this many values
# by aliases, and any number that are written out.
MAX_ALIASED = 500_000
MAX_DEPTH = 32

# Line breaks of YAML 1.1 (section 4.2), and the byte order mark, which it ignores between lines.
_ONLY_YAML_1_1 = re.compile("[\x85\u2028\u2029\ufeff]")
# A key, and a value whose quotation marks do not enclose all of it.
_AFTER_QUOTES = re.compile(r"[\s-]*(?P<key>\w+):\s+(?P<value>\"[^\"]*\"\s*[^\s#,}\]].*)")
_TOO_LARGE = "too large or too deep, with all its aliases"
_INTEGER = re.compile(r"[-+]?\d+", re.ASCII)
_FLOAT = re.compile(r"[-+]?(?:\d+\.\d*|\.\d+)(?:[eE][-+]?\d+)?", re.ASCII)
_CONSTANTS = {"null": None, "~": None, "": None, "true": True, "false": False}
_LONGEST_CONSTANT = len("false")
_LONGEST_INTEGER = 31
_QUOTES = frozenset("'\"")
_BLOCKS = frozenset("|>")
_FIRST_OF_NUMBERS = frozenset("+-.0123456789")

# A plain value, and its spot.
Located = tuple[Any, Spot]


def read_text(text: str, file: Path, number: int, environ: Mapping[str, str]) -> YamlText:
    """Reads the text of a file; `number` is the file's number in the spots."""
    if _ONLY_YAML_1_1.search(text):
        return _read_slowly(text, file, number, environ)
    try:
        return YamlText(iter(CParser(text).get_event, None), file, number, environ)
    except (yaml.YAMLError, UnicodeEncodeError):
        return _read_slowly(text, file, number, environ)


def _read_slowly(text: str, file: Path, number: int, environ: Mapping[str, str]) -> YamlText:
    """Reads a text with ruamel, and explains what is wrong with it, if anything is."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import MarkedYAMLError, YAMLError

    at = Place(file, 1, 1)
    try:
        return YamlText(YAML(typ="safe", pure=True).parse(text), file, number, environ)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        at = Place(file, mark.line + 1, mark.column + 1) if mark else at
        problem = error.problem or error.context
        if problem and problem.startswith("but ") and error.context:
            problem = f"{error.context}, {problem}"
    except (YAMLError, ValueError, RecursionError, TypeError, AttributeError) as error:
        # ruamel raises each of these for some documents that are not YAML.
        problem = str(error).partition("\n")[0] or "too deep"
    refused = YamlText(iter(()), file, number, environ)
    refused.faults.append(at.fault(_quoted_too_early(text, at) or f"not valid YAML: {problem}"))
    return refused


def _quoted_too_early(text: str, at: Place) -> str | None:
    """Returns a fault for a value that goes on after its quotes, the commonest slip in queries."""
    lines = text.splitlines()
    found = _AFTER_QUOTES.fullmatch(lines[at.line - 1]) if at.line <= len(lines) else None
    if found is None:
        return None
    value = found["value"].strip()
    return (
        "the value ends with its second quotation mark, but more follows: put all of it into "
        f"single quotes, {found['key']}: '{value.replace(chr(39), 2 * chr(39))}'"
    )


class _UnreadableError(Exception):
    """Nothing more of the text can be read, for a reason that is among the faults."""


class YamlText:
    """A text's `value` (None if it is empty or broken), with its `spot` and all its `faults`.

    `expansions` holds, by their spots, the texts with variables.
    """

    def __init__(
        self, events: Iterator[Any], file: Path, number: int, environ: Mapping[str, str]
    ) -> None:
        """Reads all events of a parser, and raises what the parser raises."""
        self.value: Any = None
        self.spot: Spot = packed(number, 1, 1)
        self.faults: list[Fault] = []
        self.expansions: dict[int, Expansion] = {}
        self._events = events
        self._file = file
        self._number = number
        self._environ = environ
        # The text of an anchored scalar is kept, in case that it is used as a key. None while a
        # collection is being read: an alias of it in itself would never end.
        self._anchors: dict[str, tuple[Any, Spot, str | None] | None] = {}
        self._aliased = 0
        try:
            self._document()
        except _UnreadableError:
            self.value = None

    def _document(self) -> None:
        # What precedes the first value are the starts of the stream and of the document.
        for event in self._events:
            if type(event).__name__ not in {"StreamStartEvent", "DocumentStartEvent"}:
                break
        else:
            return
        if type(event).__name__ == "StreamEndEvent":
            return
        self.value, self.spot = self._node(event, 0)
        next(self._events)
        event = next(self._events)
        if type(event).__name__ != "StreamEndEvent":
            self._stop(
                event,
                "not valid YAML: expected a single document in the stream, "
                "but found another document",
            )

    def _node(self, event: Any, depth: int) -> Located:
        """Returns a value with its spot; `event` is its first one."""
        kind = type(event).__name__
        anchor = event.anchor
        if kind == "ScalarEvent":
            located = self._scalar(event)
            if anchor is not None:
                self._anchors[anchor] = (*located, event.value)
            return located
        if kind == "AliasEvent":
            return self._alias(event, depth)
        if depth >= MAX_DEPTH:
            self._stop(event, _TOO_LARGE)
        if anchor is not None:
            self._anchors[anchor] = None
        read = self._mapping if kind == "MappingStartEvent" else self._sequence
        located = read(event, depth + 1)
        if anchor is not None:
            self._anchors[anchor] = (*located, None)
        return located

    def _mapping(self, start: Any, depth: int) -> Located:
        values: dict[str, Any] = {}
        inner: dict[str, Spot] = {}
        keys: dict[str, int] = {}
        while type(event := next(self._events)).__name__ != "MappingEndEvent":
            name, at = self._key(event, depth)
            value, spot = self._node(next(self._events), depth)
            if name is None:
                self._fault(event, "a key must be a word")
            elif name in values:
                first = unpacked(keys[name], {self._number: self._file})
                self._fault(event, f"`{name}` is given twice, first at {first}")
            else:
                values[name], inner[name], keys[name] = value, spot, at
        return values, MappingSpot(self._spot(start), inner, keys)

    def _sequence(self, start: Any, depth: int) -> Located:
        values: list[Any] = []
        inner: list[Spot] = []
        while type(event := next(self._events)).__name__ != "SequenceEndEvent":
            value, spot = self._node(event, depth)
            values.append(value)
            inner.append(spot)
        return values, ListSpot(self._spot(start), inner)

    def _key(self, event: Any, depth: int) -> tuple[str | None, int]:
        """Returns a key, or None if it is not a word, and its place."""
        at = self._spot(event)
        kind = type(event).__name__
        if kind == "ScalarEvent":
            if event.anchor is not None:
                self._node(event, depth)
            return str(event.value), at
        self._node(event, depth)
        anchored = self._anchors[event.anchor] if kind == "AliasEvent" else None
        return anchored[2] if anchored else None, at

    def _alias(self, event: Any, depth: int) -> Located:
        if event.anchor not in self._anchors:
            self._stop(event, f"not valid YAML: found undefined alias {event.anchor!r}")
        anchored = self._anchors[event.anchor]
        if anchored is None or not self._fits(anchored[0], depth):
            self._stop(event, _TOO_LARGE)
        return anchored[0], anchored[1]

    def _fits(self, value: Any, depth: int) -> bool:
        """Counts the values that an alias adds, and returns whether they are within the limits."""
        self._aliased += 1
        if self._aliased > MAX_ALIASED or depth > MAX_DEPTH:
            return False
        if isinstance(value, dict):
            return all(self._fits(inner, depth + 1) for inner in value.values())
        if isinstance(value, list):
            return all(self._fits(inner, depth + 1) for inner in value)
        return True

    def _scalar(self, event: Any) -> Located:
        """Reads a scalar by YAML 1.2's core schema, except octal numbers and infinities."""
        text, at = str(event.value), self._spot(event)
        if "${" in text:
            at = as_secret(at)
            expansion = self.expansions[at] = expand(text, self._environ)
            for problem in expansion.problems:
                self._fault(event, problem)
            return expansion.text, at
        if event.style:
            return text, at
        if len(text) <= _LONGEST_CONSTANT and (lower := text.lower()) in _CONSTANTS:
            return _CONSTANTS[lower], at
        return (_number(text) if text[0] in _FIRST_OF_NUMBERS else text), at

    def _spot(self, event: Any) -> int:
        start, end = event.start_mark, event.end_mark
        literal, column = False, start.column + 1
        if type(event).__name__ == "ScalarEvent" and start.line == end.line:
            quoted = event.style in _QUOTES
            # An escape in quotes takes more columns than the character that it means.
            literal = end.column - start.column == len(event.value) + 2 * quoted
            literal = literal and event.style not in _BLOCKS
            column += quoted and literal
        return packed(self._number, start.line + 1, column, literal=literal)

    def _fault(self, event: Any, message: str) -> None:
        place = unpacked(self._spot(event), {self._number: self._file})
        self.faults.append(place.fault(message))

    def _stop(self, event: Any, message: str) -> NoReturn:
        self._fault(event, message)
        raise _UnreadableError


def _number(text: str) -> int | float | str:
    """Returns the number that a text spells, else the text."""
    if _INTEGER.fullmatch(text) and len(text) <= _LONGEST_INTEGER:
        return int(text)
    return float(text) if _FLOAT.fullmatch(text) else text
