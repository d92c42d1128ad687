"""Counts what happens, for metrics: one Redis hash, which all processes share.

Whoever does something counts it in the transaction that writes it down, so that nothing is counted
twice, and any number of processes and machines count together.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Literal

from monitor.store.replies import text

if TYPE_CHECKING:
    from redis import Redis
    from redis.client import Pipeline

    from monitor.model import DeliveryEvent, TextSource
    from monitor.store.keys import Keys

# The upper bounds of the histograms, in seconds.
PUBLICATION_BOUNDS_S = (60.0, 120.0, 300.0, 600.0, 900.0, 1800.0, 3600.0, 7200.0, 21600.0, 86400.0)
POLL_BOUNDS_S = (0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 1800.0)
BEYOND = "inf"
_UNKNOWN = "-"

# What an error happened to.
ErrorPart = Literal["poll", "page"]
# Whether the entries that a poll may have missed were found on older pages of the feed.
Gap = Literal["filled", "open"]


@dataclass(frozen=True, slots=True)
class Lags:
    """How long after its publication, and after the poll that found it, an article alerted."""

    publication: timedelta | None
    poll: timedelta | None


@dataclass(frozen=True, slots=True)
class AlertedCount:
    """How many articles led to alerts with these lags, each given by its bucket's upper bound.

    A bound is a number of seconds, `BEYOND`, or None if the lag is not known.
    """

    publication: str | None
    poll: str | None
    articles: int


@dataclass(frozen=True, slots=True)
class Counts:
    """All counts since Redis has been in use.

    `polls` and `pushes` count by result, `gaps` by whether they were filled, `entries` by what they
    were, `articles` by where the text is from, `alerts` by watchlist, `deliveries` by channel and
    event, `errors` by part and kind.
    """

    polls: dict[str, int]
    pushes: dict[str, int]
    gaps: dict[str, int]
    entries: dict[str, int]
    articles: dict[str, int]
    alerted: tuple[AlertedCount, ...]
    alerts: dict[str, int]
    deliveries: dict[tuple[str, str], int]
    errors: dict[tuple[str, str], int]


class CounterStore:
    """The store of counts; methods that take a `pipe` add one command to it for each count."""

    def __init__(self, redis: Redis, keys: Keys) -> None:
        self._redis = redis
        self._key = keys.counters

    def unchanged_polls(self, count: int, pipe: Pipeline) -> None:
        """Counts polls that brought no new document."""
        self._add("poll:unchanged", count, pipe)

    def failed_poll(self, kind: str, pipe: Pipeline) -> None:
        """Counts a poll that failed, with the kind of the error."""
        self._add(f"error:poll:{kind}", 1, pipe)

    def changed_poll(self, new: int, edited: int, pipe: Pipeline) -> None:
        """Counts a poll that brought a new document, and its new and edited entries."""
        self._add("poll:changed", 1, pipe)
        self._add("entry:new", new, pipe)
        self._add("entry:edited", edited, pipe)

    def gap(self, gap: Gap, pipe: Pipeline) -> None:
        """Counts a poll that shared no entry with those before."""
        self._add(f"gap:{gap}", 1, pipe)

    def pushed_entries(self, new: int, pipe: Pipeline) -> None:
        """Counts the new entries of a push."""
        self._add("entry:new", new, pipe)

    def push(self, result: str, pipe: Pipeline | None = None) -> None:
        """Counts a push of a hub by what became of it."""
        (self._redis if pipe is None else pipe).hincrby(self._key, f"push:{result}", 1)

    def article(self, text_from: TextSource, lags: Lags | None, pipe: Pipeline) -> None:
        """Counts an article that was matched; `lags` are those of its alerts, if there are any."""
        field = f"article:{text_from}"
        if lags is not None:
            # One count of both lags takes one command; that of each is a sum.
            publication = _bound(lags.publication, PUBLICATION_BOUNDS_S)
            field += f":{publication}:{_bound(lags.poll, POLL_BOUNDS_S)}"
        self._add(field, 1, pipe)

    def alert(self, watchlist: str, pipe: Pipeline) -> None:
        """Counts an alert."""
        self._add(f"alert:{watchlist}", 1, pipe)

    def delivery(self, channel: str, event: DeliveryEvent, pipe: Pipeline) -> None:
        """Counts an event of a delivery."""
        self._add(f"delivery:{channel}:{event}", 1, pipe)

    def failed_page(self, kind: str) -> None:
        """Counts an attempt to read a page that failed, with the kind of the error."""
        self._redis.hincrby(self._key, f"error:page:{kind}", 1)

    def _add(self, field: str, count: int, pipe: Pipeline) -> None:
        if count:
            pipe.hincrby(self._key, field, count)

    def read(self) -> Counts:
        """Returns all counts."""
        stored: Any = self._redis.hgetall(self._key)
        by_kind: dict[str, dict[str, int]] = {}
        for field, count in stored.items():
            kind, _, name = text(field).partition(":")
            by_kind.setdefault(kind, {})[name] = int(count)
        articles: dict[str, int] = {}
        alerted = []
        for name, count in by_kind.get("article", {}).items():
            source, *bounds = name.split(":")
            articles[source] = articles.get(source, 0) + count
            if bounds:
                publication, poll = (None if each == _UNKNOWN else each for each in bounds)
                alerted.append(AlertedCount(publication, poll, count))
        errors = _pairs(by_kind.get("error", {}))
        polls = by_kind.get("poll", {})
        failed = sum(count for (part, _), count in errors.items() if part == "poll")
        return Counts(
            polls | {"failed": failed},
            by_kind.get("push", {}),
            by_kind.get("gap", {}),
            by_kind.get("entry", {}),
            articles,
            tuple(alerted),
            by_kind.get("alert", {}),
            _pairs(by_kind.get("delivery", {})),
            errors,
        )

    def forget_watchlists(self, known: Collection[str]) -> None:
        """Removes the counts of watchlists that are not among the known ones."""
        fields = map(text, self._redis.hkeys(self._key))
        unknown = [
            field
            for field in fields
            if field.startswith("alert:") and field.removeprefix("alert:") not in known
        ]
        if unknown:
            self._redis.hdel(self._key, *unknown)


def _bound(lag: timedelta | None, bounds: tuple[float, ...]) -> str:
    """Returns the upper bound of a lag's bucket."""
    if lag is None:
        return _UNKNOWN
    number = bisect_left(bounds, lag.total_seconds())
    return f"{bounds[number]:g}" if number < len(bounds) else BEYOND


def _pairs(counts: dict[str, int]) -> dict[tuple[str, str], int]:
    pairs = ((name.partition(":"), count) for name, count in counts.items())
    return {(first, second): count for (first, _, second), count in pairs}
