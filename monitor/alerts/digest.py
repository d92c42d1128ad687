"""What a message says: one alert, or several gathered by watchlist and story, best first."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from monitor.alerts.document import whole

# A message that lists more is not read; the rest is counted.
MOST_SHOWN = 30

_RANKS = {"high": 2, "normal": 1, "low": 0}


@dataclass(frozen=True, slots=True)
class Story:
    """Alerts of one watchlist about one story; the others follow the best one."""

    best: dict[str, Any]
    others: tuple[dict[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class Section:
    """One watchlist's stories that are shown; `alerts` counts all that there are."""

    watchlist: str
    priority: str
    alerts: int
    stories: tuple[Story, ...]

    @property
    def shown(self) -> int:
        """How many of its alerts are among the stories."""
        return sum(1 + len(story.others) for story in self.stories)


@dataclass(frozen=True)
class Message:
    """What is brought to a subscriber at once.

    `alerts` are documents of version 1 of the contract, `story.articles` as of now, completed so
    that whatever shows them can rely on every field; `published` are the same as they came. `key`
    is the same whenever the same message is tried again. `to` are the recipients that are left;
    empty means all. With `follows`, the one alert is of a story whose first alert has come before,
    and this one only adds an article to it.
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
        """Whether there are several alerts."""
        return len(self.alerts) > 1

    @cached_property
    def sections(self) -> tuple[Section, ...]:
        """All watchlists, best first, with the stories that are shown."""
        return gather(self.alerts)

    @property
    def shown(self) -> int:
        """How many alerts the sections show."""
        return sum(section.shown for section in self.sections)

    @property
    def since(self) -> str:
        """When the oldest alert was found, RFC 3339."""
        return min(str(alert["detected_at"]) for alert in self.alerts)


def gather(alerts: Iterable[dict[str, Any]], most: int = MOST_SHOWN) -> tuple[Section, ...]:
    """Sort alerts by watchlist and story, and drop the least of them beyond `most`.

    Watchlists of high priority come first, then those with more alerts.
    """
    by_watchlist: dict[str, dict[str, list[dict[str, Any]]]] = defaultdict(
        lambda: defaultdict(list)
    )
    for alert in alerts:
        by_watchlist[alert["watchlist"]][alert["story"]["id"]].append(alert)
    sections = []
    for watchlist, by_story in by_watchlist.items():
        stories = [sorted(found, key=_worth, reverse=True) for found in by_story.values()]
        stories.sort(key=lambda story: _worth(story[0]), reverse=True)
        sections.append(
            Section(
                watchlist,
                max((story[0]["priority"] for story in stories), key=_RANKS.__getitem__),
                sum(map(len, stories)),
                tuple(Story(story[0], tuple(story[1:])) for story in stories),
            )
        )
    sections.sort(key=lambda one: (-_RANKS[one.priority], -one.alerts, one.watchlist))
    return _cut(sections, most)


def _worth(alert: dict[str, Any]) -> tuple[int, int, bool, int, str]:
    """How much an alert says to who reads few of them."""
    return (
        _RANKS[alert["priority"]],
        alert["story"]["articles"],
        any(match["field"] == "title" for match in alert["matches"]),
        sum(match["count"] for match in alert["matches"]),
        alert["detected_at"],
    )


def _cut(sections: list[Section], most: int) -> tuple[Section, ...]:
    """Keep the best `most` alerts, dealt out in turns so that no watchlist hides another."""
    shown = [0] * len(sections)
    left = most
    while left > 0:
        before = left
        for at, section in enumerate(sections):
            if left > 0 and shown[at] < len(section.stories):
                left -= 1 + len(section.stories[shown[at]].others)
                shown[at] += 1
        if left == before:
            break
    return tuple(
        Section(one.watchlist, one.priority, one.alerts, one.stories[:count])
        for one, count in zip(sections, shown, strict=True)
    )
