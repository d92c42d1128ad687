"""What was held for subscribers goes out when its time has come: digests, quiet hours, pauses."""

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

# Whoever wants each alert in a message of its own gets so many at a time.
AT_A_TIME = 50
MOST_GATHERED = 1000

log = structlog.stdlib.get_logger(__name__)
_random = random.Random()  # noqa: S311 - jitter is no secret


class Outbox:
    """Releases what is held; to be asked every second, by the scheduler that leads."""

    def __init__(self, store: Store, queues: Queues, config: Config) -> None:
        self._store = store
        self._queues = queues
        self._subscribers: Mapping[str, Subscriber] = {one.name: one for one in config.subscribers}

    def release(self, now: datetime) -> None:
        """Queue the deliveries whose time has come, and one for each paused subscriber to try."""
        for name in self._store.subscribers.holding():
            subscriber = self._subscribers.get(name)
            if subscriber is None:
                self._hand_back(name)
                continue
            # A worker that still had an older configuration may have held it for too long.
            self._store.subscribers.hasten(name, _latest(subscriber, now))
            state = self._store.subscribers.state(name)
            if state.paused_at is None:
                self._release(subscriber, now, MOST_GATHERED if subscriber.gathers else AT_A_TIME)
            elif state.probe_at is None or state.probe_at <= now:
                self._probe(subscriber, now)

    def _release(self, subscriber: Subscriber, now: datetime, most: int) -> list[Held]:
        def enqueue(found: list[Held], pipe: Pipeline) -> None:
            for message in _messages(found, gathered=subscriber.gathers):
                delivery = Delivery(
                    subscriber.name, message.alerts, released=True, tried=message.tried
                )
                self._queues.enqueue_delivery(delivery, pipe)

        taken = self._store.subscribers.take(subscriber.name, now, most, enqueue)
        if taken:
            alerts = sum(len(held.alerts) for held in taken)
            log.info("alerts released", subscriber=subscriber.name, alerts=alerts)
        return taken

    def _probe(self, subscriber: Subscriber, now: datetime) -> None:
        """Try a paused subscriber with one alert; the others wait for how it fares."""

        def later(state: SubscriberState) -> SubscriberState:
            # Should the probe be lost, another one is made.
            return replace(state, probe_at=next_probe(state, now, _random))

        self._store.subscribers.change(subscriber.name, later)
        for _ in range(MOST_GATHERED):
            taken = self._release(subscriber, now, 1)
            # Alerts may have expired while they were held: nobody can be tried with these.
            if not taken or any(map(self._store.alerts.get, taken[0].alerts)):
                break

    def _hand_back(self, name: str) -> None:
        """Give what is held for a subscriber that we do not know to the workers.

        They give it up where the subscriber has left the configuration, and hold it again where
        they have read one that is newer than ours.
        """

        def enqueue(found: list[Held], pipe: Pipeline) -> None:
            for held in found:
                delivery = Delivery(name, held.alerts, tried=held.tried)
                self._queues.enqueue_delivery(delivery, pipe)

        self._store.subscribers.take(name, None, MOST_GATHERED, enqueue)


def _messages(found: list[Held], *, gathered: bool) -> list[Held]:
    """Put what was held into messages; one that was tried stays as it is."""
    tried = [held for held in found if held.tried]
    fresh = [held for held in found if not held.tried]
    if gathered and fresh:
        fresh = [Held(tuple(alert for held in fresh for alert in held.alerts))]
    return tried + fresh


def _latest(subscriber: Subscriber, now: datetime) -> datetime:
    """Until when an alert that is held now may have to wait."""
    latest = max(release_at(subscriber, priority, now) for priority in get_args(Priority))
    return max(latest, now + subscriber.limit.per) if subscriber.limit else latest
