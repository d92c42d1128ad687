"""Deliveries: one alert to one subscriber, by the channel that the subscriber names.

A channel is a function in a module of its own, entered in `CHANNELS` under its kind.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Protocol

import structlog

from monitor.errors import DeliveryError
from monitor.process import Again, Done
from workers.delivery.webhook import send as webhook

if TYPE_CHECKING:
    from monitor.model import Alert, Subscriber
    from monitor.runtime import Runtime
    from workers.context import Context

log = structlog.stdlib.get_logger(__name__)

# A subscriber that does not answer is tried for about a day.
PAUSES_S = (5, 30, 120, 600, 1800, 3600, 7200, 14400, 28800, 28800)


class Channel(Protocol):
    """Brings an alert to a subscriber; raises DeliveryError where it could not."""

    async def __call__(self, runtime: Runtime, subscriber: Subscriber, alert: Alert) -> None:
        """Deliver, idempotently where the other side allows it."""


async def unavailable(_: Runtime, subscriber: Subscriber, __: Alert) -> None:
    """Refuse a channel that is not built yet, where an operator sees it."""
    raise DeliveryError(f"{subscriber.kind} is not available yet", retryable=False)


CHANNELS: dict[str, Channel] = {"webhook": webhook}


async def deliver(context: Context, job_id: str, alert_id: str, name: str) -> Again | Done:
    """Deliver one alert to the subscriber of this name, or say when to try again."""
    runtime = context.runtime
    queues = runtime.queues
    if not queues.owed("deliveries", job_id):
        return Done(())
    attempt = queues.begin("deliveries", job_id)
    alert = runtime.store.alerts.get(alert_id)
    subscriber = next((one for one in runtime.config.subscribers if one.name == name), None)
    if alert is None or subscriber is None:
        missing = "alert" if alert is None else "subscriber"
        queues.give_up("deliveries", job_id, f"the {missing} no longer exists")
        return Done(())
    try:
        await CHANNELS.get(subscriber.kind, unavailable)(runtime, subscriber, alert)
    except DeliveryError as error:
        if error.retryable and attempt < len(PAUSES_S):
            log.warning(
                "delivery failed", error=str(error), again=str(timedelta(seconds=PAUSES_S[attempt]))
            )
            return Again(PAUSES_S[attempt])
        log.error("delivery given up", error=str(error))  # noqa: TRY400 - the reason says it all
        queues.give_up("deliveries", job_id, str(error))
        return Done(())
    with runtime.redis.pipeline() as pipe:
        queues.settle("deliveries", job_id, pipe)
        pipe.execute()
    log.info("alert delivered", channel=subscriber.kind, watchlist=alert.watchlist)
    return Done((alert,))
