"""Looks for spikes and silences in what the archive holds, and alerts on them.

Several archive processes may look at once. The state of a watchlist changes in the transaction that
publishes the alert, and only for the process that knew the state before: exactly one alerts.
"""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import structlog

from monitor.alerts.build import coverage_alert
from monitor.alerts.spikes import LONGEST_SPIKE, SpikeEvent, SpikeState, decide
from monitor.archive.coverage import hourly_counts, stories_between
from monitor.archive_watch import ArchiveWatch
from monitor.coverage import Record
from monitor.model import Spike, Watchlist, content_id
from monitor.runtime.operators import tell
from monitor.watchlists.references import subject_id

if TYPE_CHECKING:
    from redis.client import Pipeline

    from monitor.archive.database import Archive

EVERY = timedelta(minutes=10)
# While older records wait to be written, the archive does not know the last hours.
MOST_BEHIND = timedelta(minutes=5)
MOST_STORIES = 5

log = structlog.stdlib.get_logger(__name__)


class SpikesWatch(ArchiveWatch):
    """Looks at every watchlist that has `spike`, every `EVERY`."""

    every = EVERY

    def look(self, engine: Archive, now: datetime) -> None:
        """Looks at all watchlists, and alerts; does nothing while the archive is behind."""
        oldest = self._runtime.store.unarchived.backlog().oldest
        if oldest is not None and oldest < now - MOST_BEHIND:
            return
        for watchlist in self._runtime.config.watchlists:
            if watchlist.spike is not None:
                self._look_at(engine, watchlist, watchlist.spike, now)

    def _look_at(self, engine: Archive, watchlist: Watchlist, spike: Spike, now: datetime) -> None:
        # A silence or a spike is compared with what was usual before it.
        since = now - 2 * spike.over - LONGEST_SPIKE
        counts = hourly_counts(engine, watchlist.name, since, now)
        subject = subject_id(watchlist, self._runtime.config.definitions)
        before = self._runtime.store.spikes.state(watchlist.name)
        state = before
        if state is None:
            state = SpikeState(subject, now - len(counts) * timedelta(hours=1))
        elif state.subject != subject:
            # Another query has another usual.
            state = SpikeState(subject, now)
        after, event = decide(state, counts, spike, now)
        if after == before:
            return

        def alongside(pipe: Pipeline) -> None:
            if event is not None:
                self._publish(engine, watchlist, event, now, pipe)

        if self._runtime.store.spikes.change(watchlist.name, before, after, alongside) and event:
            log.info("coverage unusual", watchlist=watchlist.name, what=event.kind)

    def _publish(
        self,
        engine: Archive,
        watchlist: Watchlist,
        event: SpikeEvent,
        now: datetime,
        pipe: Pipeline,
    ) -> None:
        """Adds to the transaction: the alert on a spike, or the one to operators on a silence."""
        if event.kind == "silence":
            tell(
                self._runtime,
                f"the watchlist {watchlist.name} is silent",
                f"No article has matched for {event.hours} hours, in which {event.expected:.0f} "
                "are usual. See whether its feeds still answer, and whether its query still fits.",
                now,
                pipe,
            )
            return
        if event.kind == "silence over":
            title = f"the watchlist {watchlist.name} is no longer silent"
            tell(self._runtime, title, "Articles match again.", now, pipe)
            return
        stories = (
            stories_between(engine, watchlist.name, event.since, now, MOST_STORIES)
            if event.kind == "spike"
            else []
        )
        # The beginning of a spike identifies it, also when it is over.
        began = event.since if event.kind == "spike over" else now
        subject = content_id(watchlist.name, "spike", began.isoformat())
        alert = coverage_alert(watchlist, event, subject, list(map(asdict, stories)), now=now)
        self._runtime.store.alerts.publish(alert, pipe)
        self._runtime.queues.enqueue_deliveries(alert, pipe)
        self._runtime.store.unarchived.add(Record(alert=alert.document), pipe)
