"""Reads what feeds and servers say about when to poll, and where older entries are. Pure.

These are hints: `cadence` sets limits to them, since many are the defaults of some software, and a
feed that claims to change daily may publish each minute.
"""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from monitor.model import FeedHints

# What a feed says about itself precedes its entries.
_MAX_HEAD = 50_000
_ENTRY = re.compile(r"<(?:\w{1,20}:)?(?:item|entry)[\s/>]", re.IGNORECASE)
_ELEMENT = re.compile(
    r"<(?:\w{1,20}:)?(ttl|updatePeriod|updateFrequency|hour|day|generator)\b[^<>]{0,500}>"
    r"\s{0,50}([^<>\s][^<>]{0,200})",
    re.IGNORECASE,
)
_LINK = re.compile(r"<(?:\w{1,20}:)?link\b([^<>]{1,4000})>", re.IGNORECASE)
_ATTRIBUTE = re.compile(r"""\b(rel|href)\s{0,3}=\s{0,3}["']([^"'<>]{1,2000})["']""", re.IGNORECASE)
_DIGITS = re.compile(r"\d{1,9}")
_MAX_AGE = re.compile(r"(?:^|[\s,])max-age\s?=\s?\"?(\d{1,9})", re.IGNORECASE)
_UNCACHED = re.compile(r"\bno-(?:cache|store)\b", re.IGNORECASE)
_PERIODS_S = {
    "hourly": 3600, "daily": 86_400, "weekly": 604_800, "monthly": 2_592_000, "yearly": 31_536_000,
}  # fmt: skip
_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
# The relations of a feed to the page with the entries before its own: RFC 5005, sections 3 and 4.
_OLDER = ("prev-archive", "next")


@dataclass(frozen=True, slots=True)
class Head:
    """What a feed says about itself; `older` is a reference to the page of entries before its own.

    `is_wordpress` says that the site has such pages without naming them. `hubs` and `topic` are
    references as well: see `monitor.feeds.hubs`.
    """

    hints: FeedHints | None = None
    older: str | None = None
    is_wordpress: bool = False
    hubs: tuple[str, ...] = ()
    topic: str | None = None


NO_HEAD = Head()


def read_head(text: str) -> Head:
    """Reads the head of an RSS or Atom document."""
    first = _ENTRY.search(text)
    head = text[: min(first.start() if first else len(text), _MAX_HEAD)]
    found: dict[str, list[str]] = {}
    for name, value in _ELEMENT.findall(head):
        found.setdefault(name.lower(), []).append(value.strip().lower())
    hours = (_number(hour) for hour in found.get("hour", ()))
    hints = FeedHints(
        every_s=_every_s(found) or None,
        # 24 is midnight in RSS 0.91.
        skip_hours=tuple(sorted({hour % 24 for hour in hours if 0 <= hour <= 24})),  # noqa: PLR2004
        skip_weekdays=tuple(
            number for number, name in enumerate(_WEEKDAYS) if name in found.get("day", ())
        ),
    )
    links = _links(head)
    return Head(
        hints=None if hints == FeedHints() else hints,
        older=next((links[rel][0] for rel in _OLDER if rel in links), None),
        is_wordpress=any("wordpress.org" in each for each in found.get("generator", ())),
        hubs=tuple(links.get("hub", ())),
        topic=links.get("self", [None])[0],
    )


def _every_s(found: Mapping[str, list[str]]) -> int:
    """Returns the interval that a feed asks for, in seconds; 0 if it asks for none."""
    ttl_s = 60 * max(_number(found.get("ttl", ["0"])[0]), 0)
    period_s = _PERIODS_S.get(found.get("updateperiod", [""])[0], 0)
    frequency = max(_number(found.get("updatefrequency", ["1"])[0]), 1)
    return max(ttl_s, period_s // frequency)


def _number(text: str) -> int:
    digits = _DIGITS.fullmatch(text)
    return int(digits[0]) if digits else -1


def _links(head: str) -> dict[str, list[str]]:
    """Returns the references of a head by their relation."""
    links: dict[str, list[str]] = {}
    for attributes in _LINK.findall(head):
        values = {
            name.lower(): html.unescape(value) for name, value in _ATTRIBUTE.findall(attributes)
        }
        if "rel" in values and "href" in values:
            for relation in values["rel"].lower().split():
                links.setdefault(relation, []).append(values["href"].strip())
    return links


def fresh_for(headers: Mapping[str, str], now: datetime) -> timedelta:
    """Returns for how long a response will be fresh, zero if the server does not say.

    `headers` are in lower case. See RFC 9111, sections 4.2.1 and 5.2.2.
    """
    control = headers.get("cache-control", "")
    if _UNCACHED.search(control):
        return timedelta(0)
    age_s = max(_number(headers.get("age", "0").strip()), 0)
    if max_age := _MAX_AGE.search(control):
        return timedelta(seconds=max(int(max_age[1]) - age_s, 0))
    expires = _moment(headers.get("expires", ""))
    if expires is None:
        return timedelta(0)
    return max(expires - (_moment(headers.get("date", "")) or now), timedelta(0))


def _moment(text: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
