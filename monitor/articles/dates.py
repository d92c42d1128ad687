"""Moments as feeds and pages write them, and which of several is meant. Pure.

Strict forms are read here, which takes microseconds; everything else is dateparser's, which knows
the months of 37 languages and takes milliseconds.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta, timezone
from functools import cache, lru_cache
from typing import NamedTuple

from dateparser.date import DateDataParser
from dateparser.timezone_parser import pop_tz_offset_from_string

_MAX_CHARS = 64
# Outside of these years are the zeroes and infinities of databases; so is the first of 1970.
_YEARS = range(1700, 2101)
_EPOCH_YEAR = 1970
# Feeds are younger than that, and do not announce what appears the day after tomorrow.
_FIRST_FEED_YEAR = 1990
_MOST_AHEAD = timedelta(days=1)
_MOST_ODD = 1_000
_FUTILE = 5

_DAY = re.compile(r"\d{4}-?\d\d-?\d\d")
# A zone after a space, and one with a digit too few: `10:00:00 +0100`, `10:00:00+1`, `+02:0`.
_ISO_ZONE = re.compile(r"(?<=\d) ?([+-])(\d\d?)(?::(\d\d?))?$")
_UTC = re.compile(r" ?(?:UTC|GMT|Z)$", re.IGNORECASE)
_EPOCH = re.compile(r"(\d{10})(?:\d{3}|\.\d{1,9})?")
_TIMESTAMP = re.compile(r"\d{14}")
# RFC 5322, with or without weekday, seconds and zone, the weekday in any language.
_MAIL = re.compile(
    r"(?:[^\W\d]{2,12}\.?,? ?)?(\d{1,2})[ -]([A-Za-z]{3,9})[ -](\d{4}|\d\d)"
    r" (\d{1,2}):(\d\d)(?::(\d\d))?(?: ?([+-]\d{4}|[A-Za-z]{1,5}))?"
)
_MONTHS = (
    "january february march april may june july august september october november december".split()
)
_CENTURY_ENDS = 69  # RFC 5322, section 4.3, and what others make of it
# What is no date, dateparser would look for in every language.
_HAS_YEAR = re.compile(r"(?<!\d)(?:1[7-9]|20)\d\d(?!\d)|\d[./-]\d\d?[./-]\d\d(?!\d)")
_NUMERIC = re.compile(r"(?<!\d)(\d{1,2})([./-]) ?(\d{1,2})[./-] ?(\d{4}|\d\d)(?!\d)")
_MONTHS_OF_YEAR = 12
# Names that IANA's data have for several offsets today. RFC 822 gives PST, CDT and the other names
# of North America a meaning; China's CST is common in feeds all the same.
_AMBIGUOUS = re.compile(r"\b(?:IST|CST)\b")
_INDIA = timedelta(hours=5, minutes=30)
_LANGUAGES = (
    "en de fr es it pt nl sv da nb fi pl cs sk sl hr sr hu ro bg ru uk el tr ar he fa hi id vi"
    " ca et lv lt ja ko zh"
).split()


class Stamp(NamedTuple):
    """A moment as it is written: without tzinfo when no zone that we know is said.

    `is_doubtful` tells that day and month, or the zone, might be others.
    """

    at: datetime
    has_time: bool
    is_doubtful: bool = False


def stamp_of(value: object, *, strictly: bool = False) -> Stamp | None:
    """Read a moment; None when `value` is not one, or `strictly` and in no form that is quick."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        value = f"{value:.0f}" if abs(value) < 10**13 else ""
    if not isinstance(value, str):
        return None
    text = " ".join(value[: 4 * _MAX_CHARS].split())
    if not text or len(text) > _MAX_CHARS:
        return None
    try:
        stamp = _epoch(text) or _iso(text) or _mail(text) or (None if strictly else _other(text))
    except (ValueError, OverflowError):
        return None
    if stamp is None or stamp.at.year not in _YEARS:
        return None
    at = stamp.at
    return None if (at.year, at.month, at.day) == (_EPOCH_YEAR, 1, 1) else stamp


class FeedDates:
    """Reads the dates of one document: a thousand in odd forms, or two hundred that are none."""

    def __init__(self, now: datetime) -> None:
        self._now = now
        # One takes 3 ms, what is none 13 ms, and a document may hold 50,000.
        self._odd_left = _MOST_ODD

    def read(self, *values: object) -> tuple[datetime | None, bool]:
        """The first of `values` that is a moment, in UTC, and whether it is doubtful.

        Doubtful are moments without a zone or with an ambiguous one, those whose day might be the
        month, those before 1990, and those more than a day ahead.
        """
        for stamp in map(self._stamp, values):
            if stamp is not None:
                at = _in_utc(stamp.at)
                is_odd = at.year < _FIRST_FEED_YEAR or at > self._now + _MOST_AHEAD
                return at, stamp.is_doubtful or stamp.at.tzinfo is None or is_odd
        return None, False

    def _stamp(self, value: object) -> Stamp | None:
        stamp = stamp_of(value, strictly=True)
        if stamp is None and value and self._odd_left:
            stamp = stamp_of(value)
            self._odd_left = max(0, self._odd_left - (1 if stamp else _FUTILE))
        return stamp


def _epoch(text: str) -> Stamp | None:
    """Seconds or milliseconds since 1970, or `20260102030405`."""
    if epoch := _EPOCH.fullmatch(text):
        return Stamp(datetime.fromtimestamp(int(epoch[1]), UTC), has_time=True)
    if _TIMESTAMP.fullmatch(text):
        return Stamp(datetime.strptime(text, "%Y%m%d%H%M%S"), has_time=True)  # noqa: DTZ007
    return None


