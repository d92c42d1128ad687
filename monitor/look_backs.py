"""Lets new and changed watchlists look back in the archive, and tells what each has found, once.

A watchlist with `backfill` is searched for in the articles of that time. Those that it did not
match in time are marked as found later, and subscribers get one summary, whose id is derived from
the watchlist, its query and its feeds.

To mark twice changes nothing. The summary is published in the transaction that remembers it, which
is why Redis remembers it and not the archive: a process that is killed begins again, and of several
archive processes that look back at once, one tells. If Redis has lost its data, the archive still
knows the alert.

The search has a thread and a connection of its own, so that records are written meanwhile.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import structlog
from redis.exceptions import RedisError

from monitor.alerts.look_back import LookBackFound, look_back_alert
from monitor.archive.database import read_archive
from monitor.archive.history import find_alerts, has_articles
from monitor.archive.later import mark_later
from monitor.archive.search import Search
from monitor.coverage import Record
from monitor.errors import ArchiveUnavailable
from monitor.model import Article, Watchlist, content_id
from monitor.store.look_backs import LookBackState
from monitor.threads import start
from monitor.watchlists.matcher import applies
from monitor.watchlists.references import subject_id

if TYPE_CHECKING:
    from pathlib import Path

    from redis.client import Pipeline

    from monitor.archive.database import Archive
    from monitor.config import Config
    from monitor.runtime.composition import Runtime

# By then all workers know the watchlist: they take up a change within 5 s, and articles that they
# had begun are published. What they match themselves is not found later.
SETTLING = timedelta(minutes=1)
# After a failure of Redis or the database.
PAUSE = timedelta(seconds=10)
# After a fault of ours, which will mostly come again.
LONG_PAUSE = timedelta(hours=1)
MOST_LISTED = 5
# When told to stop, a search is waited for so long; it begins again at the next start.
PATIENCE_S = 0.5

log = structlog.stdlib.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class LookBack:
    """A watchlist that has still to look back, at the articles found in a period."""

    id: str
    watchlist: Watchlist
    definitions: Mapping[str, str]
    since: datetime
    until: datetime


def summary_id(watchlist: Watchlist, definitions: Mapping[str, str]) -> str:
    """Returns the id of a watchlist's summary: another query or other feeds have another one."""
    return content_id(watchlist.name, "look back", subject_id(watchlist, definitions))


