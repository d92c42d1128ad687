"""Renders a report as text, for a terminal and for the text of a mail. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from monitor.alerts.passages import passage, safe_link
from monitor.reports.figures import CoveredStory, Figures, NamedTally
from monitor.reports.wording import (
    change,
    compared,
    counted,
    period_name,
    share,
    step_names,
    with_language_names,
)
from monitor.untrusted import mail_line

MOST_SOURCES = 10
MOST_WATCHLISTS = 20
# So many stories of each watchlist; with more, a mail's text and a screen become long.
MOST_STORIES = 3
MOST_CARRIERS = 5
# A table of more steps is longer than a screen.
MOST_STEPS = 31
MAX_NAME_WIDTH, COUNT_WIDTH = 40, 8


@dataclass(frozen=True, slots=True)
class SummaryPart:
    """A part of the summary: a heading, and lines without characters that readers act on."""

    heading: str
    lines: tuple[str, ...]


def summarise(figures: Figures, timezone: str) -> list[SummaryPart]:
    """Returns the summary of a report in parts; empty ones are left out."""
    zone = ZoneInfo(timezone)
    languages = with_language_names(figures.languages)
    parts = [
        SummaryPart(headline(figures), tuple(_totals(figures, timezone, zone))),
        SummaryPart("Articles over time", tuple(_steps(figures, zone))),
        SummaryPart("Share of voice", _voices(figures)),
        SummaryPart(
            "Sources", tuple(_tallies(figures.sources[:MOST_SOURCES], figures.articles.now))
        ),
        SummaryPart("Languages", tuple(_tallies(languages, figures.articles.now))),
        SummaryPart("Spikes", tuple(_spikes(figures, zone))),
    ]
    parts += [
        SummaryPart(
            f"Stories of {mail_line(watchlist.name)}",
            tuple(
                line for story in watchlist.stories[:MOST_STORIES] for line in _story(story, zone)
            ),
        )
        for watchlist in figures.watchlists[:MOST_WATCHLISTS]
    ]
    return [part for part in parts if part.lines]


def headline(figures: Figures) -> str:
    """Returns the report in a sentence: "38 articles, 12 more than in the 7 days before"."""
    length = figures.until - figures.since
    separator = ", " if figures.is_compared else "; "
    return counted(figures.articles.now, "article") + separator + compared(figures.articles, length)


def _totals(figures: Figures, timezone: str, zone: ZoneInfo) -> Iterator[str]:
    yield f"{period_name(figures.since, figures.until, zone)} ({mail_line(timezone)})"
    for tally, noun in (
        (figures.matches, "match"),
        (figures.alerts, "alert"),
        (figures.stories, "story"),
        (figures.source_count, "source"),
    ):
        more = f", {change(tally)}" if figures.is_compared else ""
        yield f"{counted(tally.now, noun)}{more}"
    if figures.later:
        yield f"{counted(figures.later, 'match')} found by looking back"


def _steps(figures: Figures, zone: ZoneInfo) -> Iterator[str]:
    if not 1 < len(figures.steps) <= MOST_STEPS:
        return
    names = step_names(figures, zone)
    width = max(map(len, names))
    for number, name in enumerate(names):
        before = f"  {figures.steps_before[number]:,} before" if figures.is_compared else ""
        yield f"{name:<{width}} {figures.steps[number]:>{COUNT_WIDTH},}{before}"


def _tallies(tallies: list[NamedTally] | tuple[NamedTally, ...], whole: int) -> Iterator[str]:
    names = [mail_line(each.name) for each in tallies]
    width = min(MAX_NAME_WIDTH, max(map(len, names), default=0))
    for each, name in zip(tallies, names, strict=True):
        more = f"  {change(each.articles)}" if each.articles.before is not None else ""
        part = share(each.articles.now, whole)
        yield f"{name:<{width}} {each.articles.now:>{COUNT_WIDTH},} {part:>9}{more}"


def _voices(figures: Figures) -> tuple[str, ...]:
    # A watchlist alone has no share.
    if len(figures.voices) <= 1:
        return ()
    return tuple(_tallies(figures.voices[:MOST_WATCHLISTS], figures.matches.now))


def _spikes(figures: Figures, zone: ZoneInfo) -> Iterator[str]:
    for spike in figures.spikes:
        yield f"{mail_line(spike.title)} ({spike.at.astimezone(zone):%-d %B, %H:%M})"
    if figures.spike_count > len(figures.spikes):
        yield f"and {figures.spike_count - len(figures.spikes)} earlier"


def _story(story: CoveredStory, zone: ZoneInfo) -> Iterator[str]:
    first = story.carriers[0]
    yield mail_line(first.title) or "(no title)"
    named = [
        f"{mail_line(each.source)} {each.at.astimezone(zone):%-d %b, %H:%M}"
        for each in story.carriers[:MOST_CARRIERS]
    ]
    more = story.outlets - len(named)
    outlets = f"{counted(story.outlets, 'outlet')}: " if story.outlets > 1 else ""
    yield f"  {outlets}{' → '.join(named)}{f' and {more} more' if more else ''}"
    if link := safe_link(first.url):
        yield f"  {link}"
    for snippet in story.snippets[:1]:
        yield f"  > {passage(snippet).marked}"
