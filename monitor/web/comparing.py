"""Counts what coverage is compared by: watchlists, sources and languages, in steps of a period."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal

from fastapi import HTTPException

from monitor.archive.volumes import Buckets, match_volumes, origin_volumes
from monitor.web.choosing import calendar_buckets

if TYPE_CHECKING:
    from monitor.web.backend import Backend

DEFAULT_COVERAGE_PERIOD = "30d"
MOST_COMPARED = 6
OTHERS_NAME = "others"
UNKNOWN_NAME = "not known"
# Watchlists to choose from; those with the most articles, where there are more.
MOST_CHOICES = 60

# What the lines of the chart are.
By = Literal["watchlist", "source", "language"]


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the chart, and a column of the table: a watchlist, source, language or others."""

    name: str
    counts: tuple[int, ...]
    is_others: bool = False

    @property
    def total(self) -> int:
        """Returns how many articles there were."""
        return sum(self.counts)


@dataclass(frozen=True, slots=True)
class CoverageTable:
    """How many articles matched in each bucket, by watchlist, source or language."""

    buckets: Buckets
    lines: tuple[Line, ...]
    # The watchlists of which sources, languages and stories are shown; if empty, all of them.
    watchlists: tuple[str, ...]
    # The watchlists to choose from, those with the most articles first.
    choices: tuple[str, ...]


def coverage_table(served: Backend, period: str, chosen: Sequence[str], by: By) -> CoverageTable:
    """Counts for a page or a program; raises HTTPException for an address that means nothing."""
    try:
        buckets = calendar_buckets(period, datetime.now(UTC))
    except ValueError as error:
        raise HTTPException(422, f"{error}.") from error
    chosen = list(dict.fromkeys(chosen))
    if len(chosen) > MOST_COMPARED:
        raise HTTPException(422, f"At most {MOST_COMPARED} watchlists can be compared.")
    of_watchlists = match_volumes(served.reader, buckets)
    configured = [each.name for each in served.runtime.config.watchlists]
    names = _largest_first({*configured, *of_watchlists, *chosen}, of_watchlists)
    choices = tuple(dict.fromkeys([*chosen, *names[:MOST_CHOICES]]))
    if by == "watchlist":
        compared = chosen or names[:MOST_COMPARED]
        lines = _lines(of_watchlists, compared, buckets)
        return CoverageTable(buckets, lines, tuple(compared), choices)
    counts = origin_volumes(served.reader, buckets, by, chosen)
    compared = _largest_first(counts, counts)[:MOST_COMPARED]
    return CoverageTable(buckets, _lines(counts, compared, buckets), tuple(chosen), choices)


def _largest_first(names: Iterable[str], counts: Mapping[str, Sequence[int]]) -> list[str]:
    return sorted(names, key=lambda name: (-sum(counts.get(name, ())), name))


def _lines(
    counts: Mapping[str, tuple[int, ...]], compared: Sequence[str], buckets: Buckets
) -> tuple[Line, ...]:
    """Returns a line for each name that is compared, and one for all others together, if any."""
    nothing = (0,) * buckets.count
    lines = [Line(name, counts.get(name, nothing)) for name in compared]
    others = [each for name, each in counts.items() if name not in set(compared)]
    if others:
        lines.append(Line(OTHERS_NAME, tuple(map(sum, zip(*others, strict=True))), is_others=True))
    return tuple(lines)
