"""Words for figures: numbers with their units, changes, periods. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from monitor.articles.language import language_name
from monitor.reports.figures import Figures, NamedTally, Tally
from monitor.reports.periods import DAY, HOUR, Period

# Wholes of these units, the longest first.
_UNITS = (("week", 7 * DAY), ("day", DAY), ("hour", HOUR), ("minute", timedelta(minutes=1)))


def counted(number: int, noun: str) -> str:
    """Returns a number with its noun: "1 story", "1,200 stories"."""
    if number == 1:
        return f"1 {noun}"
    plural = f"{noun[:-1]}ies" if noun.endswith("ry") else f"{noun}{'e' * noun.endswith('ch')}s"
    return f"{number:,} {plural}"


def change(tally: Tally) -> str:
    """Returns how a count differs from the period before: "12 more", "as many"."""
    if tally.more is None:
        return "no comparison"
    if tally.more == 0:
        return "as many"
    return f"{abs(tally.more):,} {'more' if tally.more > 0 else 'fewer'}"


def compared(tally: Tally, length: timedelta) -> str:
    """Returns a sentence's end: "12 more than in the 7 days before"."""
    if tally.more is None:
        return f"no comparison: the archive does not reach back {duration(2 * length)}"
    return f"{change(tally)} {'as' if tally.more == 0 else 'than'} in the {span(length)} before"


def span(length: timedelta) -> str:
    """Returns a length of time to follow "the": "7 days", but "day"."""
    return duration(length).removeprefix("1 ")


def duration(length: timedelta) -> str:
    """Returns a length of time in whole units if possible: "7 days", "4 weeks", "90 minutes"."""
    days = round(length / DAY)
    if days > 1 and abs(length - days * DAY) <= HOUR:
        # The clocks were changed within, or it ends a few minutes later.
        length = days * DAY
    for name, unit in _UNITS:
        number, rest = divmod(length, unit)
        if not rest and number > (2 if name == "week" else 0):
            return counted(number, name)
    hours = length / HOUR
    return f"{hours / 24:.1f} days" if hours >= 48 else f"{hours:.1f} hours"  # noqa: PLR2004


def period_name(since: datetime, until: datetime, zone: ZoneInfo) -> str:
    """Returns the period in a zone: "16 November 2026, 08:00 to 23 November 2026, 08:00"."""
    begin, end = since.astimezone(zone), until.astimezone(zone)
    # A day that ends at midnight is told as the day itself.
    last = end - timedelta(seconds=1)
    if begin.time() == end.time() == datetime.min.time():
        if begin.date() == last.date():
            return f"{begin:%-d %B %Y}"
        return f"{_day_before(begin, last)} to {last:%-d %B %Y}"
    return f"{_day_before(begin, end)}, {begin:%H:%M} to {end:%-d %B %Y, %H:%M}"


def _day_before(begin: datetime, end: datetime) -> str:
    return f"{begin:%-d %B}" if begin.year == end.year else f"{begin:%-d %B %Y}"


def step_names(figures: Figures, zone: ZoneInfo) -> list[str]:
    """Returns the names of the steps of a report's period, by their beginnings."""
    forms = {HOUR: "%-d %b, %H:%M", DAY: "%a %-d %b"}
    return _named_steps(figures, zone, forms.get(_step(figures), "%-d %b %Y"))


def short_step_names(figures: Figures, zone: ZoneInfo, *, with_weekday: bool) -> list[str]:
    """Returns names of the steps for a chart, where the period is known."""
    forms = {HOUR: "%H:%M", DAY: "%a %-d" if with_weekday else "%-d %b"}
    return _named_steps(figures, zone, forms.get(_step(figures), "%-d %b"))


def _named_steps(figures: Figures, zone: ZoneInfo, form: str) -> list[str]:
    begins = (figures.since + number * _step(figures) for number in range(len(figures.steps)))
    return [format(begin.astimezone(zone), form) for begin in begins]


def _step(figures: Figures) -> timedelta:
    return Period(figures.since, figures.until).step


def step_note(figures: Figures, zone: ZoneInfo) -> str:
    """Returns what a step is: "by day, from 08:00 to 08:00"."""
    step = _step(figures)
    clock = format(figures.since.astimezone(zone), "%H:%M")
    if step == HOUR:
        return "by hour"
    if step == DAY:
        return "by day" if clock == "00:00" else f"by day, from {clock} to {clock}"
    return f"in steps of {duration(step)}"


def with_language_names(languages: Iterable[NamedTally]) -> list[NamedTally]:
    """Returns languages by their English names instead of their codes."""
    return [NamedTally(language_name(each.name) or "unknown", each.articles) for each in languages]


def share(part: int, whole: int) -> str:
    """Returns a share in per cent: "0 %", "under 1 %", "37 %"."""
    if not part or not whole:
        return "0 %"
    per_cent = 100 * part / whole
    return "under 1 %" if per_cent < 1 else f"{per_cent:.0f} %"
