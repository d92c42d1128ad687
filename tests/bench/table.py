"""Rows of the table that `make bench` prints: a goal, the figure measured, and the verdict."""

import signal
import sys
from collections.abc import Iterable
from dataclasses import dataclass

KEPT, MISSED, NO_GOAL = "kept", "MISSED", ""


@dataclass(frozen=True)
class Row:
    """A line of the table."""

    what: str
    figure: str
    goal: str = ""
    verdict: str = NO_GOAL


def at_most(what, value, limit, unit="", digits=2):
    """Returns a row whose goal is a value of at most `limit`; None is a value that never came."""
    kept = value is not None and value <= limit
    return _judged(what, value, f"≤ {limit:,g}{unit}", kept, unit, digits)


def at_least(what, value, limit, unit="", digits=2):
    """Returns a row whose goal is a value of at least `limit`; None is a value that never came."""
    kept = value is not None and value >= limit
    return _judged(what, value, f"≥ {limit:,g}{unit}", kept, unit, digits)


def figure(what, value, unit="", digits=2):
    """Returns a row without a goal."""
    return Row(what, _written(value, unit, digits))


def skipped(what, why):
    """Returns a row for what could not be measured."""
    return Row(what, f"skipped: {why}")


def _judged(what, value, goal, kept, unit, digits):
    return Row(what, _written(value, unit, digits), goal, KEPT if kept else MISSED)


def _written(value, unit, digits):
    return "never" if value is None else f"{value:,.{digits}f}{unit}"


def quantile(values, share):
    """Returns the value that `share` of the values do not exceed; one that never came is None."""
    if not values:
        return None
    ordered = sorted(values, key=lambda value: (value is None, value))
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def rate(times, low=0.1, high=0.9):
    """Returns events a second between two quantiles of their times."""
    begin, end = quantile(times, low), quantile(times, high)
    return (high - low) * len(times) / (end - begin) if end > begin else 0.0


def say(text):
    """Reports progress, apart from the table."""
    print(f"  … {text}", file=sys.stderr, flush=True)


def show(rows: Iterable[Row]):
    """Prints rows as one table, and returns how many goals are missed."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        table = list(rows)
    except KeyboardInterrupt:
        sys.exit(130)
    lines = [("goal", "figure", "", ""), *((r.what, r.figure, r.goal, r.verdict) for r in table)]
    widths = [max(len(line[column]) for line in lines) for column in range(3)]
    for what, measured, goal, verdict in lines:
        print(f"{what:<{widths[0]}}  {measured:>{widths[1]}}  {goal:<{widths[2]}}  {verdict}")
    return sum(row.verdict == MISSED for row in table)
