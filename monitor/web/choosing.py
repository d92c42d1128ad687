"""Reads which alerts are asked for from a page's address. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, get_args

from monitor.archive.browse import AlertFilter, Cursor, Marked
from monitor.archive.muted import MutedCursor
from monitor.archive.volumes import Buckets

PERIODS = {"24h": "24 hours", "7d": "7 days", "30d": "30 days", "365d": "a year"}
DEFAULT_PERIOD = "7d"
PRIORITIES = ("high", "normal", "low")
MOST_VALUES = 50

_PERIOD = re.compile(r"([1-9]\d{0,3})([hd])", re.ASCII)
_MUTED_CURSOR = re.compile(r"(\d{1,15})-([0-9a-f]{1,64})-(.{1,200})", re.ASCII | re.DOTALL)
_CURSOR = re.compile(r"(\d{1,15})-([0-9a-f]{1,64})", re.ASCII)
EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
_UNITS = {"h": "hours", "d": "days"}
_HOUR, _DAY, _WEEK = timedelta(hours=1), timedelta(days=1), timedelta(days=7)
# A Monday, at which weeks begin.
_FIRST_MONDAY = datetime(1970, 1, 5, tzinfo=UTC)
# Longer periods are counted by day, and then by week.
MOST_HOURS = 48
MOST_DAYS = 92
# Ten years.
MOST_WEEKS = 522
UNIT_NAMES = {_HOUR: "hour", _DAY: "day", _WEEK: "week"}


def length(period: str) -> timedelta:
    """Returns how long a period such as `24h` or `7d` is; raises ValueError for anything else."""
    found = _PERIOD.fullmatch(period)
    if found is None:
        raise ValueError(f"{period!r} is not a period; write for example 24h or 7d")
    return timedelta(**{_UNITS[found[2]]: int(found[1])})


def rolling_buckets(period: str, now: datetime) -> Buckets:
    """Divides a period that ends now into hours, days or weeks; raises ValueError."""
    unit, count = _division(period)
    return Buckets(now - unit * count, unit, count)


def calendar_buckets(period: str, now: datetime) -> Buckets:
    """Divides a period into hours, days or weeks of the calendar in UTC; the last one holds `now`.

    Raises ValueError for what is not a period.
    """
    unit, count = _division(period)
    last = _FIRST_MONDAY + (now - _FIRST_MONDAY) // unit * unit
    return Buckets(last - unit * (count - 1), unit, count)


def _division(period: str) -> tuple[timedelta, int]:
    whole = length(period)
    if whole <= MOST_HOURS * _HOUR:
        return _HOUR, whole // _HOUR
    if whole <= MOST_DAYS * _DAY:
        return _DAY, -(-whole // _DAY)
    return _WEEK, min(-(-whole // _WEEK), MOST_WEEKS)


def alert_filter(
    parameters: Mapping[str, Any], lists: Mapping[str, list[str]], now: datetime
) -> AlertFilter:
    """Returns the selection that an address names; raises ValueError for one that is not valid.

    `lists` holds the parameters that may be given several times.
    """
    show = parameters.get("show") or None
    if show is not None and show not in get_args(Marked):
        raise ValueError(f"{show!r} is not one of {', '.join(get_args(Marked))}")
    since = now - length(parameters.get("period") or DEFAULT_PERIOD)
    return AlertFilter(
        since=max(since, EARLIEST),
        watchlists=tuple(lists.get("watchlist", ()))[:MOST_VALUES],
        sources=tuple(lists.get("source", ()))[:MOST_VALUES],
        priorities=tuple(lists.get("priority", ()))[:MOST_VALUES],
        languages=tuple(lists.get("language", ()))[:MOST_VALUES],
        marked=show,
        query=str(parameters.get("q") or "").strip(),
    )


def cursor(written: str | None) -> Cursor | None:
    """Reads where a page begins, as `written_cursor` writes it; raises ValueError."""
    if not written:
        return None
    found = _CURSOR.fullmatch(written)
    if found is None:
        raise ValueError(f"{written!r} does not say where a page begins")
    return int(found[1]), found[2]


def written_cursor(at: Cursor | None) -> str | None:
    """Writes where a page begins for its address."""
    return None if at is None else f"{at[0]}-{at[1]}"


def muted_cursor(written: str | None) -> MutedCursor | None:
    """Reads where a page of muted matches begins; raises ValueError."""
    if not written:
        return None
    found = _MUTED_CURSOR.fullmatch(written)
    if found is None:
        raise ValueError(f"{written!r} does not say where a page begins")
    return int(found[1]), found[2], found[3]


def written_muted_cursor(at: MutedCursor | None) -> str | None:
    """Writes where a page of muted matches begins for its address."""
    return None if at is None else "-".join(map(str, at))
