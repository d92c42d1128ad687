"""Divides long lists into pages with addresses. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

PAGE_LENGTH = 100

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Sheet(Generic[T]):
    """A page of a list; `number` counts from 1, and `total` is the length of the list.

    `length` is how many rows a page has, but for the last one.
    """

    rows: Sequence[T]
    number: int
    total: int
    length: int = PAGE_LENGTH

    @property
    def last(self) -> int:
        """Returns the number of the last page."""
        return max(1, -(-self.total // self.length))

    @property
    def first_row(self) -> int:
        """Returns the number of the page's first row in the whole list, from 1."""
        return (self.number - 1) * self.length + 1


def sheet(rows: Sequence[T], number: int, length: int = PAGE_LENGTH) -> Sheet[T]:
    """Returns a page of a list; the last one if the list is shorter."""
    last = max(1, -(-len(rows) // length))
    number = min(max(number, 1), last)
    start = (number - 1) * length
    return Sheet(rows[start : start + length], number, len(rows), length)
