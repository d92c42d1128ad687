"""Compares the watchlists of two configurations by what decides about their alerts. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from monitor.model import FeedFilter, Spike, Watchlist
from monitor.watchlists.query import parse
from monitor.watchlists.references import used_definitions

ChangeKind = Literal["new", "changed", "renamed", "removed"]


@dataclass(frozen=True, slots=True)
class DefinedWatchlists:
    """The watchlists of a configuration, with the definitions that their queries use."""

    watchlists: Sequence[Watchlist]
    definitions: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class ChangedPart:
    """A part of a watchlist, by its key in the configuration, before and after a change.

    A definition that the query uses is such a part, too: `@name`.
    """

    key: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class WatchlistChange:
    """A watchlist that is new, changed, renamed or removed; a side where it is absent is None."""

    kind: ChangeKind
    name: str
    before: Watchlist | None = None
    after: Watchlist | None = None
    parts: tuple[ChangedPart, ...] = ()


def changes(before: DefinedWatchlists, after: DefinedWatchlists) -> list[WatchlistChange]:
    """Returns the watchlists that differ, in the order of `after`; those removed come last.

    Two queries differ if they are read differently with their definitions. A new watchlist that
    looks for the same as a removed one, in the same feeds, is the same one renamed. Raises
    QueryError for a query that the configuration would have refused.
    """
    olds = {watchlist.name: watchlist for watchlist in before.watchlists}
    names = {watchlist.name for watchlist in after.watchlists}
    removed = {
        _subject(watchlist, before.definitions): watchlist
        for watchlist in reversed(before.watchlists)
        if watchlist.name not in names
    }
    found = []
    for new in after.watchlists:
        old = olds.get(new.name)
        if old is None and removed:
            old = removed.pop(_subject(new, after.definitions), None)
        if old is None:
            found.append(WatchlistChange("new", new.name, None, new))
            continue
        parts = tuple(_parts(old, before.definitions, new, after.definitions))
        if new.name != old.name:
            found.append(WatchlistChange("renamed", new.name, old, new, parts))
        elif parts:
            found.append(WatchlistChange("changed", new.name, old, new, parts))
    renamed = {each.before.name for each in found if each.before and each.kind == "renamed"}
    return found + [
        WatchlistChange("removed", old.name, old)
        for old in before.watchlists
        if old.name not in names and old.name not in renamed
    ]


def _subject(watchlist: Watchlist, definitions: Mapping[str, str]) -> tuple[str, FeedFilter]:
    return parse(watchlist.query, definitions).reading, watchlist.feeds


def _parts(
    old: Watchlist,
    old_definitions: Mapping[str, str],
    new: Watchlist,
    definitions: Mapping[str, str],
) -> Iterator[ChangedPart]:
    """Yields the parts in which two watchlists differ."""
    yield from _query_parts(old, old_definitions, new, definitions)
    for key, before, after in (
        ("feeds", _shown_feeds(old.feeds), _shown_feeds(new.feeds)),
        ("once_per", old.once_per, new.once_per),
        ("priority", old.priority, new.priority),
        ("subscribers", ", ".join(sorted(old.subscribers)), ", ".join(sorted(new.subscribers))),
        ("spike", _shown_spike(old.spike), _shown_spike(new.spike)),
    ):
        if before != after:
            yield ChangedPart(key, before, after)


def _query_parts(
    old: Watchlist,
    old_definitions: Mapping[str, str],
    new: Watchlist,
    definitions: Mapping[str, str],
) -> Iterator[ChangedPart]:
    before = used_definitions(old.query, old_definitions)
    after = used_definitions(new.query, definitions)
    # Most watchlists end here: to parse a thousand queries twice takes a second.
    if old.query == new.query and before == after:
        return
    if parse(old.query, old_definitions).reading == parse(new.query, definitions).reading:
        return
    if old.query != new.query:
        yield ChangedPart("query", old.query, new.query)
    for name in sorted({*before, *after}):
        if before.get(name) != after.get(name):
            yield ChangedPart(f"@{name}", before.get(name, ""), after.get(name, ""))


def _shown_feeds(feeds: FeedFilter) -> str:
    lists = (("names", feeds.names), ("tags", feeds.tags), ("languages", feeds.languages))
    return "; ".join(f"{key}: {', '.join(sorted(values))}" for key, values in lists if values)


def _shown_spike(spike: Spike | None) -> str:
    return f"{spike.times:g} times over {spike.over / timedelta(days=1):g}d" if spike else ""
