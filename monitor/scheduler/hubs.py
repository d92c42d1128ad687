"""Subscribes to feeds at the hubs that they name; the scheduler that leads does so.

The hubs confirm at `presswatch web`, which may run on another machine: Redis links the two.
"""

from __future__ import annotations

import asyncio
import secrets
from collections import defaultdict
from collections.abc import Callable, Coroutine, Iterable, Sequence
from concurrent.futures import Executor
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import structlog
from redis.exceptions import RedisError

from monitor.access import USUAL, Access
from monitor.errors import BadStatus, FetchError
from monitor.executors import call_in
from monitor.feeds.pushes import (
    CALLBACKS,
    LONGEST_PAUSE,
    NO_PUSH,
    HubRequest,
    Push,
    asked,
    due_requests,
    hub_name,
    planned,
    refused,
)

if TYPE_CHECKING:
    from monitor.config import Config
    from monitor.http.client import HttpClient
    from monitor.model import Feed, FeedHubs
    from monitor.store import Store

# Hubs with many feeds get their requests step by step.
MOST_AT_A_HUB = 10
AT_ONCE_AT_A_HUB = 2
# Some hubs ask us back before they answer.
TIMEOUT_S = 20.0
# States are read in batches, since thousands at once would hold up everything else.
BATCH = 500
# In between, only those are read that name other hubs than before.
READ_ALL = timedelta(minutes=10)
TOKEN_BYTES = 32

log = structlog.stdlib.get_logger(__name__)


class HubRequests:
    """Sends the requests that are due, a batch of them at a time."""

    def __init__(
        self,
        store: Store,
        threads: Executor | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._store = store
        self._threads = threads
        self._clock = clock
        self._batch: asyncio.Task[None] | None = None
        # What the feeds of a configuration say about their hubs, and when to read all anew.
        self._config: Config | None = None
        self._wanted: dict[str, FeedHubs] = {}
        self._read_all_at = clock()

    def forget(self) -> None:
        """Forgets what feeds say about their hubs: others have led meanwhile."""
        self._config = None

    async def look(self, config: Config, http: HttpClient) -> None:
        """Begins with a batch of requests unless the last one is still under way."""
        if self._batch is None or self._batch.done():
            due = await call_in(self._threads, self._due, config)
            self._batch = asyncio.create_task(self._send(due, config.feeds, http))

    def under_way(self) -> list[asyncio.Task[None]]:
        """Returns the batch that is under way, if there is one."""
        return [] if self._batch is None or self._batch.done() else [self._batch]

    def _due(self, config: Config) -> dict[str, list[tuple[str, HubRequest]]]:
        """Plans all subscriptions; returns the requests that are due, with their feeds, by hub."""
        now, base = self._clock(), config.settings.web.public_url
        pushes = self._store.pushes.all()
        if base is None and not pushes:
            return {}
        wanted = self._all_wanted(config) if base is not None else {}
        due = defaultdict[str, list[tuple[str, HubRequest]]](list)
        for feed_id in pushes.keys() | wanted.keys():
            plan = partial(
                planned,
                wanted=wanted.get(feed_id),
                base=f"{base or ''}{CALLBACKS}{feed_id}",
                now=now,
                new_token=partial(secrets.token_urlsafe, TOKEN_BYTES),
            )
            push = pushes.get(feed_id, NO_PUSH)
            if plan(push) != push:
                push = self._store.pushes.change(feed_id, plan)
            for request in due_requests(push, now):
                due[hub_name(request.subscription)].append((feed_id, request))
        return {hub: requests[:MOST_AT_A_HUB] for hub, requests in due.items()}

    def _all_wanted(self, config: Config) -> dict[str, FeedHubs]:
        """Returns what each feed says about its hubs, by its id; reads what may have changed."""
        if self._config is not config or self._clock() >= self._read_all_at:
            self._wanted = self._read([feed.id for feed in config.feeds])
            self._config, self._read_all_at = config, self._clock() + READ_ALL
            return self._wanted
        noted = set(self._store.pushes.take_noted())
        # If what was noted cannot be read, everything is.
        self._config = None
        renamed = self._read([feed.id for feed in config.feeds if feed.id in noted])
        known = {each: hubs for each, hubs in self._wanted.items() if each not in noted}
        self._config, self._wanted = config, known | renamed
        return self._wanted

    def _read(self, feed_ids: Sequence[str]) -> dict[str, FeedHubs]:
        wanted = {}
        for start in range(0, len(feed_ids), BATCH):
            batch = feed_ids[start : start + BATCH]
            for feed_id, state in zip(batch, self._store.feeds.states(batch), strict=True):
                if state.hubs is not None and state.stopped_at is None:
                    wanted[feed_id] = state.hubs
        return wanted

    async def _send(
        self,
        due: dict[str, list[tuple[str, HubRequest]]],
        feeds: Iterable[Feed],
        http: HttpClient,
    ) -> None:
        known = {feed.id: feed for feed in feeds} if due else {}
        requests: list[Coroutine[Any, Any, None]] = []
        for of_hub in due.values():
            places = asyncio.Semaphore(AT_ONCE_AT_A_HUB)
            for feed_id, request in of_hub:
                feed = known.get(feed_id)
                access = feed.access if feed else USUAL
                shown = feed.public_url if feed else feed_id
                requests.append(self._request(feed_id, shown, request, access, places, http))
        await asyncio.gather(*requests)

    async def _request(
        self,
        feed_id: str,
        feed: str,
        request: HubRequest,
        access: Access,
        places: asyncio.Semaphore,
        http: HttpClient,
    ) -> None:
        subscription = request.subscription
        callback, hub = subscription.callback, hub_name(subscription)
        async with places:
            try:
                # First, since the hub may confirm the request before it answers.
                await self._change(feed_id, partial(asked, callback=callback, now=self._clock()))
                log.debug("hub asked", feed=feed, hub=hub, mode=request.mode)
                await http.submit(
                    subscription.hub, request.form, timeout_s=TIMEOUT_S, access=access
                )
            except FetchError as error:
                log_event = log.debug if subscription.error else log.info
                log_event("hub refuses", feed=feed, hub=hub, mode=request.mode, error=str(error))
                failure = partial(
                    refused, callback=callback, error=str(error), not_before=self._pause(error)
                )
                await self._change(feed_id, failure)
            except RedisError as error:
                # Whatever was lost, the request is due again later.
                log.debug("hub not asked", feed=feed, error=type(error).__name__)
            except Exception:
                log.exception("hub request faulty", feed=feed)

    async def _change(self, feed_id: str, change: Callable[[Push], Push]) -> None:
        await call_in(self._threads, self._store.pushes.change, feed_id, change)

    def _pause(self, error: FetchError) -> datetime | None:
        if not isinstance(error, BadStatus) or error.retry_after_s is None:
            return None
        return self._clock() + min(timedelta(seconds=error.retry_after_s), LONGEST_PAUSE)
