"""Tells the operators, as an alert of their own, when a subscriber was paused."""

from __future__ import annotations

from typing import TYPE_CHECKING

from monitor.alerts.build import OPERATORS, notice
from monitor.model import Delivery, SubscriberState

if TYPE_CHECKING:
    from redis.client import Pipeline

    from monitor.runtime.composition import Runtime


def report_pause(runtime: Runtime, name: str, state: SubscriberState, pipe: Pipeline) -> None:
    """Adds to a transaction: an alert that a subscriber was paused, if operators can get it.

    They cannot if they have no subscriber, or if theirs is the one that was paused.
    """
    names = {subscriber.name for subscriber in runtime.config.subscribers}
    if state.paused_at is None or OPERATORS not in names or name == OPERATORS:
        return
    alert = notice(
        f"{name} accepts no alerts and is paused: {state.error}",
        f"{state.failures} deliveries failed. Its alerts are kept. It is tried again "
        f"automatically, and resumes as soon as it accepts one. `presswatch status` shows "
        f"its state.",
        now=state.paused_at,
    )
    runtime.store.alerts.keep(alert, pipe)
    runtime.queues.enqueue_delivery(Delivery(OPERATORS, (alert.id,)), pipe)
