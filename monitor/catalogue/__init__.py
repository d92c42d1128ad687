"""A catalogue of publishers and where they say their feeds are, from public lists.

Nobody has tried these addresses: whoever suggests one says so, and polls it before it is added.
`packaging/catalogue.py` makes it. It is read when it is asked for, and imported by commands only.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from urllib.parse import urlsplit


@dataclass(frozen=True, slots=True)
class Publisher:
    """A publisher of a country (ISO 3166-1) and the address of its feed or sitemap.

    `language` (ISO 639) is "" if the list does not say it, `name` may be the publisher's domain,
    and `source` is the key of the list that has it.
    """

    country: str
    language: str
    name: str
    url: str
    kind: str
    source: str

    @property
    def is_named(self) -> bool:
        """Returns whether the name is one, and not only the domain."""
        return not (urlsplit(self.url).hostname or "").endswith(self.name)


@dataclass(frozen=True, slots=True)
class Source:
    """A public list of publishers, its licence (SPDX), and the state that was taken."""

    key: str
    title: str
    address: str
    licence: str
    commit: str
    date: date


def publishers() -> Iterator[Publisher]:
    """Yields all publishers, by country and name."""
    for row in _rows("publishers.csv"):
        yield Publisher(**row)


def sources() -> Iterator[Source]:
    """Yields the lists that the catalogue was made of."""
    for row in _rows("sources.csv"):
        taken = date.fromisoformat(row.pop("date"))
        yield Source(**row, date=taken)


def _rows(name: str) -> Iterator[dict[str, str]]:
    yield from csv.DictReader(Path(__file__).parent.joinpath(name).read_text("utf-8").splitlines())
