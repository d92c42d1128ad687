"""The stored form of the records of a feed's entries: a hash with a field for each record.

A field's name is the identities that share the record, 8 bytes each; its value is the record: 8
bytes of version, 2 bytes for the last day on which the feed surely listed the entry, and 1 byte for
the edits, if there were any. An entry has about three identities, so that 30 entries take 30 fields
of 35 bytes. Only fields that change are written.

Before, each identity had a field of its own, in text; such fields are read, and the next change of
the feed replaces them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from itertools import groupby
from typing import NamedTuple, Self

from monitor.feeds.entries import Seen

_ID_BYTES = 8
# Redis packs a hash tightly as long as no name or value is longer than 64 bytes.
_FIELD_BYTES = 8 * _ID_BYTES
_PACKED_BYTES = 10
_MOST_EDITS = 255
# Two bytes for days since then suffice until the year 2179.
_DAY_0 = date(2000, 1, 1).toordinal()


class SeenRecord(NamedTuple):
    """The record of an entry, and the last day on which the feed surely listed it."""

    seen: Seen
    day: date

    def pack(self) -> bytes:
        """Returns the stored form."""
        days = max(self.day.toordinal() - _DAY_0, 0)
        edits = min(self.seen.edits, _MOST_EDITS)
        packed = bytes.fromhex(self.seen.version) + days.to_bytes(2)
        return packed + bytes([edits]) if edits else packed

    @classmethod
    def unpack(cls, stored: bytes) -> Self:
        """Reads what `pack` returned."""
        version, days, edits = (
            stored[:_ID_BYTES],
            stored[_ID_BYTES:_PACKED_BYTES],
            stored[_PACKED_BYTES:],
        )
        seen = Seen(version.hex(), edits[0] if edits else 0)
        return cls(seen, date.fromordinal(_DAY_0 + int.from_bytes(days)))

    @classmethod
    def parse(cls, stored: str) -> Self:
        """Reads a record in text: version, day and edits, separated by spaces."""
        version, day, *edits = stored.split(" ")
        return cls(Seen(version, int(edits[0]) if edits else 0), date.fromisoformat(day))


class StoredSeen:
    """The records of a feed as they are stored."""

    def __init__(self, stored: Mapping[bytes, bytes]) -> None:
        self._stored = stored
        self.records: dict[str, SeenRecord] = {}
        # The field of each identity.
        self._fields: dict[bytes, tuple[str, ...]] = {}
        self._outdated: list[bytes] = []
        for field, value in stored.items():
            if len(value) > _PACKED_BYTES + 1:
                self._outdated.append(field)
                self.records[field.decode()] = SeenRecord.parse(value.decode())
                continue
            names = tuple(_names(field))
            self._fields[field] = names
            self.records |= dict.fromkeys(names, SeenRecord.unpack(value))

    @property
    def seen(self) -> dict[str, Seen]:
        """Returns what is known of each entry, by identity."""
        return {name: record.seen for name, record in self.records.items()}

    def changes(self, wanted: Mapping[str, SeenRecord]) -> tuple[dict[bytes, bytes], set[bytes]]:
        """Returns the fields to set and those to delete, so that exactly `wanted` is stored."""
        changed: dict[bytes, bytes] = {}
        deleted = set(self._outdated)
        kept: set[str] = set()
        for field, names in self._fields.items():
            record = wanted.get(names[0])
            if record is None or any(wanted.get(name) != record for name in names[1:]):
                deleted.add(field)
                continue
            kept.update(names)
            if (value := record.pack()) != self._stored[field]:
                changed[field] = value
        others = [name for name in wanted if name not in kept]
        for record, sharing in groupby(others, key=wanted.__getitem__):
            identities = b"".join(map(bytes.fromhex, sharing))
            for start in range(0, len(identities), _FIELD_BYTES):
                changed[identities[start : start + _FIELD_BYTES]] = record.pack()
        return changed, deleted - changed.keys()


def _names(field: bytes) -> Iterator[str]:
    for start in range(0, len(field), _ID_BYTES):
        yield field[start : start + _ID_BYTES].hex()