class LookBacks:
    """Looks back for one watchlist after another, in a thread of its own."""

    def __init__(self, runtime: Runtime, data: Path, stop: threading.Event) -> None:
        self._runtime = runtime
        self._data = data
        self._stop = stop
        self._thread: threading.Thread | None = None
        self._not_before = float("-inf")
        # By id, those that met a fault of ours.
        self._postponed: dict[str, float] = {}
        self.use(runtime.config)

    def use(self, config: Config) -> None:
        """Takes a new configuration."""
        self._runtime = replace(self._runtime, config=config)
        # Replaced as a whole, since the thread reads it. Those that are done leave `_pending`.
        self._wanted = {
            summary_id(watchlist, config.definitions): watchlist
            for watchlist in config.watchlists
            if watchlist.backfill is not None
        }
        self._pending = dict(self._wanted)

    def look(self, engine: Archive, now: datetime) -> None:
        """Remembers which watchlists are new, and begins to look back if that is due.

        Takes a moment; the rest is left to the thread. Raises RedisError and ArchiveUnavailable.
        """
        if not self._pending or time.monotonic() < self._not_before:
            return
        is_busy = self._thread is not None and self._thread.is_alive()
        try:
            due = self.due(engine, now)
        except (RedisError, ArchiveUnavailable):
            raise
        except Exception:
            # Records must be written nevertheless.
            log.exception("look back failed")
            self._not_before = time.monotonic() + LONG_PAUSE.total_seconds()
            return
        due = [each for each in due if time.monotonic() >= self._postponed.get(each.id, 0)]
        if due and not is_busy:
            self._thread = start(lambda: self._look_back_for(due, engine), "look back")

    def close(self) -> None:
        """Waits a moment for a search that was told to stop."""
        if self._thread is not None:
            self._thread.join(PATIENCE_S)

    def due(self, engine: Archive, now: datetime) -> list[LookBack]:
        """Returns which watchlists must look back now; remembers those that are new.

        A new watchlist waits until all workers know it, and until what was found before then is in
        the archive.
        """
        store = self._runtime.store
        states = store.look_backs.states(list(self._pending))
        if unseen := self._pending.keys() - states.keys():
            self._see(unseen, engine, now)
            states |= store.look_backs.states(list(unseen))
        for each in [each for each, state in states.items() if state.is_done]:
            del self._pending[each], states[each]
        oldest = store.unarchived.backlog().oldest
        due = []
        for each, state in states.items():
            watchlist, until = self._pending[each], state.first_seen_at + SETTLING
            if watchlist.backfill and until <= now and (oldest is None or until <= oldest):
                since = state.first_seen_at - watchlist.backfill
                definitions = self._runtime.config.definitions
                due.append(LookBack(each, watchlist, definitions, since, until))
        return due

    def _see(self, unseen: Collection[str], engine: Archive, now: datetime) -> None:
        """Remembers new watchlists; those with nothing to look for are done at once."""
        is_empty = not has_articles(engine)
        for each in unseen:
            # If Redis has lost its data, the archive still knows the summaries.
            is_done = is_empty or bool(find_alerts(engine, each, most=1))
            self._runtime.store.look_backs.see(each, LookBackState(now, is_done))

    def _look_back_for(self, due: Sequence[LookBack], engine: Archive) -> None:
        """Looks back for each watchlist; what fails is tried again after a pause."""
        for each in due:
            try:
                self.look_back(each, engine)
            except (RedisError, ArchiveUnavailable) as error:
                log.warning("look back waits", watchlist=each.watchlist.name, error=str(error))
                self._not_before = time.monotonic() + PAUSE.total_seconds()
                return
            except Exception:
                log.exception("look back failed", watchlist=each.watchlist.name)
                self._postponed[each.id] = time.monotonic() + LONG_PAUSE.total_seconds()

    def look_back(self, task: LookBack, engine: Archive) -> bool:
        """Searches, marks and tells; returns whether this process told.

        Ends early, and leaves only marks, if the process is told to stop or the watchlist has
        changed.
        """
        reader = read_archive(self._runtime.config.settings.archive.url, self._data)
        try:
            found = self._search(task, reader, engine)
        finally:
            reader.dispose()
        if found is None:
            return False
        alert = look_back_alert(task.watchlist, found, task.id, now=datetime.now(UTC))
        runtime = self._runtime

        def publish(pipe: Pipeline) -> None:
            runtime.store.alerts.publish(alert, pipe)
            runtime.queues.enqueue_deliveries(alert, pipe)
            runtime.store.unarchived.add(Record(alert=alert.document), pipe)

        is_ours = runtime.store.look_backs.finish(task.id, publish)
        if is_ours:
            log.info("looked back", watchlist=task.watchlist.name, articles=found.articles)
        return is_ours

    def _search(self, task: LookBack, reader: Archive, engine: Archive) -> LookBackFound | None:
        """Marks what the watchlist matches; None if it ended early."""
        watchlist = task.watchlist
        search = Search(
            reader,
            watchlist.query,
            task.definitions,
            since=task.since,
            until=task.until,
            sources=watchlist.feeds.names,
            # Others need the cores to read what is new.
            most_processes=1,
        )
        articles = known = 0
        newest: dict[str, tuple[datetime, Article]] = {}
        begun = time.monotonic()
        for batch in search:
            covered = [each for each in batch if applies(watchlist.feeds, each.article)]
            marked = mark_later(engine, watchlist.name, [each.article.id for each in covered])
            articles += len(marked)
            known += len(covered) - len(marked)
            for each in covered:
                if each.article.id in marked and len(newest) < MOST_LISTED:
                    newest.setdefault(each.article.story, (each.found_at, each.article))
            # It rests for as long as it works: nobody waits for it.
            self._stop.wait(time.monotonic() - begun)
            begun = time.monotonic()
            if self._must_end(task):
                break
        if self._must_end(task):
            return None
        return LookBackFound(task.since, task.until, articles, known, tuple(newest.values()))

    def _must_end(self, task: LookBack) -> bool:
        return self._stop.is_set() or task.id not in self._wanted
