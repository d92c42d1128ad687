"""Decides how feeds are subscribed to at their hubs, and when a hub is relied upon. Pure.

WebSub (W3C Recommendation of 23 January 2018), sections 5 and 7. A renewal asks for the same
subscription again, so one that no answer reaches leaves the subscription as it is.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Literal
from urllib.parse import unquote, urlsplit

from monitor.model import FeedHubs

# What the addresses of callbacks begin with, after the public address.
CALLBACKS = "/websub/"
# The lease that hubs are asked for, what counts of a longer one, and what does if a hub names none.
LEASE = timedelta(days=10)
LONGEST_LEASE = timedelta(days=14)
USUAL_LEASE = timedelta(days=1)
# A lease is renewed when this share of it has passed, but a hub is not asked more often than this.
RENEW_AFTER = 0.75
SHORTEST_PAUSE = timedelta(minutes=10)
# The pause after a request that was not confirmed; each further one doubles it.
FIRST_PAUSE = timedelta(minutes=5)
LONGEST_PAUSE = timedelta(days=1)
# After so many requests that were not confirmed, the feed's next hub is asked.
MOST_ATTEMPTS = 3
# A subscription that is to be ended is given up after so many requests; it ends with its lease.
MOST_ENDINGS = 5
MOST_ENDED = 3
# A hub needs some time to notice an entry that a poll has found.
PATIENCE = timedelta(minutes=10)

DENIED = "the hub denies the subscription"

Mode = Literal["subscribe", "unsubscribe"]


@dataclass(frozen=True, slots=True)
class Subscription:
    """A subscription to the feed that a hub knows as `topic`.

    Whoever knows the `callback`, where the hub reaches us, and the `secret` can push: neither is
    shown or logged. `attempts` counts requests since the hub last confirmed one, and `ask_at` is
    when the next is due. Without `lease_until` the hub has confirmed nothing.
    """

    hub: str
    topic: str
    callback: str = field(repr=False)
    secret: str = field(repr=False)
    ask_at: datetime
    attempts: int = 0
    confirmed_at: datetime | None = None
    lease_until: datetime | None = None
    error: str | None = None

    def is_at(self, name: str) -> bool:
        """Returns whether this is the last part of the callback; takes as long for any."""
        return hmac.compare_digest(self.callback.rpartition("/")[2].encode(), name.encode())

    def is_confirmed(self, now: datetime) -> bool:
        """Returns whether the hub has confirmed it and the lease has not ended."""
        return self.lease_until is not None and now < self.lease_until


@dataclass(frozen=True, slots=True)
class Push:
    """The subscription to a feed, and earlier ones that are still to be ended.

    `pushed_at` is the last push, and `pinged_at` when a push last led to a poll. `missed_at` is
    when a poll found new entries of which no push had told; the next push clears it.
    """

    current: Subscription | None = None
    ended: tuple[Subscription, ...] = ()
    pushed_at: datetime | None = None
    pinged_at: datetime | None = None
    missed_at: datetime | None = None

    def is_relied_on(self, now: datetime) -> bool:
        """Returns whether the hub tells of new entries, as far as is known."""
        return (
            self.current is not None
            and self.current.is_confirmed(now)
            and self.pushed_at is not None
            and self.missed_at is None
        )


NO_PUSH = Push()


@dataclass(frozen=True, slots=True)
class HubRequest:
    """A request that is due."""

    mode: Mode
    subscription: Subscription

    @property
    def form(self) -> dict[str, str]:
        """Returns the fields of the request."""
        fields = {
            "hub.mode": self.mode,
            "hub.topic": self.subscription.topic,
            "hub.callback": self.subscription.callback,
            # Hubs of before the Recommendation refuse a request without it.
            "hub.verify": "async",
        }
        if self.mode == "subscribe":
            fields["hub.lease_seconds"] = str(int(LEASE.total_seconds()))
            fields["hub.secret"] = self.subscription.secret
        return fields


def planned(
    push: Push,
    wanted: FeedHubs | None,
    base: str,
    now: datetime,
    new_token: Callable[[], str],
) -> Push:
    """Returns a push that subscribes to what is wanted, and ends what is not wanted any more.

    `base` is what the callbacks of this feed begin with, and `new_token` makes unguessable names.
    """
    current = push.current
    ended = tuple(each for each in push.ended if _is_worth_ending(each, now))
    push = push if ended == push.ended else replace(push, ended=ended)
    hub = _hub(current, wanted)
    if current and hub == current.hub and wanted and _fits(current, wanted, base):
        return push
    if current and current.is_confirmed(now):
        leaving = replace(current, ask_at=now, attempts=0, error=None)
        ended = (*ended, leaving)[-MOST_ENDED:]
    if wanted is None or hub is None:
        return Push(ended=ended)
    # A feed that names another hub each time does not make us ask more often.
    waits = current is not None and not current.is_confirmed(now)
    return Push(
        Subscription(
            hub,
            wanted.topic,
            callback=f"{base}/{new_token()}",
            secret=new_token(),
            ask_at=current.ask_at if current and waits else now,
            # One more for another hub, so that it is not left at once.
            attempts=current.attempts + (hub != current.hub) if current and waits else 0,
        ),
        ended,
    )


def _hub(current: Subscription | None, wanted: FeedHubs | None) -> str | None:
    """Returns the hub to subscribe at: the next one after several requests that led to nothing."""
    if wanted is None:
        return None
    if current is None or current.hub not in wanted.hubs:
        return wanted.hubs[0]
    number = wanted.hubs.index(current.hub)
    is_stuck = current.attempts >= MOST_ATTEMPTS and current.lease_until is None
    if is_stuck and current.attempts % MOST_ATTEMPTS == 0:
        number += 1
    return wanted.hubs[number % len(wanted.hubs)]


def _fits(current: Subscription, wanted: FeedHubs, base: str) -> bool:
    return current.topic == wanted.topic and current.callback.startswith(f"{base}/")


def _is_worth_ending(ended: Subscription, now: datetime) -> bool:
    return ended.is_confirmed(now) and ended.attempts < MOST_ENDINGS


def due_requests(push: Push, now: datetime) -> Iterator[HubRequest]:
    """Yields the requests that are due."""
    if push.current and push.current.ask_at <= now:
        yield HubRequest("subscribe", push.current)
    for ended in push.ended:
        if ended.ask_at <= now:
            yield HubRequest("unsubscribe", ended)


def asked(push: Push, callback: str, now: datetime) -> Push:
    """Returns a push whose subscription is being asked for, or ended, for once more."""

    def ask(subscription: Subscription) -> Subscription:
        doublings = min(subscription.attempts, 16)
        pause = min(FIRST_PAUSE * 2**doublings, LONGEST_PAUSE)
        return replace(subscription, attempts=subscription.attempts + 1, ask_at=now + pause)

    return _changed(push, callback, ask)


def refused(push: Push, callback: str, error: str, not_before: datetime | None = None) -> Push:
    """Returns a push whose request failed; the hub is not asked again before `not_before`.

    Does nothing if the hub has confirmed the request meanwhile, as some do before they answer.
    """

    def refuse(subscription: Subscription) -> Subscription:
        if not subscription.attempts:
            return subscription
        ask_at = max(subscription.ask_at, not_before or subscription.ask_at)
        return replace(subscription, error=error, ask_at=ask_at)

    return _changed(push, callback, refuse)


def confirmed(
    push: Push, name: str, mode: str, topic: str, lease_s: str, now: datetime
) -> Push | None:
    """Returns a push after a hub asked whether we want that; None if we do not.

    `name` is the last part of the callback, and `lease_s` the lease, as the hub gives them.
    """
    current = push.current
    if mode == "subscribe" and current and current.is_at(name) and _is_same(topic, current.topic):
        if not current.attempts:
            # Hubs may ask again whenever they like, but a lease only follows our own request.
            return push if current.lease_until else None
        lease = _lease(lease_s)
        renewed = replace(
            current,
            attempts=0,
            error=None,
            confirmed_at=current.confirmed_at if current.is_confirmed(now) else now,
            lease_until=now + lease,
            ask_at=now + max(lease * RENEW_AFTER, SHORTEST_PAUSE),
        )
        return replace(push, current=renewed)
    if mode == "unsubscribe":
        for ended in push.ended:
            if ended.is_at(name) and _is_same(topic, ended.topic):
                return replace(push, ended=tuple(each for each in push.ended if each != ended))
    return None


def denied(push: Push, name: str, topic: str, reason: str, now: datetime) -> Push | None:
    """Returns a push that its hub denies, now or although it was confirmed; None if not ours."""
    current = push.current
    if current is None or not current.is_at(name) or not _is_same(topic, current.topic):
        return None
    if current.lease_until is None and (current.error or "").startswith(DENIED):
        return push
    error = f"{DENIED}: {reason}" if reason else DENIED
    without = replace(
        current,
        attempts=max(current.attempts, 1),
        lease_until=None,
        confirmed_at=None,
        error=error,
        ask_at=now + LONGEST_PAUSE,
    )
    return replace(push, current=without)


def is_proof(push: Push, url: str) -> bool:
    """Returns whether a signature proves as much as an answer from the feed's address would.

    A hub that is asked without TLS is told the secret in plain text.
    """
    hub = push.current.hub if push.current else ""
    return hub.startswith("https:") or not url.startswith("https:")


def pushed(push: Push, at: datetime, pinged_at: datetime | None = None) -> Push:
    """Returns a push after one came `at` that time, and led to a poll at `pinged_at`, if it did."""
    return replace(push, pushed_at=at, missed_at=None, pinged_at=pinged_at or push.pinged_at)


def missed(push: Push, since: datetime | None, now: datetime) -> Push:
    """Returns a push after a poll found new entries that came `since` the poll before.

    They count as missed if the subscription covers all of that time, and no push led to a poll. The
    hub may have lost the subscription, so it is soon asked for again.
    """
    current = push.current
    if current is None or since is None or push.missed_at or not current.is_confirmed(now):
        return push
    is_covered = current.confirmed_at is not None and current.confirmed_at <= since
    was_pinged = push.pinged_at is not None and push.pinged_at >= since
    if not is_covered or was_pinged:
        return push
    renewed = replace(current, ask_at=min(current.ask_at, now + PATIENCE))
    return replace(push, current=renewed, missed_at=now)


def broken_since(push: Push, now: datetime) -> datetime | None:
    """Returns since when a hub that pushed before has told of nothing that polls found."""
    if push.missed_at is None or push.pushed_at is None or now - push.missed_at < PATIENCE:
        return None
    return push.missed_at


def hub_name(subscription: Subscription) -> str:
    """Returns a hub's host, by which it may be shown."""
    return urlsplit(subscription.hub).hostname or ""


def _changed(push: Push, callback: str, change: Callable[[Subscription], Subscription]) -> Push:
    """Returns a push in which the subscription with this callback is changed, if there is one."""
    current = push.current
    if current and current.callback == callback:
        current = change(current)
    ended = tuple(change(each) if each.callback == callback else each for each in push.ended)
    return replace(push, current=current, ended=ended)


def _lease(given: str) -> timedelta:
    """Returns a lease that a hub gave in seconds, within limits."""
    seconds = int(given[:12]) if given.isascii() and given.isdigit() else 0
    return min(timedelta(seconds=seconds), LONGEST_LEASE) if seconds else USUAL_LEASE


def _is_same(topic: str, ours: str) -> bool:
    """Returns whether two addresses of a topic are the same; some hubs add a slash or escapes."""
    return unquote(topic).rstrip("/") == unquote(ours).rstrip("/")
