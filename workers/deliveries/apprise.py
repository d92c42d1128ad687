"""Apprise: a hundred message services, each addressed by a URL."""

from __future__ import annotations

import logging
import re
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from monitor.errors import DeliveryError, SubscriberBroken
from workers.deliveries.channel import TIMEOUT_S, Receipt
from workers.deliveries.email import render

if TYPE_CHECKING:
    from apprise import AppriseResult

    from monitor.alerts.digest import Message
    from monitor.model import Subscriber
    from monitor.runtime.composition import Runtime

# What chats would read as a mention of all members, in titles that strangers wrote.
_MENTION = re.compile(r"(?<=@)(?=(?:everyone|here|channel|all)\b)|(?<=<)(?=[@!#])", re.IGNORECASE)
_ZERO_WIDTH_SPACE = "\u200b"
# Whole URLs, and paths, which the errors of `requests` quote.
_URL_OR_PATH = re.compile(r"(?<!\S)(?:\S+?://\S+|/\S+)")
# A part of the address that is longer than most words may be a token.
_CREDENTIAL = re.compile(r"[\w-]{12,}")


def send(runtime: Runtime, subscriber: Subscriber, message: Message) -> Receipt:  # noqa: ARG001
    """Sends the subject and the text of the mail that would be sent."""
    # Loading it takes a third of a second, which other subscribers need not wait for.
    from apprise import Apprise, NotifyFormat

    # Its log lines may contain the address, which is a secret.
    logging.getLogger("apprise").propagate = False
    service = Apprise.instantiate(subscriber.options["url"])
    if service is None:
        raise SubscriberBroken("Apprise does not support this address, or it is incomplete")
    content = render.render_mail(message, zone=ZoneInfo(subscriber.timezone))
    services = Apprise()
    services.add(service)
    result = services.notify(
        title=_MENTION.sub(_ZERO_WIDTH_SPACE, content.subject),
        body=_MENTION.sub(_ZERO_WIDTH_SPACE, content.text),
        body_format=NotifyFormat.TEXT,
        timeout=TIMEOUT_S,
    )
    if not result:
        raise DeliveryError(_reason(result, subscriber.options["url"]), retryable=True)
    return Receipt(f"accepted by {service.service_name}")


def _reason(result: AppriseResult, address: str) -> str:
    """Returns the last warning, which says what went wrong, without any part of the address."""
    warnings = [entry.message for entry in result.logs() if entry.level in {"WARNING", "ERROR"}]
    if not warnings:
        return "the service did not accept the message"
    reason = _URL_OR_PATH.sub("…", warnings[-1])
    for token in _CREDENTIAL.findall(address):
        reason = reason.replace(token, "…")
    return reason
