"""Tells the operators, as an alert of their own, what only they can mend."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from monitor.alerts.build import OPERATORS, notice
from monitor.model import Delivery

if TYPE_CHECKING:
    from redis.client import Pipeline

    from monitor.config import Config
    from monitor.runtime.composition import Runtime


def operators_of(config: Config) -> str | None:
    """Returns the name of the subscriber that is told: `operators`, or without it the first."""
    names = [subscriber.name for subscriber in config.subscribers]
    return OPERATORS if OPERATORS in names else next(iter(names), None)


def tell(
    runtime: Runtime, title: str, text: str, now: datetime, pipe: Pipeline, *, unless: str = ""
) -> None:
    """Adds to a transaction: an alert to operators, unless their subscriber is `unless`.

    The stream holds alerts on news alone. The console has the line that the caller logs.
    """
    subscriber = operators_of(runtime.config)
    if subscriber and subscriber != unless:
        alert = notice(title, text, now=now)
        runtime.store.alerts.keep(alert, pipe)
        runtime.queues.enqueue_delivery(Delivery(subscriber, (alert.id,)), pipe)
