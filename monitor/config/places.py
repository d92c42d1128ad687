"""Places of values in files, kept in one number each: a configuration has a million of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from monitor.errors import Fault

KeyPath = tuple[str | int, ...]

# From the lowest bit: secret, literal, column, line, number of the file.
_SECRET = 1
_LITERAL = 2
_COLUMN_BITS = 32
_LINE_BITS = 32


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
class ListSpot:
    """The place of a list, and the spots of its values."""

    at: int
    inner: list[Spot]


@dataclass(slots=True)
class MappingSpot:
    """The place of a mapping, and the spots of its values and its keys."""

    at: int
    inner: dict[str, Spot]
    keys: dict[str, int]


# The place of a value as a number, with the places of the values in it if there may be any.
Spot = int | ListSpot | MappingSpot


def packed(file: int, line: int, column: int, *, literal: bool = False) -> int:
    """Returns a place as a number; `file` is the file's number, lines and columns count from 1."""
    return (((file << _LINE_BITS | line) << _COLUMN_BITS | column) << 2) | (
        _LITERAL if literal else 0
    )


def as_secret(at: int) -> int:
    """Returns the place of a value that is from the environment."""
    return (at | _SECRET) & ~_LITERAL


def is_secret(spot: Spot) -> bool:
    """Returns whether a value, or a value in it, is from the environment."""
    match spot:
        case int():
            return bool(spot & _SECRET)
        case ListSpot():
            return any(map(is_secret, spot.inner))
        case MappingSpot():
            return any(map(is_secret, spot.inner.values()))


def spot_in(spot: Spot, part: str | int) -> Spot | None:
    """Returns the spot of one value in a mapping or list, if there is such a value."""
    match spot, part:
        case MappingSpot(), str():
            return spot.inner.get(part)
        case ListSpot(), int() if part < len(spot.inner):
            return spot.inner[part]
    return None


def unpacked(spot: Spot, files: Mapping[int, Path]) -> Place:
    """Returns a place from its number; `files` are the files by their numbers."""
    at = spot if isinstance(spot, int) else spot.at
    rest = at >> 2
    column = rest & ((1 << _COLUMN_BITS) - 1)
    line = rest >> _COLUMN_BITS & ((1 << _LINE_BITS) - 1)
    file = files[rest >> _COLUMN_BITS + _LINE_BITS]
    return Place(file, line, column, bool(at & _LITERAL), bool(at & _SECRET))
