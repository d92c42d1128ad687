"""The process `presswatch archive`: writes what the workers record, until it is told to stop.

It delays no alert: workers do not wait for it, and when it was stopped, it catches up. While the
database does not answer, records wait in Redis.
"""

from __future__ import annotations

import math
import signal
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import structlog
from redis.exceptions import RedisError

from monitor.archive.database import excess, is_in_place, open_archive, shown, size_bytes
from monitor.archive.history import count_articles
from monitor.archive.refolding import refold
from monitor.archive.writer import Writer
from monitor.concerns_watch import ConcernsWatch
from monitor.coverage import Record
from monitor.errors import ArchiveUnavailable
from monitor.look_backs import LookBacks
from monitor.model import as_json, from_json
from monitor.reports_watch import ReportsWatch
from monitor.runtime.composition import ConfigWatch
from monitor.spikes_watch import SpikesWatch

if TYPE_CHECKING:
    from pathlib import Path

    from monitor.archive.database import Archive
    from monitor.runtime.composition import Runtime

# The most records in one transaction.
BATCH = 500
# How long to wait for a record.
PATIENCE = timedelta(seconds=1)
# Records are gathered for so long, since each transaction has its price.
GATHERING_S = 2.0
# After a failure of Redis or the database.
PAUSE_S = 2.0
HOUSEKEEPING = timedelta(hours=1)
# So many articles are removed between two looks whether to stop.
FORGOTTEN_AT_ONCE = 500

log = structlog.stdlib.get_logger(__name__)


class Archiver:
    """Moves records from Redis into the archive."""

    def __init__(self, runtime: Runtime, data: Path, stop: threading.Event) -> None:
        self._unarchived = runtime.store.unarchived
        self._settings = runtime.config.settings.archive
        self._watch = ConfigWatch(runtime)
        self._spikes = SpikesWatch(runtime)
        self._concerns = ConcernsWatch(runtime)
        self._look_backs = LookBacks(runtime, data, stop)
        self._reports = ReportsWatch(runtime)
        self._stop = stop
        self._data = data
        self._kept_house_at = float("-inf")
        self._failing = False
        self._is_folded = False
        self._refolded_to: int | None = None

    def run(self) -> None:
        """Writes until told to stop; raises PresswatchError if the archive cannot be used."""
        while (engine := self._opened()) is not None:
            log.info("archive opened", archive=shown(engine))
            self._write_to(engine)
            self._look_backs.close()
            engine.dispose()
            if not self._stop.is_set():
                log.error("archive was removed", archive=shown(engine))
        log.info("archive closed")

    def _write_to(self, engine: Archive) -> None:
        """Writes until told to stop, or until the archive is no longer where it was opened."""
        writer = Writer(engine)
        self._is_folded, self._refolded_to = False, None
        while not self._stop.is_set():
            if not is_in_place(engine):
                return
            self._guarded(lambda: self._step(writer, engine))
        # What is there already can then be read while nothing runs.
        self._guarded(lambda: self._move(writer, engine, timedelta(milliseconds=1)))

    def _opened(self) -> Archive | None:
        """Opens the archive as soon as the database answers; None if told to stop before."""
        while not self._stop.is_set():
            try:
                return open_archive(self._settings.url, self._data)
            except ArchiveUnavailable as error:
                self._failed(str(error))
        return None

    def _guarded(self, step: Callable[[], object]) -> None:
        try:
            step()
        except (RedisError, ArchiveUnavailable) as error:
            self._failed(str(error) or type(error).__name__)
        except Exception:
            # What was taken is taken again, and other records are not held up by this one for ever.
            log.exception("archive failed")
            self._stop.wait(PAUSE_S)

    def _failed(self, error: str) -> None:
        if not self._failing:
            log.error("archive waits", error=error)
        self._failing = True
        self._stop.wait(PAUSE_S)

    def _step(self, writer: Writer, engine: Archive) -> None:
        self._reload()
        # Before the first records are written: an archive that begins has no past to look at.
        self._look_backs.look(engine, datetime.now(UTC))
        moved = self._move(writer, engine, PATIENCE)
        if moved < BATCH:
            self._refold(engine)
        if 0 < moved < BATCH:
            self._stop.wait(GATHERING_S)
        self._spikes.look_if_due(engine, datetime.now(UTC))
        self._reports.look_if_due(engine, datetime.now(UTC))
        self._concerns.look_if_due(engine, datetime.now(UTC))
        if time.monotonic() >= self._kept_house_at + HOUSEKEEPING.total_seconds():
            # A fault in it must not come again, with its trace, at every step.
            self._kept_house_at = time.monotonic()
            self._keep_house(writer, engine)

    def _refold(self, engine: Archive) -> None:
        """Folds articles again that were folded by older rules, a few at a time."""
        if self._is_folded:
            return
        self._refolded_to = refold(engine, self._refolded_to)
        self._is_folded = self._refolded_to is None

    def _move(self, writer: Writer, engine: Archive, patience: timedelta) -> int:
        """Moves a batch of records into the archive; returns how many there were.

        They stay in Redis if the archive was removed meanwhile: nobody could read them there.
        """
        taken = self._unarchived.take(BATCH, patience)
        if taken:
            self._write(writer, [stored for _, stored in taken])
            if not is_in_place(engine):
                return 0
            self._unarchived.settle([stream_id for stream_id, _ in taken])
            if self._failing:
                # Not before: what could not be written is taken again only after a while.
                self._failing = False
                log.info("archive works again")
        return len(taken)

    def _write(self, writer: Writer, stored: list[bytes]) -> None:
        """Writes records; those that cannot be written are kept for an operator to see."""
        records, refused = [], []
        for each in stored:
            try:
                records.append(from_json(Record, each))
            except ValueError as error:
                refused.append((each, str(error)))
        refused += [(as_json(each.record).encode(), each.reason) for each in writer.write(records)]
        # Not before the others are written: all of them come again while the database fails.
        for record, reason in refused:
            self._refuse(record, reason)

    def _refuse(self, record: bytes, reason: str) -> None:
        log.error("record refused", error=reason)
        self._unarchived.refuse(record, reason)

    def _reload(self) -> None:
        config = self._watch.valid_change()
        if config is not None:
            self._settings = config.settings.archive
            self._spikes.use(config)
            self._look_backs.use(config)
            self._reports.use(config)
            self._concerns.use(config)

    def _keep_house(self, writer: Writer, engine: Archive) -> None:
        """Removes what is too old, and some of the oldest if the archive is too large."""
        self._unarchived.forget_consumers()
        now = datetime.now(UTC)
        removed = 0
        while not self._stop.is_set():
            count = writer.forget(now - self._settings.keep, FORGOTTEN_AT_ONCE)
            removed += count
            if not count:
                break
        if share := excess(engine, self._settings.max_size):
            removed += writer.forget(now, math.ceil(share * count_articles(engine)))
        log.info("archive kept", removed=removed, bytes=size_bytes(engine))


def serve(runtime: Runtime, data: Path) -> None:
    """Runs an archive until SIGTERM or SIGINT."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    Archiver(runtime, data, stop).run()
