"""The content of a message: one alert, or several grouped by watchlist and story, best first."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from monitor.alerts.document import watchlist_heading, whole

# Nobody reads a longer list; the rest is counted.
MAX_SHOWN = 30

_RANKS = {"high": 2, "normal": 1, "low": 0}


@dataclass(frozen=True, slots=True)
class StoryAlerts:
    """The alerts of one watchlist about one story: the best one, and the others."""

    best: dict[str, Any]
    others: tuple[dict[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class Section:
    """A watchlist's stories that are shown; `alerts` counts all its alerts, shown or not.

    `heading` is what people read as the watchlist.
    """

    watchlist: str
    heading: str
    priority: str
    alerts: int
    stories: tuple[StoryAlerts, ...]

    @property
    def shown(self) -> int:
        """Returns how many of the watchlist's alerts are among the stories."""
        return sum(1 + len(story.others) for story in self.stories)


@dataclass(frozen=True)
class Message:
    """The content of one message to a subscriber.

    `alerts` are documents of version 1 of the contract, with `story.articles` up to date, completed
    so that renderers can rely on every field; `published` are the same documents as published.
    `key` stays the same when the message is retried. `to` holds the remaining recipients; empty
    means all. With `follows`, the one alert belongs to a story whose first alert was sent before,
    and the message only adds an article to it.
    """

    key: str
    alerts: tuple[dict[str, Any], ...]
    to: tuple[str, ...] = ()
    follows: bool = False
    published: tuple[dict[str, Any], ...] = field(init=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "published", self.alerts)
        object.__setattr__(self, "alerts", tuple(map(whole, self.alerts)))

    @property
    def gathered(self) -> bool:
        """Returns whether the message has several alerts."""
        return len(self.alerts) > 1

    @cached_property
    def sections(self) -> tuple[Section, ...]:
        """Returns all watchlists, best first, with the stories that are shown."""
        return gather(self.alerts)

    @property
    def shown(self) -> int:
        """Returns how many alerts the sections show."""
        return sum(section.shown for section in self.sections)

    @property
    def since(self) -> str:
        """Returns when the oldest alert was found, as RFC 3339."""
        return min(str(alert["detected_at"]) for alert in self.alerts)


def gather(alerts: Iterable[dict[str, Any]], limit: int = MAX_SHOWN) -> tuple[Section, ...]:
    """Groups alerts by watchlist and story, and drops the least important ones beyond `limit`.

    Watchlists of high priority come first, then those with more alerts.
    """
    by_watchlist: dict[str, dict[str, list[dict[str, Any]]]] = defaultdict(
        lambda: defaultdict(list)
    )
    for alert in alerts:
        by_watchlist[alert["watchlist"]][alert["story"]["id"]].append(alert)
    sections = []
    for watchlist, by_story in by_watchlist.items():
        stories = [sorted(story, key=_worth, reverse=True) for story in by_story.values()]
        stories.sort(key=lambda story: _worth(story[0]), reverse=True)
        sections.append(
            Section(
                watchlist,
                watchlist_heading(max(stories, key=lambda story: story[0]["detected_at"])[0]),
                max((story[0]["priority"] for story in stories), key=_RANKS.__getitem__),
                sum(map(len, stories)),
                tuple(StoryAlerts(story[0], tuple(story[1:])) for story in stories),
            )
        )
    sections.sort(
        key=lambda section: (-_RANKS[section.priority], -section.alerts, section.watchlist)
    )
    return _cut(sections, limit)


def _worth(alert: dict[str, Any]) -> tuple[int, int, int, bool, int, str]:
    """Ranks an alert by how much it tells someone who reads only a few."""
    return (
        _RANKS[alert["priority"]],
        alert["story"].get("sites", 1),
        alert["story"]["articles"],
        any(match["field"] == "title" for match in alert["matches"]),
        sum(match["count"] for match in alert["matches"]),
        alert["detected_at"],
    )


def _cut(sections: list[Section], limit: int) -> tuple[Section, ...]:
    """Keeps the best `limit` alerts, dealt out in turns so that no watchlist hides another."""
    shown = [0] * len(sections)
    left = limit
    while left > 0:
        before = left
        for number, section in enumerate(sections):
            if left > 0 and shown[number] < len(section.stories):
                left -= 1 + len(section.stories[shown[number]].others)
                shown[number] += 1
        if left == before:
            break
    return tuple(
        replace(section, stories=section.stories[:count])
        for section, count in zip(sections, shown, strict=True)
    )
