"""Webhooks: the alert's JSON, posted."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from monitor.errors import DeliveryError, FetchError
from monitor.http import HttpClient

if TYPE_CHECKING:
    from monitor.model import Alert, Subscriber
    from monitor.runtime import Runtime

TIMEOUT_S = 15.0


async def send(runtime: Runtime, subscriber: Subscriber, alert: Alert) -> None:
    """Post the alert; its id is the Idempotency-Key, by which a receiver knows a repetition."""
    settings = runtime.config.settings
    async with HttpClient(
        user_agent=settings.user_agent, allow_private=settings.allow_private_addresses
    ) as http:
        try:
            await http.post(
                subscriber.options["url"],
                json.dumps(alert.document, ensure_ascii=False).encode(),
                headers={"Content-Type": "application/json", "Idempotency-Key": alert.id},
                timeout_s=TIMEOUT_S,
            )
        except FetchError as error:
            raise DeliveryError(str(error), retryable=error.retryable) from error
