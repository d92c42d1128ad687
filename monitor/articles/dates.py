"""Moments as feeds and pages write them, and which of several is meant. Pure.

Strict forms are read here, which takes microseconds; everything else is dateparser's, which knows
the months of 37 languages and takes milliseconds.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta, timezone
from functools import cache, lru_cache
from typing import TYPE_CHECKING, NamedTuple

from monitor.articles.months import LANGUAGES, month_number
from monitor.articles.zones import INDIA, in_zone, is_ambiguous, without_remark

if TYPE_CHECKING:
    from dateparser.date import DateDataParser

_MAX_CHARS = 64
# Outside of these years are the zeroes and infinities of databases; so is the first of 1970.
_YEARS = range(1700, 2101)
_EPOCH_YEAR = 1970
# Feeds are younger than that, and do not announce what appears the day after tomorrow.
_FIRST_FEED_YEAR = 1990
_MOST_AHEAD = timedelta(days=1)
# What dateparser may cost per document, and what it was measured to take for a date in the language
# of the last one, for a date in any of 37, and for a text that is not a date.
_BUDGET_MS = 500
_LEARNT_MS = 2
_READ_MS = 10
_FUTILE_MS = 45

_DAY = re.compile(r"\d{4}-?\d\d-?\d\d")
# A zone after a space, and one with a digit too few: `10:00:00 +0100`, `10:00:00+1`, `+02:0`.
_ISO_ZONE = re.compile(r"(?<=\d) ?([+-])(\d\d?)(?::(\d\d?))?$")
_UTC = re.compile(r" ?(?:UTC|GMT|Z)$", re.IGNORECASE)
_EPOCH = re.compile(r"(\d{10})(?:\d{3}|\.\d{1,9})?")
_TIMESTAMP = re.compile(r"\d{14}")
# RFC 5322, with or without weekday, time, seconds and zone; weekday and month in any language.
_MAIL = re.compile(
    r"(?:[^\W\d]{2,12}\.?,? ?)?(\d{1,2})\.?[ -]([^\W\d]{3,12})\.?[ -](\d{4}|\d\d(?=\D))"
    r"(?:(?:,| à| um| at)? (\d{1,2})[:h](\d\d)(?::(\d\d?))?"
    r"(?: ?((?:GMT|UTC)?[+-]\d\d:?\d\d|(?:GMT|UTC)[+-]\d\d?|[A-Za-z]{1,5}))?)?"
)
# JavaScript's `Date.toString()`.
_JAVASCRIPT = re.compile(r"[A-Z][a-z]{2} ([A-Z][a-z]{2}) (\d\d?) (\d{4}) ([\d:]{8}) GMT([+-]\d{4})")
# `2026-11-24 10.00.00 Europe/Paris`, `2026/11/24`, `2026年11月24日 10:00`, `24.11.2026, 10:00 CET`.
_NUMBERS = re.compile(
    r"(?:(\d{4})(?:[/.-]|年 ?)(\d{1,2})(?:[/.-]|月 ?)(\d{1,2})日?"
    r"|(\d{1,2})([./-])(\d{1,2})\5(\d{4}))"
    r"(?:(?:, ?|[ T])(\d{1,2})[:.](\d\d)(?:[:.](\d\d)(?:[.,]\d{1,9})?)?"
    r"(?: ?([+-]\d\d:?\d\d|[A-Za-z]{1,5}|[A-Z][A-Za-z]{1,20}/[A-Za-z_/+-]{1,30}))?)?"
)
# What begins like ISO 8601 and has no words is not a date in any language either.
_LIKE_ISO = re.compile(r"\d{4}-\d\d-\d\d[T ][\d:.,+ TZ-]*")
_CENTURY_ENDS = 69  # RFC 5322, section 4.3, and what others make of it
# What is no date, dateparser would look for in every language.
_HAS_YEAR = re.compile(r"(?<!\d)(?:1[7-9]|20)\d\d(?!\d)|\d[./-]\d\d?[./-]\d\d(?!\d)")
_NUMERIC = re.compile(r"(?<!\d)(\d{1,2})([./-]) ?(\d{1,2})[./-] ?(\d{4}|\d\d)(?!\d)")
_MONTHS_OF_YEAR = 12


class Stamp(NamedTuple):
    """A moment as it is written: without tzinfo when no zone that we know is said.

    `is_doubtful` tells that day and month, or the zone, might be others; `language` is that in
    which dateparser read it.
    """

    at: datetime
    has_time: bool
    is_doubtful: bool = False
    language: str = ""


def stamp_of(value: object) -> Stamp | None:
    """Reads a moment; returns None when `value` is not one."""
    text = _text_of(value)
    return _quick(text) or (_credible(_other(text)) if _may_be_odd(text) else None)


def _text_of(value: object) -> str:
    if isinstance(value, int | float) and not isinstance(value, bool):
        value = f"{value:.0f}" if abs(value) < 10**13 else ""
    if not isinstance(value, str):
        return ""
    text = without_remark(" ".join(value[: 4 * _MAX_CHARS].split()))
    return text if len(text) <= _MAX_CHARS else ""


def _quick(text: str) -> Stamp | None:
    """Reads a moment in the forms that take microseconds."""
    for form in (_epoch, _iso, _mail, _numbers):
        try:
            stamp = form(text)
        except (ValueError, OverflowError):
            continue
        if stamp:
            return _credible(stamp)
    return None


def _credible(stamp: Stamp | None) -> Stamp | None:
    if stamp is None or stamp.at.year not in _YEARS:
        return None
    at = stamp.at
    return None if (at.year, at.month, at.day) == (_EPOCH_YEAR, 1, 1) else stamp


class FeedDates:
    """Reads the dates of one document, those in odd forms within half a second altogether."""

    def __init__(self, now: datetime) -> None:
        self._now = now
        self._left_ms = _BUDGET_MS
        self._language = ""
        self._odd: dict[str, Stamp | None] = {}

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
        if value is None:
            return None
        text = _text_of(value)
        if (stamp := _quick(text)) or not _may_be_odd(text):
            return stamp
        if text not in self._odd and self._left_ms > 0:
            self._odd[text] = _credible(self._learning(text))
        return self._odd.get(text)

    def _learning(self, text: str) -> Stamp | None:
        """Reads an odd date, first in the language of the last one, which costs a fraction."""
        if self._language:
            self._left_ms -= _LEARNT_MS
            if stamp := _other(text, self._language):
                return stamp
        stamp = _other(text)
        self._left_ms -= _READ_MS if stamp else _FUTILE_MS
        self._language = stamp.language if stamp else self._language
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
    if not text[:4].isdigit():
        return None
    zoned = _UTC.sub("+00:00", text)
    if ":" in text:
        zoned = _ISO_ZONE.sub(lambda zone: f"{zone[1]}{zone[2]:0>2}:{zone[3] or '':0<2}", zoned)
    try:
        at = datetime.fromisoformat(zoned.replace(" +", "+").replace(" -", "-"))
    except ValueError:
        return None
    return Stamp(at, has_time=not _DAY.fullmatch(text))


def _mail(text: str) -> Stamp | None:
    """RFC 5322, which most feeds write, with months in any language, and JavaScript's form."""
    if "GMT+" in text or "GMT-" in text:
        text = _JAVASCRIPT.sub(r"\2 \1 \3 \4 \5", text)
    found = _MAIL.fullmatch(text)
    month = month_number(found[2]) if found else None
    if found is None or month is None:
        return None
    day, year, hour, minute, second = (int(found[part] or 0) for part in (1, 3, 4, 5, 6))
    if len(found[3]) == 2:  # noqa: PLR2004
        year += 2000 if year < _CENTURY_ENDS else 1900
    name = found[7] or ""
    if name.upper() in ("AM", "PM"):
        return None
    at = in_zone(datetime(year, month, day, hour, minute, min(second, 59)), name)  # noqa: DTZ001
    return Stamp(at, has_time=bool(found[4]), is_doubtful=is_ambiguous(name))