def _iso(text: str) -> Stamp | None:
    """ISO 8601, and what differs from it by the way of writing the zone."""
    zoned = _UTC.sub("+00:00", text)
    if ":" in text:
        zoned = _ISO_ZONE.sub(lambda zone: f"{zone[1]}{zone[2]:0>2}:{zone[3] or '':0<2}", zoned)
    try:
        at = datetime.fromisoformat(zoned.replace(" +", "+").replace(" -", "-"))
    except ValueError:
        return None
    return Stamp(at, has_time=not _DAY.fullmatch(text))


def _mail(text: str) -> Stamp | None:
    """RFC 5322 with English months, which most feeds write."""
    found = _MAIL.fullmatch(text)
    month = _month(found[2]) if found else None
    if found is None or month is None:
        return None
    day, year, hour, minute, second = (int(found[part] or 0) for part in (1, 3, 4, 5, 6))
    if len(found[3]) == 2:  # noqa: PLR2004
        year += 2000 if year < _CENTURY_ENDS else 1900
    name = found[7] or ""
    if name.upper() in ("AM", "PM"):
        return None
    at = datetime(year, month, day, hour, minute, min(second, 59), tzinfo=_zone(name))
    return Stamp(at, has_time=True, is_doubtful=bool(_AMBIGUOUS.search(name)))


def _month(name: str) -> int | None:
    name = name.lower()
    starts = (at for at, month in enumerate(_MONTHS, start=1) if month.startswith(name))
    return 9 if name == "sept" else next(starts, None)


@cache
def _parser() -> DateDataParser:
    return DateDataParser(
        languages=_LANGUAGES,
        use_given_order=True,
        settings={
            # No `yesterday`, no `3 hours ago`, no clock without a day, no day without a year.
            "PARSERS": ["absolute-time"],
            "STRICT_PARSING": True,
            "REQUIRE_PARTS": ["day", "month", "year"],
            "DATE_ORDER": "DMY",
            "TIMEZONE_ABBREVIATIONS": {"IST": _INDIA},
            "CACHE_SIZE_LIMIT": 1_000,
        },
    )


@lru_cache(maxsize=1_000)
def _other(text: str) -> Stamp | None:
    """Any other way of writing a whole date, in the languages that we know."""
    if not _HAS_YEAR.search(text):
        return None
    try:
        found = _parser().get_date_data(text)
    except Exception:  # noqa: BLE001 - whatever a library makes of a stranger's text
        return None
    if found.date_obj is None:
        return None
    offset = found.date_obj.utcoffset()
    zone = None if offset is None else timezone(offset)
    return Stamp(
        found.date_obj.replace(tzinfo=zone),
        has_time="time" in found.parts,
        is_doubtful=_is_ambiguous(text) or bool(_AMBIGUOUS.search(text)),
    )


def _is_ambiguous(text: str) -> bool:
    """Whether day, month and year could be others. With points, the day comes first everywhere."""
    found = _NUMERIC.search(text)
    if found is None or found[2] == ".":
        return False
    one, other = int(found[1]), int(found[3])
    return len(found[4]) == 2 or (one != other and max(one, other) <= _MONTHS_OF_YEAR)  # noqa: PLR2004


@lru_cache(maxsize=1_000)
def _zone(name: str) -> timezone | None:
    """The zone that is meant by `+0100`, `CET` and the like; None for a name that nobody knows."""
    if not name:
        return None
    if name[0] in "+-":
        offset = timedelta(hours=int(name[1:3]), minutes=int(name[3:]))
        return timezone(-offset if name[0] == "-" else offset)
    if name.upper() in ("GMT", "UT", "UTC", "Z"):
        return UTC
    if name == "IST":
        return timezone(_INDIA)
    _, zone = pop_tz_offset_from_string(f"0 {name}")
    offset_of_name = zone.utcoffset(None) if zone else None
    return None if offset_of_name is None else timezone(offset_of_name)


def published(claims: Sequence[object], elsewhere: Iterable[object] = ()) -> datetime | None:
    """The moment meant by the first claim that is one, in UTC.

    Other claims of the same day add the time of day, or the zone, that the first leaves out;
    `elsewhere` are moments of other kinds on the page, which tell the zone alone.
    """
    stamps = [stamp for claim in claims if (stamp := _sure(claim))]
    if not stamps:
        return None
    chosen = stamps[0]
    near = [
        stamp
        for stamp in stamps
        if abs(_in_utc(stamp.at) - _in_utc(chosen.at)) <= timedelta(days=1)
    ]
    if not chosen.has_time:
        chosen = next((stamp for stamp in near if stamp.has_time), chosen)
    if not chosen.has_time:
        return _in_utc(chosen.at)
    if chosen.at.tzinfo is None:
        chosen = next((stamp for stamp in near if stamp.at.tzinfo and stamp.has_time), chosen)
    others = [*stamps, *filter(None, map(_sure, elsewhere))]
    return _in_utc(_zoned(chosen.at, [stamp.at for stamp in others]))


def _sure(claim: object) -> Stamp | None:
    stamp = stamp_of(claim)
    return None if stamp is None or stamp.is_doubtful else stamp


def _zoned(stamp: datetime, others: Iterable[datetime]) -> datetime:
    """The stamp in the zone in which others have the same time on the clock.

    Some write a local time and say that it is UTC: an offset beside it is believed rather than `Z`.
    """
    if stamp.utcoffset():
        return stamp
    local = stamp.replace(tzinfo=None, second=0, microsecond=0)
    zoned = [other for other in others if other.utcoffset() is not None]
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
