"""What keeps Presswatch from working."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from monitor.jobs.liveness import living

if TYPE_CHECKING:
    from monitor.runtime.composition import Runtime

NO_LEADER = "no scheduler leads, so no feed is polled: start `presswatch scheduler`"
NO_WORKER = "no worker lives, so no article is read: start `presswatch worker`"


def has_leader(runtime: Runtime) -> bool:
    """Returns whether any scheduler leads."""
    return bool(runtime.redis.exists(runtime.store.keys.leader))


def idle_reasons(runtime: Runtime) -> list[str]:
    """Returns why no work is done, each reason with what to do; empty if all is well."""
    reasons = []
    if not has_leader(runtime):
        reasons.append(NO_LEADER)
    if not living(runtime.redis):
        reasons.append(NO_WORKER)
    return reasons


def unready_reasons(runtime: Runtime, now: datetime) -> list[str]:
    """Returns the same, and also whether the archive is far behind."""
    reasons = idle_reasons(runtime)
    backlog = runtime.store.unarchived.backlog()
    if backlog.oldest is not None and backlog.is_late(now):
        since = backlog.oldest.isoformat(timespec="seconds")
        records = "1 record" if backlog.records == 1 else f"{backlog.records} records"
        reasons.append(
            f"the archive is behind since {since}, with {records} to write: see whether "
            "`presswatch archive` runs, and what it logs"
        )
    return reasons
