"""Says in the log what becomes of polls: once when a feed breaks, once when it heals.

A failure to reach a feed is held back for some seconds: where no feed can be reached it is most
likely the network, which one line says better than one for each feed.
"""

from __future__ import annotations

import traceback
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import structlog

from monitor.errors import FeedError, FetchError, Unreachable
from monitor.scheduler.apart import ReaderFault

if TYPE_CHECKING:
    from monitor.model import Feed, FeedState

# So many feeds that cannot be reached, and no other that answers, are taken for the network.
FEW = 3
# Feeds that were polled at the same time have this long to answer.
PATIENCE = timedelta(seconds=5)
# What failed longer ago than this says nothing of the network now.
WINDOW = timedelta(minutes=10)
EPOCH = datetime.fromtimestamp(0, UTC)

log = structlog.stdlib.get_logger(__name__)


class Reports:
    """What was said of the feeds so far; one for all polls of a process."""

    def __init__(self) -> None:
        # When each feed that could not be reached failed, since the last answer of any feed.
        self._unreachable: dict[str, datetime] = {}
        # Lines about broken feeds that wait for it to turn out whether it is the network.
        self._waiting: dict[str, tuple[datetime, dict[str, Any]]] = {}
        self._network_down = False
        # Feeds whose failure the line about the network stands for.
        self._unsaid: set[str] = set()
        self._faults: set[tuple[str, str]] = set()

    def succeeded(self, feed: Feed, before: FeedState, after: FeedState) -> None:
        """Note that a feed answered with a document or without change."""
        self._answered()
        if before.failures:
            level = log.debug if feed.id in self._unsaid else log.info
            level("feed recovered", feed=feed.url, failures=before.failures)
        self._unsaid.discard(feed.id)
        if after.problem and after.problem != before.problem:
            log.warning("feed doubtful", feed=feed.url, problem=after.problem)
        if after.held_back:
            level = log.debug if before.held_back else log.warning
            level("entries held back", feed=feed.url, held_back=after.held_back)

    def failed(self, feed: Feed, before: FeedState, after: FeedState, error: Exception) -> None:
        """Note that a poll failed of an error, and how that left the feed."""
        line = {"feed": feed.url, "error": after.error, "failures": after.failures}
        if isinstance(error, Unreachable):
            self._unreachable_now(feed, before, after, line)
        elif isinstance(error, FetchError | FeedError):
            # A time limit says nothing of who was reached.
            if not isinstance(error.__cause__, TimeoutError):
                self._answered()
            level = log.debug if before.failures else log.warning
            level("feed failed", **line)
        elif (kind := (feed.id, _kind(error))) in self._faults:
            log.debug("poll faulty", **line)
        else:
            self._faults.add(kind)
            log.error("poll faulty", exc_info=error, **line)

    def _unreachable_now(
        self, feed: Feed, before: FeedState, after: FeedState, line: dict[str, Any]
    ) -> None:
        now = after.polled_at or EPOCH
        self._unreachable[feed.id] = now
        if not self._network_down and not before.failures:
            self._waiting[feed.id] = (now, line)
            return
        log.debug("feed failed", **line)
        if not before.failures:
            self._unsaid.add(feed.id)

    def settle(self, now: datetime) -> None:
        """Say what has turned out; to be called every second or so."""
        for feed_id, at in list(self._unreachable.items()):
            if at < now - WINDOW:
                del self._unreachable[feed_id]
        due = [feed_id for feed_id, (at, _) in self._waiting.items() if at <= now - PATIENCE]
        if not due:
            return
        if len(self._unreachable) < FEW:
            self._say(due)
            return
        self._network_down = True
        log.warning(
            "no feed can be reached, the network is probably down", feeds=len(self._unreachable)
        )
        self._unsaid |= self._waiting.keys()
        for _, line in self._waiting.values():
            log.debug("feed failed", **line)
        self._waiting.clear()

    def _answered(self) -> None:
        """Some server was reached: what others fail of is their own."""
        self._unreachable.clear()
        self._say(list(self._waiting))
        if self._network_down:
            log.info("feeds can be reached again")
        self._network_down = False

    def _say(self, feeds: list[str]) -> None:
        for feed_id in feeds:
            _, line = self._waiting.pop(feed_id)
            log.warning("feed failed", **line)


def _kind(error: Exception) -> str:
    """Returns what two faults have in common that are said once."""
    place = traceback.extract_tb(error.__traceback__)[-1]
    # Of a fault in another process, only the words are known.
    name = str(error).partition(":")[0] if isinstance(error, ReaderFault) else type(error).__name__
    return f"{name} {place.filename}:{place.lineno}"
