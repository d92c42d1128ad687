"""Tells when the archive is far behind: nothing is lost, but Redis grows meanwhile."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import structlog

from monitor.runtime.operators import tell

if TYPE_CHECKING:
    from monitor.runtime.composition import Runtime

log = structlog.stdlib.get_logger(__name__)


class ArchiveLag:
    """Looks how far the archive is behind, and remembers whether it has told of it."""

    def __init__(self) -> None:
        self._told = False

    def look(self, runtime: Runtime, now: datetime) -> None:
        """Tells operators when the archive is more than `LATE` behind, and when it is no more."""
        backlog = runtime.store.unarchived.backlog()
        is_late = backlog.is_late(now)
        if is_late == self._told:
            return
        self._told = is_late
        if backlog.oldest is None or not is_late:
            log.info("archive caught up")
            return
        since = backlog.oldest.isoformat(timespec="seconds")
        log.error("archive behind", since=since, records=backlog.records)
        with runtime.redis.pipeline() as pipe:
            pipe.multi()
            tell(
                runtime,
                f"the archive is behind since {since}",
                f"{backlog.records} records wait to be written. Alerts are not delayed, and "
                "nothing is lost, but Redis grows. See whether `presswatch archive` runs, and "
                "what it logs.",
                now,
                pipe,
            )
            pipe.execute()
