"""Says which subscribers get later articles of a story in a thread."""

from __future__ import annotations

from monitor.model import Subscriber


def has_threads(subscriber: Subscriber) -> bool:
    """Returns whether later articles of a story are posted below the first message.

    Only a bot can do so; an incoming webhook is not told where its messages are.
    """
    return (
        subscriber.kind == "slack" and "token" in subscriber.options and subscriber.digest is None
    )
