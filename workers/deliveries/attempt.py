"""Attempts a delivery, which sends alerts to one subscriber through the subscriber's channel.

Each channel is a function in a module of its own, listed in `CHANNELS` under its kind.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import structlog
from rq.timeouts import JobTimeoutException

from monitor.alerts.timing import after_failure, pause_s, release_at
from monitor.coverage import DeliveryRecord, Record
from monitor.errors import DeliveryError, SubscriberBroken
from monitor.jobs.outcome import Again, Done
from monitor.model import (
    Alert,
    Delivery,
    DeliveryEvent,
    DeliveryNote,
    Subscriber,
    SubscriberState,
    from_plain,
)
from monitor.runtime.operators import tell
from monitor.store import Held
from workers.deliveries import apprise, webhook
from workers.deliveries.channel import NOTHING_SENT, Channel, Crowded, Receipt
from workers.deliveries.email import send as email
from workers.deliveries.message import message_of
from workers.deliveries.slack import send as slack

if TYPE_CHECKING:
    from redis.client import Pipeline

    from monitor.runtime.composition import Runtime

log = structlog.stdlib.get_logger(__name__)

CHANNELS: dict[str, Channel] = {
    "slack": slack.send,
    "email": email.send,
    "webhook": webhook.send,
    "apprise": apprise.send,
}

# Concurrent deliveries to one subscriber.
AT_ONCE = 3
# Checking for a free slot costs time, too: this many deliveries do so in a second, however many
# wait, so that deliveries to other subscribers are not held up behind them.
CHECKS_PER_S = 100
# Longer than most deliveries take; a worker that was killed must not keep its slot for longer.
SLOT_LEASE = timedelta(seconds=20)
# Deliveries that wait in their job check again after this time or later.
_LATER = timedelta(minutes=1)
# A delivery that must follow another one checks again after this time.
_SOON = timedelta(seconds=5)

# Sorts before everything else that is held.
_FIRST = datetime.fromtimestamp(0, UTC)

_random = random.Random()  # noqa: S311 - jitter is no secret


def deliver(runtime: Runtime, job_id: str) -> Again | Done:
    """Makes a delivery, holds its alerts until their time, or says when to try again."""
    job_args = runtime.queues.owed("deliveries", job_id)
    if job_args is None:
        return Done()
    delivery = from_plain(Delivery, job_args[0])
    with structlog.contextvars.bound_contextvars(
        subscriber=delivery.subscriber, alert=delivery.alerts[0], alerts=len(delivery.alerts)
    ):
        return _deliver(runtime, job_id, delivery)


def _deliver(runtime: Runtime, job_id: str, delivery: Delivery) -> Again | Done:
    subscribers = {subscriber.name: subscriber for subscriber in runtime.config.subscribers}
    subscriber = subscribers.get(delivery.subscriber)
    alerts = runtime.store.alerts.get_all(delivery.alerts)
    if subscriber is None and runtime.queues.begin("deliveries", job_id) == 0:
        # Other processes may have read a newer configuration than this one.
        return Again(math.ceil(_SOON.total_seconds()))
    if not alerts or subscriber is None:
        missing = "the subscriber" if alerts else "the alert"
        runtime.queues.give_up("deliveries", job_id, f"{missing} no longer exists")
        return Done()
    return _Attempt(runtime, job_id, delivery, subscriber, alerts).make()


class _Attempt:
    """One attempt at a delivery, and its consequences."""

    def __init__(
        self,
        runtime: Runtime,
        job_id: str,
        delivery: Delivery,
        subscriber: Subscriber,
        alerts: list[Alert],
    ) -> None:
        self._runtime = runtime
        self._job_id = job_id
        self._delivery = delivery
        self._subscriber = subscriber
        self._alerts = alerts
        self._attempts = runtime.queues.begun("deliveries", job_id)
        self._now = datetime.now(UTC)

    def make(self) -> Again | Done:
        """Sends the message; if it is too early, holds its alerts or says when to try again."""
        if self._comes_before_first():
            return Again(math.ceil(_SOON.total_seconds()))
        joins_digest = self._subscriber.digest is not None and not self._delivery.released
        releases = self._releases(released=self._delivery.released)
        if joins_digest or max(releases.values()) > self._now:
            return self._hold(releases, "until its time")
        state = self._runtime.store.subscribers.state(self._subscriber.name)
        if state.paused_at and not self._delivery.released:
            return self._hold(releases, "the subscriber is paused")
        if self._subscriber.limit:
            wait = self._runtime.store.subscribers.reserve(
                self._subscriber.name, self._delivery.id, self._subscriber.limit, self._now
            )
            if wait:
                return self._hold(dict.fromkeys(releases, self._now + wait), "the limit is reached")
        return self._send()

    def _send(self) -> Again | Done:
        # A slow subscriber must not occupy all workers.
        slot = f"subscriber:{self._subscriber.name}"
        if wait := self._runtime.store.turnstile.enter(
            slot, self._job_id, at_once=AT_ONCE, delay=timedelta(0), lease=SLOT_LEASE,
            now=self._now,
        ):  # fmt: skip
            waiting = self._runtime.queues.scheduled("deliveries")
            return Again(max(math.ceil(wait), waiting // CHECKS_PER_S))
        attempt = self._runtime.queues.begin("deliveries", self._job_id)
        self._attempts = attempt + 1
        try:
            message = message_of(self._delivery, self._alerts, self._runtime.store)
            receipt = CHANNELS[self._subscriber.kind](self._runtime, self._subscriber, message)
        except Crowded as crowded:
            self._attempts = attempt
            self._runtime.queues.postpone("deliveries", self._job_id)
            return Again(math.ceil(crowded.retry_after_s or 1))
        except DeliveryError as error:
            return self._failed(error, attempt)
        except JobTimeoutException:
            # The channels' timeouts do not cover a name server that does not answer.
            timed_out = DeliveryError("no answer before the job timed out", retryable=True)
            return self._failed(timed_out, attempt)
        finally:
            self._runtime.store.turnstile.leave(slot, self._job_id)
        return self._delivered(receipt, attempt)

    def _comes_before_first(self) -> bool:
        """Returns whether this announces a later article of an alert that is not delivered yet."""
        first = Delivery(self._subscriber.name, self._delivery.alerts[:1])
        return bool(self._delivery.article) and self._runtime.queues.owes(first)

    def _releases(self, *, released: bool) -> dict[str, datetime]:
        subscriber, since = self._subscriber, self._now
        if subscriber.digest and subscriber.digest.every and not released:
            since = self._runtime.store.subscribers.gathering_since(
                subscriber.name, subscriber.digest.every, self._now
            )
        return {
            alert.id: release_at(subscriber, alert.document["priority"], since, released=released)
            for alert in self._alerts
        }

    def _hold(self, releases: dict[str, datetime], why: str) -> Again | Done:
        """Holds alerts until they are released; a repeated delivery waits in its job."""
        until = max(releases.values())
        subscribers, name = self._runtime.store.subscribers, self._subscriber.name
        if self._delivery.to or self._delivery.resent:
            # If a paused subscriber has no other delivery to probe it with, this one is the probe.
            wait = max(until, subscribers.state(name).probe_at or until) - self._now
            return Again(math.ceil(max(wait, _LATER).total_seconds()))
        with self._runtime.redis.pipeline() as pipe:
            pipe.multi()
            self._end_unsent(pipe)
            # Only subscribers who get alerts at once want to hear of a story's later articles.
            if not self._delivery.article:
                subscribers.hold(name, self._held(releases), pipe)
                self._note("held", f"{why}, {until.isoformat(timespec='seconds')}", pipe)
            pipe.execute()
        log.info("alert held", until=until.isoformat(), why=why)
        return Done()

    def _held(self, releases: dict[str, datetime]) -> dict[Held, datetime]:
        """Maps each alert to its release, or the whole message if it may have arrived."""
        if not self._delivery.tried and not self._attempts:
            return {Held((alert,)): moment for alert, moment in releases.items()}
        message = Held(self._delivery.alerts, tried=True)
        until = max(releases.values())
        # A paused subscriber may have accepted this message already, so it is the first probe.
        return {message: until if until > self._now else _FIRST}

    def _delivered(self, receipt: Receipt, attempt: int) -> Again | Done:
        if receipt is NOTHING_SENT:
            return self._dropped()
        pause = pause_s(attempt, None, _random) if receipt.later else None
        # The other recipients wait for no digest and no pause, since the message was already sent.
        remaining = replace(self._delivery, released=True)
        queues, subscribers = self._runtime.queues, self._runtime.store.subscribers
        was_paused = subscribers.state(self._subscriber.name).paused_at is not None
        with self._runtime.redis.pipeline() as pipe:
            pipe.multi()
            subscribers.recovered(self._subscriber.name, pipe)
            self._note("delivered", receipt.answer, pipe)
            given_up = dict(receipt.refused)
            if pause:
                queues.narrow(self._job_id, replace(remaining, to=tuple(receipt.later)), pipe)
                self._note("failed", _joined(receipt.later.items()), pipe)
            else:
                given_up |= receipt.later
                queues.settle("deliveries", self._job_id, pipe)
            if given_up:
                answers = _joined(given_up.items())
                queues.fail_delivery(replace(remaining, to=tuple(given_up)), answers, pipe)
                self._note("given up", answers, pipe)
            pipe.execute()
        log.info(
            "alert delivered",
            channel=self._subscriber.kind,
            watchlists=sorted({alert.watchlist for alert in self._alerts}),
            answer=receipt.answer,
        )
        if given_up:
            log.error("recipients refused", recipients=sorted(given_up))
        if was_paused:
            log.info("subscriber resumed")
        return Again(pause) if pause else Done()

    def _dropped(self) -> Again | Done:
        """Ends a delivery with nothing to send."""
        with self._runtime.redis.pipeline() as pipe:
            pipe.multi()
            self._end_unsent(pipe)
            pipe.execute()
        return Done()

    def _end_unsent(self, pipe: Pipeline) -> None:
        """Ends the job without counting it towards the limit, in the given transaction."""
        self._runtime.queues.settle("deliveries", self._job_id, pipe)
        self._runtime.store.subscribers.give_back(self._subscriber.name, self._delivery.id, pipe)

    def _failed(self, error: DeliveryError, attempt: int) -> Again | Done:
        reason, broken = str(error), isinstance(error, SubscriberBroken)
        state = self._runtime.store.subscribers.change(
            self._subscriber.name,
            lambda state: after_failure(state, reason, self._now, _random, broken=broken),
            self._after_change,
        )
        is_refused = not (error.retryable or broken)
        pause = pause_s(attempt, error.retry_after_s, _random)
        gives_up = is_refused or (pause is None and not state.paused_at)
        with self._runtime.redis.pipeline() as pipe:
            self._note("given up" if gives_up else "failed", reason, pipe)
            pipe.execute()
        if gives_up:
            self._runtime.queues.give_up("deliveries", self._job_id, reason)
            log.error("delivery given up", error=reason)
            return Done()
        log.warning("delivery failed", error=reason, paused=state.paused_at is not None)
        if state.paused_at or pause is None:
            return self._hold(self._releases(released=True), "the subscriber is paused")
        return Again(pause)

    def _after_change(
        self, before: SubscriberState, after: SubscriberState, pipe: Pipeline
    ) -> None:
        """Reports, in the given transaction, a pause of the subscriber that this change began."""
        if after.paused_at is None or before.paused_at is not None:
            return
        log.error("subscriber paused", error=after.error, failures=after.failures)
        tell(
            self._runtime,
            f"{self._subscriber.name} accepts no alerts and is paused: {after.error}",
            f"{after.failures} deliveries failed. Its alerts are kept. It is tried again "
            "automatically, and resumes as soon as it accepts one. `presswatch status` shows "
            "its state.",
            after.paused_at,
            pipe,
            unless=self._subscriber.name,
        )

    def _note(self, event: DeliveryEvent, detail: str, pipe: Pipeline) -> None:
        note = DeliveryNote(
            datetime.now(UTC), self._subscriber.name, self._subscriber.kind, event, detail
        )
        delivery = DeliveryRecord(tuple(alert.id for alert in self._alerts), note)
        self._runtime.store.unarchived.add(Record(delivery=delivery), pipe)
        self._runtime.store.counters.delivery(self._subscriber.kind, event, pipe)


def _joined(answers: Iterable[tuple[str, str]]) -> str:
    """Joins the answers about recipients into one line."""
    return "; ".join(f"{recipient}: {answer}" for recipient, answer in answers)
