"""Apprise: a hundred services for messages, each with an URL of its own."""

from __future__ import annotations

import logging
import re
from typing import TYPE_CHECKING

from monitor.errors import DeliveryError, SubscriberBroken
from workers.delivery import mail
from workers.delivery.channel import TIMEOUT_S, Receipt

if TYPE_CHECKING:
    from apprise import AppriseResult

    from monitor.alerts.digest import Message
    from monitor.model import Subscriber
    from monitor.runtime import Runtime

# What chats would take for a call to all members, in titles that strangers wrote.
_MENTION = re.compile(r"(?<=@)(?=(?:everyone|here|channel|all)\b)|(?<=<)(?=[@!#])", re.IGNORECASE)
_NOTHING = "\u200b"
_ADDRESS = re.compile(r"\S+://\S+")


def send(runtime: Runtime, subscriber: Subscriber, message: Message) -> Receipt:  # noqa: ARG001
    """Send the words of the mail that would be sent."""
    # It takes a third of a second to load, which those without it are spared.
    from apprise import Apprise, NotifyFormat

    # Its own lines may name the address, which is a secret.
    logging.getLogger("apprise").propagate = False
    service = Apprise.instantiate(subscriber.options["url"])
    if service is None:
        raise SubscriberBroken("Apprise does not know this kind of address, or finds it incomplete")
    said = mail.content(message)
    services = Apprise()
    services.add(service)
    result = services.notify(
        title=_MENTION.sub(_NOTHING, said.subject),
        body=_MENTION.sub(_NOTHING, said.text),
        body_format=NotifyFormat.TEXT,
        timeout=TIMEOUT_S,
    )
    if not result:
        raise DeliveryError(_reason(result), retryable=True)
    return Receipt(f"taken by {service.service_name}")


def _reason(result: AppriseResult) -> str:
    """The last warning, which says what went wrong."""
    warnings = [entry.message for entry in result.logs() if entry.level in {"WARNING", "ERROR"}]
    return _ADDRESS.sub("…", warnings[-1]) if warnings else "the service did not take it"
