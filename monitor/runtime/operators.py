"""Tells the operators, as an alert of their own, what only they can mend."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from monitor.alerts.build import OPERATORS, notice
from monitor.model import Delivery

if TYPE_CHECKING:
    from redis.client import Pipeline

    from monitor.runtime.composition import Runtime


def tell(runtime: Runtime, title: str, text: str, now: datetime, pipe: Pipeline) -> None:
    """Adds to a transaction: an alert for the subscriber `operators`, if there is one."""
    if OPERATORS not in {subscriber.name for subscriber in runtime.config.subscribers}:
        return
    alert = notice(title, text, now=now)
    runtime.store.alerts.keep(alert, pipe)
    runtime.queues.enqueue_delivery(Delivery(OPERATORS, (alert.id,)), pipe)
