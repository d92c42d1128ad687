"""Webhooks: posts the alert's JSON, signed as https://www.standardwebhooks.com specifies."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import time
from typing import TYPE_CHECKING, Any

from monitor.alerts.build import VERSION
from monitor.errors import BadStatus, DeliveryError, FetchError, RefusedAddress, SubscriberBroken
from monitor.http.client import HttpClient
from workers.deliveries.channel import TIMEOUT_S, Receipt

if TYPE_CHECKING:
    from monitor.alerts.digest import Message
    from monitor.model import Subscriber
    from monitor.runtime.composition import Runtime

SECRET_PREFIX = "whsec_"  # noqa: S105 - a prefix, not a secret
# No alert would be accepted: not allowed, not found, gone, or moved; redirects are not followed.
BROKEN = frozenset({301, 302, 303, 307, 308, 401, 403, 404, 405, 410})


def send(runtime: Runtime, subscriber: Subscriber, message: Message) -> Receipt:
    """Posts one alert as it is, or several as a list.

    The message's key is the Idempotency-Key, by which a receiver recognises a repetition.
    """
    return asyncio.run(_post(runtime, subscriber, message))


async def _post(runtime: Runtime, subscriber: Subscriber, message: Message) -> Receipt:
    settings = runtime.config.settings
    body = json.dumps(_document(message), ensure_ascii=False).encode()
    headers = {
        **subscriber.options.get("headers", {}),
        "Content-Type": "application/json",
        "Idempotency-Key": message.key,
    }
    if secret := subscriber.options.get("secret"):
        headers |= signature(secret, message.key, int(time.time()), body)
    async with HttpClient.of(settings) as http:
        try:
            response = await http.post(
                subscriber.options["url"], body, headers=headers, timeout_s=TIMEOUT_S
            )
        except BadStatus as error:
            if error.status in BROKEN:
                raise SubscriberBroken(str(error)) from error
            raise DeliveryError(
                str(error), retryable=error.retryable, retry_after_s=error.retry_after_s
            ) from error
        except RefusedAddress as error:
            raise SubscriberBroken(f"{error}; see allow_private_addresses") from error
        except FetchError as error:
            raise DeliveryError(str(error), retryable=error.retryable) from error
    return Receipt(f"HTTP {response.status}")


def _document(message: Message) -> dict[str, Any]:
    if message.gathered:
        return {"v": VERSION, "id": message.key, "alerts": list(message.published)}
    return message.published[0]


def signature(secret: str, message_id: str, moment: int, body: bytes) -> dict[str, str]:
    """Returns the headers that prove to a receiver that a message is ours (symmetric, version 1).

    A secret that begins with `whsec_` is Base64 after the prefix; any other is used as UTF-8.
    `moment` is in epoch seconds.
    """
    key = secret.encode()
    if secret.startswith(SECRET_PREFIX):
        key = base64.b64decode(secret.removeprefix(SECRET_PREFIX))
    signed = f"{message_id}.{moment}.".encode() + body
    digest = base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(moment),
        "webhook-signature": f"v1,{digest}",
    }
