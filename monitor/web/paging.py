"""Divides long lists into pages with addresses. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

PAGE_LENGTH = 100

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Sheet(Generic[T]):
    """A page of a list; `number` counts from 1, and `total` is the length of the list."""

    rows: Sequence[T]
    number: int
    total: int

    @property
    def last(self) -> int:
        """Returns the number of the last page."""
        return max(1, -(-self.total // PAGE_LENGTH))

    @property
    def first_row(self) -> int:
        """Returns the number of the page's first row in the whole list, from 1."""
        return (self.number - 1) * PAGE_LENGTH + 1


def sheet(rows: Sequence[T], number: int) -> Sheet[T]:
    """Returns a page of a list; the last one if the list is shorter."""
    last = max(1, -(-len(rows) // PAGE_LENGTH))
    number = min(max(number, 1), last)
    start = (number - 1) * PAGE_LENGTH
    return Sheet(rows[start : start + PAGE_LENGTH], number, len(rows))
