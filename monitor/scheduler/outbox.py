"""Releases alerts that were held for digests, quiet hours, limits and pauses."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, get_args

import structlog

from monitor.alerts.timing import next_probe, release_at
from monitor.model import Delivery, Priority, Subscriber, SubscriberState
from monitor.store import Held

if TYPE_CHECKING:
    from redis.client import Pipeline

    from monitor.config import Config
    from monitor.jobs.queues import Queues
    from monitor.store import Store

# The limits of one release: for a subscriber that gets each alert in its own message, and for one
# whose alerts are gathered.
MAX_SINGLE = 50
MAX_GATHERED = 1000

log = structlog.stdlib.get_logger(__name__)
_random = random.Random()  # noqa: S311 - jitter is no secret


class Outbox:
    """Releases held alerts; the scheduler that leads calls `release` every second."""

    def __init__(self, store: Store, queues: Queues, config: Config) -> None:
        self._store = store
        self._queues = queues
        self._subscribers: Mapping[str, Subscriber] = {
            subscriber.name: subscriber for subscriber in config.subscribers
        }

    def release(self, now: datetime) -> None:
        """Queues the deliveries that are due, and one probe for each paused subscriber that is."""
        for name in self._store.subscribers.holding():
            subscriber = self._subscribers.get(name)
            if subscriber is None:
                self._hand_back(name)
                continue
            # A worker with an older configuration may have held alerts for too long.
            self._store.subscribers.hasten(name, _latest(subscriber, now))
            state = self._store.subscribers.state(name)
            if state.paused_at is None:
                self._release(subscriber, now, MAX_GATHERED if subscriber.gathers else MAX_SINGLE)
            elif state.probe_at is None or state.probe_at <= now:
                self._probe(subscriber, now)

    def _release(self, subscriber: Subscriber, now: datetime, limit: int) -> list[Held]:
        def enqueue(due: list[Held], pipe: Pipeline) -> None:
            for message in _messages(due, gathered=subscriber.gathers):
                delivery = Delivery(
                    subscriber.name, message.alerts, released=True, tried=message.tried
                )
                self._queues.enqueue_delivery(delivery, pipe)

        taken = self._store.subscribers.take(subscriber.name, now, limit, enqueue)
        if taken:
            alerts = sum(len(held.alerts) for held in taken)
            log.info("alerts released", subscriber=subscriber.name, alerts=alerts)
        return taken

    def _probe(self, subscriber: Subscriber, now: datetime) -> None:
        """Tries a paused subscriber with one alert; the others wait for the result."""

        def with_next_probe(state: SubscriberState) -> SubscriberState:
            # If this probe is lost, another one follows.
            return replace(state, probe_at=next_probe(state, now, _random))

        self._store.subscribers.change(subscriber.name, with_next_probe)
        for _ in range(MAX_GATHERED):
            taken = self._release(subscriber, now, 1)
            # Alerts may have expired while they were held, and cannot be sent as a probe.
            if not taken or any(map(self._store.alerts.get, taken[0].alerts)):
                break

    def _hand_back(self, name: str) -> None:
        """Hands what is held for a subscriber that is not in our configuration to the workers.

        They give it up if the subscriber has been removed, and hold it again if their configuration
        is newer than ours.
        """

        def enqueue(due: list[Held], pipe: Pipeline) -> None:
            for held in due:
                delivery = Delivery(name, held.alerts, tried=held.tried)
                self._queues.enqueue_delivery(delivery, pipe)

        self._store.subscribers.take(name, None, MAX_GATHERED, enqueue)


def _messages(due: list[Held], *, gathered: bool) -> list[Held]:
    """Groups held alerts into messages; a message that was tried stays unchanged."""
    tried = [held for held in due if held.tried]
    fresh = [held for held in due if not held.tried]
    if gathered and fresh:
        fresh = [Held(tuple(alert for held in fresh for alert in held.alerts))]
    return tried + fresh


def _latest(subscriber: Subscriber, now: datetime) -> datetime:
    """Returns the latest moment to which an alert may be held now."""
    latest = max(release_at(subscriber, priority, now) for priority in get_args(Priority))
    return max(latest, now + subscriber.limit.per) if subscriber.limit else latest
