"""Merges YAML files into one document of plain values, each with its file, line and column."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from stat import S_ISREG
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from monitor.errors import Fault
from monitor.hiding import Secret

KeyPath = tuple[str | int, ...]

# Aliases of aliases may expand without limit ("billion laughs"); no configuration is this large.
MAX_NODES = 500_000
MAX_DEPTH = 32
# Also matches a bare `${`, so that a malformed variable is a fault instead of plain text.
VARIABLE = re.compile(
    r"\$\$\{|\$\{(?:(?P<name>[A-Za-z_]\w*)(?::-(?P<default>(?:(?!\$\{)[^}])*))?\})?"
)
_INTEGER = re.compile(r"[-+]?\d+", re.ASCII)
_FLOAT = re.compile(r"[-+]?(?:\d+\.\d*|\.\d+)(?:[eE][-+]?\d+)?", re.ASCII)
_CONSTANTS = {"null": None, "~": None, "": None, "true": True, "false": False}


@dataclass(frozen=True, slots=True)
class Place:
    """The file, line and column of a value or key.

    `literal` says that columns within the value are columns of the file; `secret`, that the value
    is from the environment and must not be shown.
    """

    file: Path
    line: int
    column: int
    literal: bool = False
    secret: bool = False

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"

    def fault(self, message: str, *, offset: int = 0) -> Fault:
        """Returns a fault at this place, or `offset` columns after it."""
        return Fault(self.file, self.line, self.column + offset, message)


@dataclass(slots=True)
class ConfigDocument:
    """The merged values of all files, with the places of values and keys by path."""

    values: dict[str, Any] = field(default_factory=dict)
    places: dict[KeyPath, Place] = field(default_factory=dict)
    keys: dict[KeyPath, Place] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    # For values with variables: the text in the file, with the variables' names only.
    written: dict[KeyPath, str] = field(default_factory=dict)
    # For the same values: each variable's value and its name.
    variables: dict[KeyPath, list[Secret]] = field(default_factory=dict)

    def place(self, path: KeyPath) -> Place:
        """Returns the place of a value, or of the nearest value that contains it."""
        while path not in self.places and path:
            path = path[:-1]
        return self.places[path]


def escaped(text: str) -> str:
    """Escapes a text so that it is read literally, without variables."""
    return text.replace("${", "$${")


def files(directory: Path, failed: Callable[[OSError], None] | None = None) -> list[Path]:
    """Returns the YAML files below a directory, except hidden ones, sorted.

    Calls `failed` for each directory that cannot be read.
    """
    paths: list[Path] = []
    for parent, subdirectories, names in os.walk(directory, onerror=failed):
        subdirectories[:] = [name for name in subdirectories if not name.startswith(".")]
        paths += [
            Path(parent, name)
            for name in names
            if name.endswith((".yaml", ".yml")) and not name.startswith(".")
        ]
    return sorted(filter(_may_be_read, paths))


def _may_be_read(path: Path) -> bool:
    """Returns whether a file may be opened; a pipe, for example, would block."""
    try:
        return S_ISREG(path.stat().st_mode)
    except OSError:
        # For example a broken link: reading it reports a fault, skipping it would lose watchlists.
        return True


def read(
    directory: Path, environ: Mapping[str, str], instead: Mapping[Path, str] | None = None
) -> ConfigDocument:
    """Reads and merges all files of a directory; errors become faults of the document.

    `instead` holds texts to read in place of files, which need not exist.
    """
    source = ConfigDocument(places={(): Place(directory, 1, 1)})

    def failed(error: OSError) -> None:
        missing = isinstance(error, FileNotFoundError | NotADirectoryError)
        why = "no such directory" if missing else f"cannot be read: {error.strerror}"
        source.faults.append(Place(Path(error.filename), 1, 1).fault(why))

    texts = instead or {}
    for file in sorted({*files(directory, failed), *texts}):
        _FileReader(file, environ, source).read(texts.get(file))
    return source


class _FileReader:
    """Reads one file into a document."""

    def __init__(self, file: Path, environ: Mapping[str, str], source: ConfigDocument) -> None:
        self._file = file
        self._environ = environ
        self._source = source
        self._nodes = 0

    def read(self, text: str | None = None) -> None:
        start = Place(self._file, 1, 1)
        try:
            text = self._file.read_text(encoding="utf-8-sig") if text is None else text
            node = YAML(typ="safe", pure=True).compose(text)
        except MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            at = Place(self._file, mark.line + 1, mark.column + 1) if mark else start
            problem = error.problem or error.context
            if problem and problem.startswith("but ") and error.context:
                problem = f"{error.context}, {problem}"
            self._fault(at, f"not valid YAML: {problem}")
        except UnicodeDecodeError as error:
            self._fault(start, f"not UTF-8 at byte {error.start}; save the file as UTF-8")
        except OSError as error:
            self._fault(start, f"cannot be read: {error.strerror}")
        except (YAMLError, ValueError, RecursionError, TypeError, AttributeError) as error:
            # ruamel raises each of these for some documents that are not YAML.
            self._fault(start, f"not valid YAML: {str(error).partition(chr(10))[0] or 'too deep'}")
        else:
            if node is not None:
                self._merge(node)

    def _fault(self, place: Place, message: str) -> None:
        self._source.faults.append(place.fault(message))

    def _merge(self, node: Node) -> None:
        """Merges a file's top level: joins lists, merges mappings key by key."""
        if not isinstance(node, MappingNode):
            if not (isinstance(node, ScalarNode) and not node.value):
                self._fault(
                    self._place(node), "must hold keys such as `feeds:`, not a single value"
                )
            return
        for key, key_place, value in self._pairs(node):
            values = self._source.values
            if isinstance(value, SequenceNode) and isinstance(values.get(key, []), list):
                joined = values.setdefault(key, [])
                self._source.places.setdefault((key,), self._place(value))
                for item in value.value:
                    joined.append(self._plain(item, (key, len(joined))))
            elif isinstance(value, ScalarNode) and self._scalar(value, self._place(value)) is None:
                continue
            else:
                self._put(values, (key,), key_place, value)
            self._source.keys.setdefault((key,), key_place)

    def _put(self, into: dict[str, Any], path: KeyPath, key_place: Place, node: Node) -> None:
        name = str(path[-1])
        present = into.get(name)
        if isinstance(node, MappingNode) and isinstance(present, dict):
            for key, place, value in self._pairs(node):
                self._put(present, (*path, key), place, value)
        elif name in into:
            first = self._source.keys.get(path, self._source.place(path))
            self._fault(key_place, f"`{name}` is given twice, first at {first}")
        else:
            self._source.keys[path] = key_place
            into[name] = self._plain(node, path)

    def _pairs(self, node: MappingNode) -> Iterator[tuple[str, Place, Node]]:
        seen: dict[str, Place] = {}
        for key, value in node.value:
            place = self._place(key)
            name = key.value if isinstance(key, ScalarNode) else None
            if name is None:
                self._fault(place, "a key must be a word")
            elif name in seen:
                self._fault(place, f"`{name}` is given twice, first at {seen[name]}")
            else:
                seen[name] = place
                yield name, place, value

    def _plain(self, node: Node, path: KeyPath) -> Any:
        """Returns a node's plain value, and records the places of all values in it."""
        place = self._place(node)
        self._nodes += 1
        if self._nodes > MAX_NODES or len(path) > MAX_DEPTH:
            if self._nodes != MAX_NODES + 2:
                self._fault(place, "too large or too deep, with all its aliases")
            self._nodes = MAX_NODES + 1
            return None
        self._source.places[path] = place
        if isinstance(node, MappingNode):
            mapping: dict[str, Any] = {}
            for key, key_place, value in self._pairs(node):
                self._source.keys[(*path, key)] = key_place
                mapping[key] = self._plain(value, (*path, key))
            return mapping
        if isinstance(node, SequenceNode):
            return [self._plain(item, (*path, number)) for number, item in enumerate(node.value)]
        if not isinstance(node, ScalarNode):
            raise TypeError(f"unknown kind of node: {node}")
        if "${" in node.value:
            self._source.places[path] = Place(place.file, place.line, place.column, secret=True)
            self._record_variables(path, str(node.value))
        return self._scalar(node, place)

    def _record_variables(self, path: KeyPath, text: str) -> None:
        """Records how a text with variables may be shown, and the values that must be hidden."""
        variables = self._source.variables[path] = []

        def shown(variable: re.Match[str]) -> str:
            name = variable["name"]
            if name is None:
                return "${"
            variables.append((self._environ.get(name) or variable["default"] or "", f"${{{name}}}"))
            return f"${{{name}}}"

        self._source.written[path] = VARIABLE.sub(shown, text)

    def _scalar(self, node: ScalarNode, place: Place) -> Any:
        """Reads a scalar by YAML 1.2's core schema, except octal numbers and infinities."""
        text = str(node.value)
        if "${" in text:
            return self._expand(text, place)
        if node.style in {"'", '"', "|", ">"}:
            return text
        if text.lower() in _CONSTANTS:
            return _CONSTANTS[text.lower()]
        if _INTEGER.fullmatch(text) and len(text) < MAX_DEPTH:
            return int(text)
        return float(text) if _FLOAT.fullmatch(text) else text

    def _expand(self, text: str, place: Place) -> str:
        """Replaces ${NAME} and ${NAME:-default} from the environment; $${ means ${."""

        def value(variable: re.Match[str]) -> str:
            if variable[0] == "$${":
                return "${"
            name, default = variable["name"], variable["default"]
            if name is None:
                self._fault(
                    place,
                    "`${` must begin a variable such as ${NAME} or ${NAME:-default}; "
                    "write $${ for the characters themselves",
                )
                return ""
            given = self._environ.get(name) or default
            if given is None:
                self._fault(
                    place,
                    f"the environment has no {name}; set it, or write ${{{name}:-default}}",
                )
            return given or ""

        return VARIABLE.sub(value, text)

    def _place(self, node: Node) -> Place:
        mark, end = node.start_mark, node.end_mark
        quoted = getattr(node, "style", None) in {"'", '"'}
        literal = (
            isinstance(node, ScalarNode)
            and node.style not in {"|", ">"}
            and mark.line == end.line
            # An escape in quotes takes more columns than the character that it means.
            and end.column - mark.column == len(node.value) + 2 * quoted
        )
        column = mark.column + 1 + (quoted and literal)
        return Place(self._file, mark.line + 1, column, literal=literal)
