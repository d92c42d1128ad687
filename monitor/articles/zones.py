"""Reads the time zones of dates: offsets, abbreviations, and names such as `Europe/Paris`. Pure."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

INDIA = timedelta(hours=5, minutes=30)
# Names that IANA's data have for several offsets today, and Arabia's AST. RFC 822 gives PST, CDT
# and the other names of North America a meaning; China's CST is common in feeds all the same.
_AMBIGUOUS = re.compile(r"\b(?:IST|CST|AST)\b")
_OFFSET = re.compile(r":\d\d ?(?:[A-Z]{1,5} ?)?\(?[+-]\d\d:?\d\d(?!\d)")
# `+0530 (IST)`, and JavaScript's `GMT+0100 (Central European Standard Time)`.
_REMARK = re.compile(r"([+-]\d\d:?\d\d) ?\([^()]{1,80}\)$")


def without_remark(text: str) -> str:
    """Returns a date without the name in parentheses that follows a numeric offset."""
    return _REMARK.sub(r"\1", text) if text.endswith(")") else text


def is_ambiguous(text: str) -> bool:
    """Returns whether a date names a zone that has several meanings, and no numeric offset."""
    return bool(_AMBIGUOUS.search(text)) and not _OFFSET.search(text)


def in_zone(at: datetime, name: str) -> datetime:
    """Returns a local time with the offset of the zone; as it is if nobody knows the name."""
    if "/" not in name:
        return at.replace(tzinfo=_zone(name))
    try:
        offset = at.replace(tzinfo=ZoneInfo(name)).utcoffset()
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return at
    return at if offset is None else at.replace(tzinfo=timezone(offset))


@lru_cache(maxsize=1_000)
def _zone(name: str) -> tzinfo | None:
    if not name:
        return None
    # `+0100`, `GMT+01:00`, `UTC+1`
    sign_and_digits = name.removeprefix("GMT").removeprefix("UTC").replace(":", "")
    if sign_and_digits[:1] in {"+", "-"}:
        hours, minutes = int(sign_and_digits[1:3]), int(sign_and_digits[3:] or 0)
        offset = timedelta(hours=hours, minutes=minutes)
        return timezone(-offset if sign_and_digits[0] == "-" else offset)
    if name.upper() in {"GMT", "UT", "UTC", "Z"}:
        return UTC
    if name == "IST":
        return timezone(INDIA)
    from dateparser.timezone_parser import pop_tz_offset_from_string

    _, zone = pop_tz_offset_from_string(f"0 {name}")
    offset_of_name = zone.utcoffset(None) if zone else None
    return None if offset_of_name is None else timezone(offset_of_name)
