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
# Whole addresses, and paths, of which the errors of `requests` speak.
_ADDRESS = re.compile(r"(?<!\S)(?:\S+?://\S+|/\S+)")
# A token is longer than words are.
_TOKEN = re.compile(r"[\w-]{12,}")


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
        raise DeliveryError(_reason(result, subscriber.options["url"]), retryable=True)
    return Receipt(f"taken by {service.service_name}")


def _reason(result: AppriseResult, address: str) -> str:
    """The last warning, which says what went wrong, without what the address holds."""
    warnings = [entry.message for entry in result.logs() if entry.level in {"WARNING", "ERROR"}]
    if not warnings:
        return "the service did not take it"
    said = _ADDRESS.sub("…", warnings[-1])
    for token in _TOKEN.findall(address):
        said = said.replace(token, "…")
    return said
