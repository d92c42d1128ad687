"""Moments as pages write them, and which of several is meant. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta, timezone
from email.utils import parsedate_to_datetime

_MAX_CHARS = 64
# Outside of these years stand the zeroes and infinities of databases; so does the first of 1970.
_YEARS = range(1700, 2101)
_EPOCH_YEAR = 1970

_DAY = re.compile(r"\d{4}-?\d\d-?\d\d")
_SPACED_ZONE = re.compile(r"\s+(?=[+-]\d\d:?\d\d$)")
_UTC = re.compile(r"\s*(?:UTC|GMT|Z)$", re.IGNORECASE)
_EPOCH = re.compile(r"\d{10}(?:\d{3})?")
_TIMESTAMP = re.compile(r"\d{14}")
# With points, the day comes first everywhere; with slashes, nobody knows.
_POINTED = re.compile(
    r"(\d{1,2})\.(\d{1,2})\.(\d{4})(?:\D{1,6}(\d{1,2})[:.](\d\d)(?::(\d\d))?)?\D{0,5}"
)
# java.util.Date.toString, with the names of zones that mean one offset only.
_JAVA = re.compile(r"\w{3} (\w{3} \d\d \d\d:\d\d:\d\d) (\w{3,5}) (\d{4})")
_ZONES = {
    "UTC": 0, "GMT": 0, "WET": 0, "WEST": 1, "CET": 1, "MEZ": 1, "CEST": 2, "MESZ": 2, "EET": 2,
    "EEST": 3, "MSK": 3, "SAST": 2, "JST": 9, "KST": 9, "EST": -5, "EDT": -4, "CDT": -5, "MST": -7,
    "MDT": -6, "PST": -8, "PDT": -7, "AEST": 10, "AEDT": 11, "NZST": 12, "NZDT": 13,
}  # fmt: skip


def moment_of(value: object) -> datetime | None:
    """A moment in UTC; a day alone is its beginning, and what has no zone is in UTC."""
    stamp = stamp_of(value)
    return _in_utc(stamp) if stamp else None


def stamp_of(value: object) -> datetime | None:
    """A moment as it is written, with a zone where one is said; None for what can be none."""
    if not isinstance(value, str):
        return None
    text = value[: 2 * _MAX_CHARS].strip()
    if not text or len(text) > _MAX_CHARS:
        return None
    try:
        stamp = _iso(text) or _other(text)
    except (ValueError, OverflowError, TypeError, IndexError):
        return None
    if stamp is None or stamp.year not in _YEARS:
        return None
    return None if (stamp.year, stamp.month, stamp.day) == (_EPOCH_YEAR, 1, 1) else stamp


def _iso(text: str) -> datetime | None:
    """ISO 8601, and what differs from it by a space before the zone or a zone in letters."""
    if _EPOCH.fullmatch(text) or _TIMESTAMP.fullmatch(text):
        return None
    try:
        return datetime.fromisoformat(_UTC.sub("+00:00", _SPACED_ZONE.sub("", text)))
    except ValueError:
        return None


def _other(text: str) -> datetime | None:
    """Seconds or milliseconds since 1970, `20260102030405`, `2.1.2026, 03:04`, Java's, mail's."""
    if _EPOCH.fullmatch(text):
        return datetime.fromtimestamp(int(text[:10]), UTC)
    if _TIMESTAMP.fullmatch(text):
        return datetime.strptime(text, "%Y%m%d%H%M%S")  # noqa: DTZ007  the zone is found out later
    pointed = _POINTED.fullmatch(text)
    if pointed:
        day, month, year, hour, minute, second = (int(part or 0) for part in pointed.groups())
        return datetime(year, month, day, hour, minute, second)  # noqa: DTZ001  the same
    java = _JAVA.fullmatch(text)
    if java:
        stamp = datetime.strptime(f"{java[1]} {java[3]}", "%b %d %H:%M:%S %Y")  # noqa: DTZ007
        offset = _ZONES.get(java[2])
        zone = None if offset is None else timezone(timedelta(hours=offset))
        return stamp.replace(tzinfo=zone)
    return parsedate_to_datetime(text)


def published(claims: Sequence[object], elsewhere: Iterable[object] = ()) -> datetime | None:
    """The moment meant by the first claim that is one, in UTC.

    Other claims of the same day add the time of day, or the zone, that the first leaves out;
    `elsewhere` are moments of other kinds on the page, which tell the zone alone.
    """
    stamps = [(stamp, _is_day(claim)) for claim in claims if (stamp := stamp_of(claim))]
    if not stamps:
        return None
    chosen, is_day = stamps[0]
    near = [
        (stamp, other_is_day)
        for stamp, other_is_day in stamps
        if abs(_in_utc(stamp) - _in_utc(chosen)) <= timedelta(days=1)
    ]
    if is_day:
        chosen, is_day = next(((stamp, False) for stamp, day in near if not day), stamps[0])
    if is_day:
        return _in_utc(chosen)
    if chosen.tzinfo is None:
        chosen = next((stamp for stamp, day in near if stamp.tzinfo and not day), chosen)
    return _in_utc(_zoned(chosen, [*(stamp for stamp, _ in stamps), *map(stamp_of, elsewhere)]))


def _is_day(claim: object) -> bool:
    text = str(claim).strip()
    pointed = _POINTED.fullmatch(text)
    return bool(_DAY.fullmatch(text)) or bool(pointed and pointed[4] is None)


def _zoned(stamp: datetime, others: Iterable[datetime | None]) -> datetime:
    """The stamp in the zone in which others have the same time on the clock.

    Some write a local time and say that it is UTC: an offset beside it is believed rather than `Z`.
    """
    if stamp.utcoffset():
        return stamp
    local = stamp.replace(tzinfo=None, second=0, microsecond=0)
    zoned = [other for other in others if other is not None and other.utcoffset() is not None]
    for other in zoned:
        same_clock = other.replace(tzinfo=None, second=0, microsecond=0) == local
        if same_clock and other.utcoffset():
            return stamp.replace(tzinfo=other.tzinfo)
    if stamp.tzinfo is None:
        for other in zoned:
            # A zone's offset holds for its season: nothing is said of a time half a year apart.
            near = abs(other.replace(tzinfo=None) - local) < timedelta(days=45)
            if other.utcoffset() and near:
                return stamp.replace(tzinfo=other.tzinfo)
    return stamp


def _in_utc(stamp: datetime) -> datetime:
    return (stamp if stamp.tzinfo else stamp.replace(tzinfo=UTC)).astimezone(UTC)
