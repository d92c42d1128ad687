"""The contract of every channel: a function that sends a message to a subscriber."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from monitor.errors import DeliveryError
from monitor.jobs.limits import SENDING

if TYPE_CHECKING:
    from monitor.alerts.digest import Message
    from monitor.model import Subscriber
    from monitor.runtime.composition import Runtime

# Every wait within a delivery must end before its job is cut short.
TIMEOUT_S = SENDING.total_seconds()


@dataclass(frozen=True, slots=True)
class Receipt:
    """The receiver's answer on accepting a message.

    If a message has several recipients, some may be refused for now (`later`) and some for good
    (`refused`), each with the answer given.
    """

    answer: str
    later: Mapping[str, str] = field(default_factory=dict)
    refused: Mapping[str, str] = field(default_factory=dict)


# Nothing was sent: the message that this one would add to does not exist any more.
NOTHING_SENT = Receipt("nothing to add to")


class Crowded(DeliveryError):
    """Others keep the subscriber's channel busy; `retry_after_s` says when it is our turn."""


class Channel(Protocol):
    """A function that sends a message to a subscriber."""

    def __call__(self, runtime: Runtime, subscriber: Subscriber, message: Message) -> Receipt:
        """Sends a message, at most once for each `message.key` if the receiver allows that.

        Raises DeliveryError if nobody accepted it; SubscriberBroken if an operator must repair
        something before anything is accepted; and Crowded if sending was not even tried, which does
        not count as a failure. Returns NOTHING_SENT if there was nothing to send. All of these
        texts are shown and logged, so they contain no secrets.
        """