def _numbers(text: str) -> Stamp | None:
    """A date in digits, with or without time and zone, the day before the month or after it."""
    found = _NUMBERS.fullmatch(text)
    zone = (found[11] or "") if found else ""
    if found is None or zone.upper() in ("A", "P", "AM", "PM"):
        return None
    parts = (1, 2, 3) if found[1] else (7, 6, 4)
    year, month, day = (int(found[part]) for part in parts)
    if month > _MONTHS_OF_YEAR and not found[1]:
        month, day = day, month
    hour, minute, second = (int(found[part] or 0) for part in (8, 9, 10))
    # ISO 8601 ends a day at 24:00; a leap second is the second before.
    is_end = (hour, minute, second) == (24, 0, 0)
    at = datetime(year, month, day, 0 if is_end else hour, minute, min(second, 59))  # noqa: DTZ001
    at = in_zone(at + timedelta(days=is_end), zone)
    return Stamp(at, bool(found[8]), is_doubtful=_is_day_ambiguous(text) or is_ambiguous(zone))


def _may_be_odd(text: str) -> bool:
    return bool(_HAS_YEAR.search(text)) and not _LIKE_ISO.fullmatch(text)


@cache
def _parser(language: str) -> DateDataParser:
    # Few feeds have dates that need it; a process that reads none starts without it.
    from dateparser.date import DateDataParser

    return DateDataParser(
        languages=[language] if language else LANGUAGES,
        use_given_order=True,
        settings={
            # No `yesterday`, no `3 hours ago`, no clock without a day, no day without a year.
            "PARSERS": ["absolute-time"],
            "STRICT_PARSING": True,
            "REQUIRE_PARTS": ["day", "month", "year"],
            "DATE_ORDER": "DMY",
            "TIMEZONE_ABBREVIATIONS": {"IST": INDIA},
            "CACHE_SIZE_LIMIT": 1_000,
        },
    )


@lru_cache(maxsize=1_000)
def _other(text: str, language: str = "") -> Stamp | None:
    """Any other way of writing a whole date, in one language or all that we know."""
    try:
        found = _parser(language).get_date_data(text)
    except Exception:  # noqa: BLE001 - whatever a library makes of a stranger's text
        return None
    if found.date_obj is None:
        return None
    offset = found.date_obj.utcoffset()
    zone = None if offset is None else timezone(offset)
    return Stamp(
        found.date_obj.replace(tzinfo=zone),
        has_time="time" in found.parts,
        is_doubtful=_is_day_ambiguous(text) or is_ambiguous(text),
        language=(found.locale or "").partition("-")[0],
    )


def _is_day_ambiguous(text: str) -> bool:
    """Returns whether day, month and year might be swapped; with points, the day comes first."""
    found = _NUMERIC.search(text)
    if found is None or found[2] == ".":
        return False
    one, other = int(found[1]), int(found[3])
    return len(found[4]) == 2 or (one != other and max(one, other) <= _MONTHS_OF_YEAR)  # noqa: PLR2004


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
