"""Merges YAML files into one document of plain values, each with its file, line and column."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from stat import S_ISREG
from typing import Any

from monitor.config.places import (
    KeyPath,
    ListSpot,
    MappingSpot,
    Place,
    Spot,
    packed,
    spot_in,
    unpacked,
)
from monitor.config.variables import Expansion
from monitor.config.yaml_text import read_text
from monitor.errors import Fault


class ConfigDocument:
    """The merged `values` of all files, the places of values and keys, and the `faults` so far."""

    def __init__(self, directory: Path) -> None:
        """Begins without values; what is in no file has its place at the directory."""
        self.values: dict[str, Any] = {}
        self.faults: list[Fault] = []
        self._files = {0: directory}
        self._root = MappingSpot(packed(0, 1, 1), {}, {})
        self._expansions: dict[int, Expansion] = {}

    def place(self, path: KeyPath) -> Place:
        """Returns the place of a value, or of the nearest value that contains it."""
        return unpacked(self._nearest(path)[0], self._files)

    def key_place(self, path: KeyPath) -> Place | None:
        """Returns the place of a key in a mapping, if there is such a key."""
        mapping, depth = self._nearest(path[:-1])
        key = path[-1] if depth == len(path) - 1 else None
        if not isinstance(mapping, MappingSpot) or key not in mapping.keys:
            return None
        return unpacked(mapping.keys[str(key)], self._files)

    def spot(self, path: KeyPath) -> Spot:
        """Returns the spot of a value, or of the nearest value that contains it."""
        return self._nearest(path)[0]

    def expansion(self, path: KeyPath) -> Expansion | None:
        """Returns how a text with variables was read; None for a value without."""
        spot = self.spot(path)
        return self._expansions.get(spot) if isinstance(spot, int) else None

    def _nearest(self, path: KeyPath) -> tuple[Spot, int]:
        """Returns the spot of the last value on a path that exists, and how far down it is."""
        spot: Spot = self._root
        for depth, part in enumerate(path):
            inner = spot_in(spot, part)
            if inner is None:
                return spot, depth
            spot = inner
        return spot, len(path)

    def add(self, file: Path, text: str, environ: Mapping[str, str]) -> None:
        """Adds the text of a file: joins lists, merges mappings key by key."""
        number = len(self._files)
        self._files[number] = file
        read = read_text(text, file, number, environ)
        self.faults += read.faults
        self._expansions |= read.expansions
        if isinstance(read.value, dict) and isinstance(read.spot, MappingSpot):
            for key, value in read.value.items():
                if value is not None:
                    self._merge(key, value, read.spot)
        elif read.value not in (None, ""):
            place = unpacked(read.spot, self._files)
            why = "must hold keys such as `feeds:`, not a single value"
            self.faults.append(place.fault(why))

    def _merge(self, key: str, value: Any, source: MappingSpot) -> None:
        """Merges the value of a key at a file's top level; `source` is that level's spot."""
        spot, joined = source.inner[key], self.values.get(key, [])
        if isinstance(spot, ListSpot) and isinstance(joined, list):
            spots = self._root.inner.setdefault(key, ListSpot(spot.at, []))
            if isinstance(spots, ListSpot):
                spots.inner.extend(spot.inner)
            self.values.setdefault(key, []).extend(value)
            self._root.keys.setdefault(key, source.keys[key])
        else:
            self._put(self.values, self._root, key, value, source)

    def _put(
        self, values: dict[str, Any], spots: MappingSpot, key: str, value: Any, source: MappingSpot
    ) -> None:
        """Puts a value under a key, or merges what it maps with what is there."""
        spot, at = source.inner[key], source.keys[key]
        if key not in values:
            spots.inner[key], spots.keys[key] = spot, at
            values[key] = value
            if isinstance(spot, MappingSpot):
                # Another mapping, as an alias may have put this one in several places.
                values[key], spots.inner[key] = {}, MappingSpot(spot.at, {}, {})
        elif not (isinstance(value, dict) and isinstance(values[key], dict)):
            first = unpacked(spots.keys[key], self._files)
            self.faults.append(
                unpacked(at, self._files).fault(f"`{key}` is given twice, first at {first}")
            )
            return
        inner_spots = spots.inner[key]
        if isinstance(spot, MappingSpot) and isinstance(inner_spots, MappingSpot):
            for inner_key, inner in value.items():
                self._put(values[key], inner_spots, inner_key, inner, spot)


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
    source = ConfigDocument(directory)

    def failed(error: OSError) -> None:
        missing = isinstance(error, FileNotFoundError | NotADirectoryError)
        why = "no such directory" if missing else f"cannot be read: {error.strerror}"
        source.faults.append(Place(Path(error.filename), 1, 1).fault(why))

    texts = instead or {}
    for file in sorted({*files(directory, failed), *texts}):
        start = Place(file, 1, 1)
        try:
            text = texts[file] if file in texts else file.read_text(encoding="utf-8-sig")
        except UnicodeDecodeError as error:
            why = f"not UTF-8 at byte {error.start}; save the file as UTF-8"
            source.faults.append(start.fault(why))
        except OSError as error:
            source.faults.append(start.fault(f"cannot be read: {error.strerror}"))
        else:
            source.add(file, text, environ)
    return source
