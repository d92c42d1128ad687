"""Logs the results of polls: one line when a feed begins to fail, one when it recovers.

A failure to reach a feed is held back for some seconds: if no feed can be reached, the network is
probably down, and one line says so instead of one for each feed.
"""

from __future__ import annotations

import traceback
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import structlog

from monitor.errors import FeedError, FetchError, Unreachable
from monitor.model import FeedGaps
from monitor.scheduler.apart import ReaderFault

if TYPE_CHECKING:
    from monitor.model import Feed, FeedState

# If this many feeds cannot be reached and no other answers, the network is probably down.
MIN_UNREACHABLE = 3
# Failures are held back this long, so that feeds polled at the same time can answer first.
PATIENCE = timedelta(seconds=5)
# Failures that are older than this say nothing about the network now.
UNREACHABLE_WINDOW = timedelta(minutes=10)
EPOCH = datetime.fromtimestamp(0, UTC)

log = structlog.stdlib.get_logger(__name__)


class PollReports:
    """Logs the polls of one process, and remembers what was logged about each feed."""

    def __init__(self) -> None:
        # The feeds that could not be reached since any feed last answered, and when each failed.
        self._unreachable: dict[str, datetime] = {}
        # Lines about failing feeds that wait until it is clear whether the network is down.
        self._waiting: dict[str, tuple[datetime, dict[str, Any]]] = {}
        self._network_down = False
        # Feeds whose failure was logged only at debug level, because the network was down; so is
        # their recovery.
        self._unlogged: set[str] = set()
        self._faults: set[tuple[str, str]] = set()

    def succeeded(self, feed: Feed, previous: FeedState, current: FeedState) -> None:
        """Records that a feed answered, with a document or with "not modified"."""
        self._answered()
        if previous.failures:
            log_event = log.debug if feed.id in self._unlogged else log.info
            log_event("feed recovered", feed=feed.url, failures=previous.failures)
        self._unlogged.discard(feed.id)
        if current.problem and current.problem != previous.problem:
            log.warning("feed doubtful", feed=feed.url, problem=current.problem)
        if current.address != previous.address and current.address:
            log.warning("feed moved", feed=feed.url, address=feed.shown(current.address))
        _log_gap(feed, previous, current)
        if current.held_back:
            log_event = log.debug if previous.held_back else log.warning
            log_event("entries held back", feed=feed.url, held_back=current.held_back)

    def failed(self, feed: Feed, previous: FeedState, current: FeedState, error: Exception) -> None:
        """Records that a poll failed; takes the feed's state before and after it."""
        line = {"feed": feed.url, "error": current.error, "failures": current.failures}
        if current.stopped_at:
            self._answered()
            log_event = log.debug if previous.stopped_at else log.warning
            log_event("feed gone", feed=feed.url)
            return
        if isinstance(error, Unreachable):
            self._unreachable_now(feed, previous, current, line)
        elif isinstance(error, FetchError | FeedError):
            # A timeout is no evidence that the network works.
            if not isinstance(error.__cause__, TimeoutError):
                self._answered()
            log_event = log.debug if previous.failures else log.warning
            log_event("feed failed", **line)
        elif (kind := (feed.id, _kind(error))) in self._faults:
            log.debug("poll faulty", **line)
        else:
            self._faults.add(kind)
            log.error("poll faulty", exc_info=error, **line)

    def _unreachable_now(
        self, feed: Feed, previous: FeedState, current: FeedState, line: dict[str, Any]
    ) -> None:
        now = current.polled_at or EPOCH
        self._unreachable[feed.id] = now
        if not self._network_down and not previous.failures:
            self._waiting[feed.id] = (now, line)
            return
        log.debug("feed failed", **line)
        if not previous.failures:
            self._unlogged.add(feed.id)

    def settle(self, now: datetime) -> None:
        """Logs failures that were held back for `PATIENCE`; must be called about once a second."""
        for feed_id, failed_at in list(self._unreachable.items()):
            if failed_at < now - UNREACHABLE_WINDOW:
                del self._unreachable[feed_id]
        held_since = now - PATIENCE
        due = [
            feed_id for feed_id, (failed_at, _) in self._waiting.items() if failed_at <= held_since
        ]
        if not due:
            return
        if len(self._unreachable) < MIN_UNREACHABLE:
            self._log_failures(due)
            return
        self._network_down = True
        log.warning(
            "no feed can be reached, the network is probably down", feeds=len(self._unreachable)
        )
        self._unlogged |= self._waiting.keys()
        for _, line in self._waiting.values():
            log.debug("feed failed", **line)
        self._waiting.clear()

    def _answered(self) -> None:
        """Records that the network works, and so blames the feeds for the failures held back."""
        self._unreachable.clear()
        self._log_failures(list(self._waiting))
        if self._network_down:
            log.info("feeds can be reached again")
        self._network_down = False

    def _log_failures(self, feed_ids: list[str]) -> None:
        for feed_id in feed_ids:
            _, line = self._waiting.pop(feed_id)
            log.warning("feed failed", **line)


def _log_gap(feed: Feed, previous: FeedState, current: FeedState) -> None:
    before, gaps = previous.gaps or FeedGaps(), current.gaps or FeedGaps()
    if gaps.found > before.found:
        is_filled = gaps.filled > before.filled
        log_event = log.debug if gaps.in_a_row > 1 else log.info if is_filled else log.warning
        log_event("feed gap", feed=feed.url, filled=is_filled, since=str(previous.succeeded_at))


def _kind(error: Exception) -> str:
    """Returns a fault's type and place; a feed's faults that share both are logged once."""
    origin = traceback.extract_tb(error.__traceback__)[-1]
    # A fault in another process is known only by its message, which begins with its type.
    name = str(error).partition(":")[0] if isinstance(error, ReaderFault) else type(error).__name__
    return f"{name} {origin.filename}:{origin.lineno}"
