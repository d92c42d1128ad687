"""Starts polls: whenever one ends or a feed comes due, claims the next feeds and polls them.

Each scheduler claims feeds for a lease and renews it while the poll is under way, so any number of
schedulers share the polling, and the feeds of one that is killed come due again by themselves.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

import structlog
from redis.exceptions import RedisError

from monitor.articles.urls import host
from monitor.executors import call_in
from monitor.scheduler.candidates import Candidates
from monitor.store.claims import LEASE, Place, Refusal

if TYPE_CHECKING:
    from monitor.config import Settings
    from monitor.jobs.governor import Governor
    from monitor.model import Feed, FeedState
    from monitor.scheduler.outage import RedisOutage
    from monitor.scheduler.poll import Poller
    from monitor.store import Store

RENEW = timedelta(seconds=10)
# Due feeds are looked for at least this often: others may add some, or give some back.
LOOK = timedelta(seconds=1)
# Places that become free within this time are filled together: a round costs about a millisecond.
GATHER_S = 0.05
# Other schedulers may be faster, so more feeds are proposed than there is room for.
PROPOSE = 2
MOST_PROPOSED = 256
# No poll is started while this many small feeds wait to be read: they would fill the memory.
MOST_UNREAD = 64
# A poll whose outcome could not be written down is repeated after this time.
REST = timedelta(seconds=5)

log = structlog.stdlib.get_logger(__name__)


@dataclass(eq=False, slots=True)
class Claim:
    """A feed that is being polled, until when it is claimed, and whether it is being fetched."""

    place: Place
    until: datetime
    is_fetching: bool = True


class Rounds:
    """Polls the feeds that are due, as many at once as the settings allow."""

    def __init__(self, store: Store, outage: RedisOutage, governor: Governor) -> None:
        self._governor = governor
        self._store = store
        self._outage = outage
        self._thread = ThreadPoolExecutor(1, "rounds")
        self._wake = asyncio.Event()
        self._stopping = False
        self._polls: dict[Claim, asyncio.Task[None]] = {}
        self._fetching = 0
        self._candidates = Candidates()
        # The difference of Redis's clock, which all schedulers share, to ours.
        self._ahead = timedelta(0)
        self._look_at = self._renew_at = time.monotonic()
        # Places to leave, and claims to give back with the time at which the feed is due again.
        self._left: list[Place] = []
        self._returned: list[tuple[Claim, datetime]] = []
        # Ids of feeds whose last poll could not be written down.
        self._unwritten: set[str] = set()

    def use(self, feeds: Iterable[Feed], settings: Settings, poller: Poller) -> None:
        """Sets the feeds to poll from now on, and how; polls under way are not affected."""
        self._feeds = {feed.id: feed for feed in feeds}
        self._hosts = {feed_id: host(feed.url) for feed_id, feed in self._feeds.items()}
        self._settings = settings.poll
        self._in_all = settings.requests_per_host
        self._poller = poller
        self.look()

    def look(self) -> None:
        """Looks for due feeds at once."""
        self._look_at = time.monotonic()
        self._wake.set()

    def under_way(self) -> list[asyncio.Task[None]]:
        """Returns the polls under way."""
        return list(self._polls.values())

    async def run(self) -> None:
        """Polls until `stop`."""
        while not self._stopping:
            try:
                await self._round()
            except RedisError as error:
                self._look_at = time.monotonic() + LOOK.total_seconds()
                self._outage.failed(error, job="round")
            except Exception:
                self._look_at = time.monotonic() + LOOK.total_seconds()
                log.exception("tick failed", job="round")
            with suppress(TimeoutError):
                async with asyncio.timeout(self._look_at - time.monotonic()):
                    await self._wake.wait()
            self._wake.clear()
            if not self._stopping:
                await asyncio.sleep(GATHER_S)

    def stop(self) -> None:
        """Starts no more polls."""
        self._stopping = True
        self._wake.set()

    async def close(self) -> None:
        """Gives back what is still claimed, so that others can poll it at once."""
        now = self._now()
        self._returned += [(claim, now) for claim in self._polls]
        self._left += [claim.place for claim in self._polls if claim.is_fetching]
        with suppress(RedisError):
            await call_in(self._thread, self._store.claims.leave, self._left)
            await self._give_back()
        self._thread.shutdown(wait=False, cancel_futures=True)

    async def _round(self) -> None:
        await self._give_back()
        await self._renew()
        if time.monotonic() >= self._look_at:
            await self._find_due()
        left = self._left[:]
        for place in left:
            self._candidates.free(place.host)
        while not self._stopping:
            wanted = self._room()
            most = min(PROPOSE * wanted, MOST_PROPOSED)
            places = self._candidates.take(most, self._settings.per_host)
            if not left and not places:
                break
            await self._claim(places, wanted, left)
            del self._left[: len(left)]
            left = []

    async def _give_back(self) -> None:
        """Gives back claims; what Redis does not take is tried again."""
        if returned := self._returned[:]:
            leases = {claim.place.feed_id: (claim.until, due) for claim, due in returned}
            await call_in(self._thread, self._store.claims.move, leases)
            del self._returned[: len(returned)]

    async def _renew(self) -> None:
        if time.monotonic() < self._renew_at:
            return
        self._renew_at = time.monotonic() + RENEW.total_seconds()
        until = self._now() + LEASE
        old = {
            claim.place.feed_id: claim for claim in self._polls if claim.until < until - RENEW / 2
        }
        if not old:
            return
        leases = {feed_id: (claim.until, until) for feed_id, claim in old.items()}
        for feed_id in await call_in(self._thread, self._store.claims.move, leases):
            old[feed_id].until = until
        places = [claim.place for claim in old.values() if claim.is_fetching]
        await call_in(self._thread, self._store.claims.keep_places, places, until)

    async def _find_due(self) -> None:
        started = time.monotonic()
        feed_ids, pause = await call_in(self._thread, self._due)
        claimed = {claim.place.feed_id for claim in self._polls}
        self._candidates = Candidates(
            Place(feed_id, self._governor.budget(self._hosts[feed_id]))
            for feed_id in feed_ids
            if feed_id in self._feeds and feed_id not in claimed
        )
        self._look_at = started + pause.total_seconds()

    def _due(self) -> tuple[list[str], timedelta]:
        """Returns the feeds that are due, and when to look for others."""
        now = self._store.claims.now()
        self._ahead = now - datetime.now(UTC)
        self._governor.refresh(now)
        due, following = self._store.feeds.due(now), self._store.feeds.next_due(now)
        return due, min(LOOK, following - now) if following else LOOK

    def _now(self) -> datetime:
        return datetime.now(UTC) + self._ahead

    def _room(self) -> int:
        return min(self._settings.at_once - self._fetching, MOST_UNREAD - self._poller.unread)

    async def _claim(self, places: list[Place], wanted: int, left: list[Place]) -> None:
        """Leaves places, and claims and polls up to `wanted` of others."""
        now = self._now()
        candidates, feeds, poller = self._candidates, self._feeds, self._poller
        limits = {"per_host": self._settings.per_host, "in_all": self._in_all}

        def swap() -> list[FeedState | Refusal]:
            claims = self._store.claims
            claims.leave(left)
            return claims.claim(places, wanted, now=now, until=now + LEASE, **limits)

        answers = await call_in(self._thread, swap)
        candidates.put_back(places[len(answers) :], busy=False)
        busy = []
        for place, answer in zip(places, answers, strict=False):
            if answer is Refusal.HOST_BUSY:
                busy.append(place)
            elif not isinstance(answer, Refusal):
                claim = Claim(place, now + LEASE)
                if poller is self._poller:
                    self._start(feeds[place.feed_id], claim, answer)
                else:  # The configuration has changed meanwhile.
                    self._left.append(place)
                    self._returned.append((claim, now))
        candidates.put_back(busy, busy=True)

    def _start(self, feed: Feed, claim: Claim, state: FeedState) -> None:
        self._fetching += 1
        task = asyncio.create_task(self._poll(feed, claim, state))
        self._polls[claim] = task
        task.add_done_callback(partial(self._ended, claim))

    async def _poll(self, feed: Feed, claim: Claim, state: FeedState) -> None:
        with structlog.contextvars.bound_contextvars(feed=feed.url):
            feed_id = claim.place.feed_id
            try:
                await self._poller.poll(feed, state, fetched=partial(self._fetched, claim))
                self._unwritten.discard(feed_id)
            except RedisError as error:
                self._rest(claim)
                self._outage.failed(error, repeated=feed_id in self._unwritten)
                self._unwritten.add(feed_id)
            except Exception:
                self._rest(claim)
                log.exception("poll failed")

    def _rest(self, claim: Claim) -> None:
        self._returned.append((claim, self._now() + REST))

    def _fetched(self, claim: Claim) -> None:
        """Frees the request's place: what was fetched may wait long before it is read."""
        if claim.is_fetching:
            claim.is_fetching = False
            self._fetching -= 1
            self._left.append(claim.place)
            self._wake.set()

    def _ended(self, claim: Claim, task: asyncio.Task[None]) -> None:
        self._fetched(claim)
        del self._polls[claim]
        if task.cancelled():
            self._returned.append((claim, self._now()))
        self._wake.set()
