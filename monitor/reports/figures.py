"""What a report says: counts of coverage in a period, and of the period before. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Self


@dataclass(frozen=True, slots=True)
class Tally:
    """A count in the period, and in the period before; None if the archive does not reach back."""

    now: int = 0
    before: int | None = None

    @property
    def more(self) -> int | None:
        """Returns by how many the count has grown, or None without a comparison."""
        return None if self.before is None else self.now - self.before


@dataclass(frozen=True, slots=True)
class NamedTally:
    """The articles of a watchlist or source, or in a language; `name` is empty if it is unknown."""

    name: str
    articles: Tally


@dataclass(frozen=True, slots=True)
class Carrier:
    """The first article of an outlet, which is a site, about a story."""

    source: str
    title: str
    url: str
    at: datetime


@dataclass(frozen=True, slots=True)
class CoveredStory:
    """A story that a watchlist matched: how many articles and outlets, and which carried it first.

    `carriers` are the first outlets in the order of publication. `snippets` are those of the
    story's first alert, as in its document; there are none if there was no alert.
    """

    id: str
    articles: int
    outlets: int
    language: str | None
    carriers: tuple[Carrier, ...]
    snippets: tuple[dict[str, Any], ...] = ()

    @property
    def hidden(self) -> int:
        """Returns how many outlets are not among the carriers."""
        return self.outlets - len(self.carriers)


@dataclass(frozen=True, slots=True)
class WatchlistFigures:
    """The coverage of a watchlist.

    `later` of its articles were found by looking back. `steps` counts articles in each step of the
    period, and `steps_before` in the period before, which is empty without a comparison.
    """

    name: str
    articles: Tally
    alerts: Tally
    later: int
    steps: tuple[int, ...]
    steps_before: tuple[int, ...]
    stories: tuple[CoveredStory, ...] = ()


@dataclass(frozen=True, slots=True)
class ReportedSpike:
    """An alert about a watchlist's coverage as a whole."""

    watchlist: str
    title: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Figures:
    """What a report says about the time from `since` until before `until`.

    `articles` counts each article once, however many watchlists matched it; `matches` counts it for
    each of them. `watchlists` are those with the most coverage, best first; `sources` and `spikes`
    are also the first ones, of `source_count` and `spike_count`.
    """

    since: datetime
    until: datetime
    watchlist_count: int
    articles: Tally
    matches: Tally
    alerts: Tally
    stories: Tally
    source_count: Tally
    later: int
    steps: tuple[int, ...]
    steps_before: tuple[int, ...]
    watchlists: tuple[WatchlistFigures, ...]
    sources: tuple[NamedTally, ...]
    languages: tuple[NamedTally, ...]
    spikes: tuple[ReportedSpike, ...]
    spike_count: int

    @property
    def is_compared(self) -> bool:
        """Returns whether the archive also has the period before."""
        return self.articles.before is not None

    def titled(self, headings: Mapping[str, str]) -> Self:
        """Returns the same figures with what people read in place of watchlists' names."""
        return replace(
            self,
            watchlists=tuple(
                replace(each, name=headings.get(each.name, each.name)) for each in self.watchlists
            ),
            spikes=tuple(
                replace(each, watchlist=headings.get(each.watchlist, each.watchlist))
                for each in self.spikes
            ),
        )

    @property
    def voices(self) -> tuple[NamedTally, ...]:
        """Returns the articles of each watchlist, of which shares of voice are made."""
        return tuple(NamedTally(each.name, each.articles) for each in self.watchlists)


@dataclass(frozen=True, slots=True)
class MatchRow:
    """A match, with its article: a row of the tables. `alert` is the id of the alert, if any."""

    matched_at: datetime
    watchlist: str
    later: bool
    title: str
    url: str
    source: str
    site: str
    language: str | None
    authors: tuple[str, ...]
    published_at: datetime | None
    quality: str
    paywalled: bool
    story: str
    article: str
    alert: str | None
