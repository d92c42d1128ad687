"""What every channel is: a function that brings a message to a subscriber."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from monitor.errors import DeliveryError
from monitor.limits import SENDING

if TYPE_CHECKING:
    from monitor.alerts.digest import Message
    from monitor.model import Subscriber
    from monitor.runtime import Runtime

# What a delivery waits for must end before its job is cut short.
TIMEOUT_S = SENDING.total_seconds()


@dataclass(frozen=True, slots=True)
class Receipt:
    """What the other side answered on taking a message.

    Where a message has several recipients, some may be refused for now (`later`) and some for
    good (`refused`), each with what was said of it.
    """

    answer: str
    later: Mapping[str, str] = field(default_factory=dict)
    refused: Mapping[str, str] = field(default_factory=dict)


# Nobody was asked to take anything: there is no message any more that this one adds to.
NOTHING = Receipt("nothing to add to")


class Crowded(DeliveryError):
    """Others keep the way to the subscriber busy; `retry_after_s` says when it is our turn."""


class Channel(Protocol):
    """Brings a message to a subscriber."""

    def __call__(self, runtime: Runtime, subscriber: Subscriber, message: Message) -> Receipt:
        """Deliver, by `message.key` only once where the other side allows it.

        Raises DeliveryError where nobody took it, and SubscriberBroken where an operator must
        repair something before anything is taken; Crowded where it was not even tried, which is
        no failure. Gives NOTHING where nobody was asked. What any of them says is shown and logged:
        it holds no secret.
        """
