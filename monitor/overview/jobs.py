"""Says which entry or delivery a job that was given up was for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from monitor.model import Delivery, from_plain
from monitor.runtime.logs import shown

if TYPE_CHECKING:
    from monitor.jobs.ledger import FailedJob


def about(job: FailedJob) -> str:
    """Describes a job for people: by its entry's address, or its alerts and subscriber."""
    if not job.args:
        return "a job of another program"
    if job.queue == "articles":
        return shown(str(job.args[1].get("url") or job.args[1].get("title") or "an entry"))
    delivery = from_plain(Delivery, job.args[0])
    recipients = f" ({', '.join(delivery.to)})" if delivery.to else ""
    count = len(delivery.alerts)
    alerts = f"alert {delivery.alerts[0]}" if count == 1 else f"{count} alerts"
    return f"{alerts} to {delivery.subscriber}{recipients}"
