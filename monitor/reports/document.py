"""Renders a report as one HTML document, for a browser, for print and for mail. Pure.

Its charts are tables with coloured cells: mail programs show neither SVG nor scripts, and a picture
neither follows a dark theme nor is read out. The page needs nothing from outside.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from monitor.alerts.passages import Passage, language_and_direction, passage, safe_link
from monitor.reports.figures import CoveredStory, Figures, NamedTally, Tally, WatchlistFigures
from monitor.reports.periods import Period
from monitor.reports.wording import (
    change,
    compared,
    counted,
    period_name,
    share,
    short_step_names,
    span,
    step_names,
    step_note,
    with_language_names,
)
from monitor.untrusted import mail_line

# The height of the highest bar of the chart.
CHART_PX = 120
# More bars have no room for their numbers, for gaps of some pixels, and for all names.
MOST_NUMBERED = 8
MOST_SPACED = 31
MOST_NAMED = 8
_templates = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=select_autoescape(["html"]),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_templates.globals |= {"change": change, "counted": counted}


@dataclass(frozen=True, slots=True)
class Extent:
    """How much a document shows: watchlists with their stories, stories of each, sources."""

    watchlists: int
    stories: int
    sources: int


WHOLE = Extent(watchlists=20, stories=5, sources=20)


@dataclass(frozen=True, slots=True)
class ShownStep:
    """A step of the chart: its name, empty if there is no room, its counts and their heights."""

    name: str
    now: int
    before: int | None
    now_px: int
    before_px: int


@dataclass(frozen=True, slots=True)
class ShownTally:
    """A row of a table: a name, its count and its bar, in per cent of the longest one."""

    name: str
    articles: Tally
    share: str
    now_width: int
    before_width: int


@dataclass(frozen=True, slots=True)
class ShownCarrier:
    """An outlet that carries a story, safe to show; `url` is empty if it must not be followed."""

    source: str
    title: str
    url: str
    time: str


@dataclass(frozen=True, slots=True)
class ShownCoverage:
    """A story, safe to show."""

    first: ShownCarrier
    carriers: tuple[ShownCarrier, ...]
    hidden: int
    articles: int
    outlets: int
    language: str
    direction: str
    passages: tuple[Passage, ...]


@dataclass(frozen=True, slots=True)
class ShownWatchlist:
    """A watchlist with its stories."""

    name: str
    figures: WatchlistFigures
    stories: tuple[ShownCoverage, ...]


def render_html(
    figures: Figures,
    timezone: str,
    *,
    extent: Extent = WHOLE,
    unsubscribe: str = "",
    note: str = "",
) -> str:
    """Renders a report. `note` is a sentence for its end, such as where the rest is."""
    zone = ZoneInfo(timezone)
    length = figures.until - figures.since
    described = [each for each in figures.watchlists if each.stories][: extent.watchlists]
    return _templates.get_template("report.html").render(
        figures=figures,
        timezone=mail_line(timezone),
        period=period_name(figures.since, figures.until, zone),
        span=span(length),
        headline=compared(figures.articles, length),
        bars=_bars(figures, zone),
        numbered=len(figures.steps) <= MOST_NUMBERED,
        named_every=_named_every(figures),
        gap=_gap_px(figures),
        steps=step_note(figures, zone),
        peak=_peak(figures, zone),
        voices=_lines(figures.voices, figures.matches),
        sources=_lines(figures.sources[: extent.sources], figures.articles),
        languages=_lines(with_language_names(figures.languages), figures.articles),
        spikes=[(mail_line(spike.title), _time(spike.at, zone)) for spike in figures.spikes],
        described=[_watchlist(each, zone, extent) for each in described],
        undescribed=sum(each.articles.now > 0 for each in figures.watchlists) - len(described),
        chart_px=CHART_PX,
        unsubscribe=unsubscribe,
        note=note,
    )


def _bars(figures: Figures, zone: ZoneInfo) -> list[ShownStep]:
    names = short_step_names(figures, zone, with_weekday=len(figures.steps) <= MOST_NUMBERED)
    highest = max((*figures.steps, *figures.steps_before, 1))
    every = _named_every(figures)
    before: tuple[int | None, ...] = figures.steps_before or (None,) * len(names)
    return [
        ShownStep(
            name if number % every == 0 else "",
            now,
            earlier,
            _px(now, highest),
            _px(earlier or 0, highest),
        )
        for number, (name, now, earlier) in enumerate(
            zip(names, figures.steps, before, strict=True)
        )
    ]


def _named_every(figures: Figures) -> int:
    """Returns of how many steps one is named."""
    return -(-len(figures.steps) // MOST_NAMED)


def _gap_px(figures: Figures) -> int:
    """Returns how many pixels are between two steps."""
    if len(figures.steps) <= MOST_NUMBERED:
        return 6
    return 3 if len(figures.steps) <= MOST_SPACED else 1


def _px(count: int, highest: int) -> int:
    # One article is to be seen beside a thousand.
    return max(round(CHART_PX * count / highest), 2) if count else 0


def _peak(figures: Figures, zone: ZoneInfo) -> str:
    """Returns where the chart is highest, or nothing if it is empty."""
    most = max(figures.steps)
    if not most:
        return ""
    name = step_names(figures, zone)[figures.steps.index(most)]
    return (
        f"most: {most:,} on {name}"
        if Period(figures.since, figures.until).step.days
        else (f"most: {most:,} from {name}")
    )


def _lines(tallies: list[NamedTally] | tuple[NamedTally, ...], whole: Tally) -> list[ShownTally]:
    longest = max(
        (max(each.articles.now, each.articles.before or 0) for each in tallies), default=0
    )
    return [
        ShownTally(
            mail_line(each.name),
            each.articles,
            share(each.articles.now, whole.now),
            _width(each.articles.now, longest),
            _width(each.articles.before or 0, longest),
        )
        for each in tallies
    ]


def _width(count: int, longest: int) -> int:
    return max(round(100 * count / longest), 1) if count else 0


def _watchlist(figures: WatchlistFigures, zone: ZoneInfo, extent: Extent) -> ShownWatchlist:
    stories = tuple(_story(story, zone) for story in figures.stories[: extent.stories])
    return ShownWatchlist(mail_line(figures.name), figures, stories)


def _story(story: CoveredStory, zone: ZoneInfo) -> ShownCoverage:
    carriers = tuple(
        ShownCarrier(
            mail_line(each.source) or "(no name)",
            mail_line(each.title) or "(no title)",
            safe_link(each.url),
            _time(each.at, zone),
        )
        for each in story.carriers
    )
    language, direction = language_and_direction(story.language)
    return ShownCoverage(
        carriers[0],
        carriers,
        story.hidden,
        story.articles,
        story.outlets,
        language,
        direction,
        tuple(map(passage, story.snippets)),
    )


def _time(moment: datetime, zone: ZoneInfo) -> str:
    try:
        return f"{moment.astimezone(zone):%-d %b, %H:%M}"
    except OverflowError:
        return f"{moment:%-d %b %Y}"
