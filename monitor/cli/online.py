"""Tests a configuration on real servers: polls each feed once, sends each subscriber a test."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from monitor.alerts.build import notice
from monitor.alerts.digest import Message
from monitor.errors import DeliveryError
from monitor.runtime import embedded, logs
from monitor.runtime.composition import Runtime, connect

if TYPE_CHECKING:
    from monitor.config import Config
    from monitor.model import Feed
    from monitor.scheduler.poll import Outcome

POLLS_AT_ONCE = 16


def try_out(config_directory: Path, config: Config) -> Iterator[tuple[str, str | None, str]]:
    """Yields for each feed and subscriber its name, its error if any, and its answer.

    All state goes into a temporary Redis, so a running daemon is not affected.
    """
    # The results report the errors; the log would only repeat them.
    logs.configure("critical")
    logs.hide(config.secrets)
    with tempfile.TemporaryDirectory(prefix="presswatch-check-") as scratch:
        data = Path(scratch)
        with embedded.hold(data), embedded.server(data):
            runtime = Runtime(config_directory, config, connect(data, {}))
            for feed, outcome in zip(config.feeds, asyncio.run(_poll(runtime)), strict=True):
                entries = f"{outcome.state.entries} entries"
                yield f"feed {feed.name or feed.public_url}", outcome.state.error, entries
            yield from _deliver(runtime)
            runtime.redis.close()


async def _poll(runtime: Runtime) -> list[Outcome]:
    from monitor.http.client import HttpClient
    from monitor.scheduler.poll import Poller

    settings = runtime.config.settings
    slots = asyncio.Semaphore(POLLS_AT_ONCE)
    async with HttpClient.of(settings) as http:
        poller = Poller(runtime.store, runtime.queues, http, settings)

        async def poll(feed: Feed) -> Outcome:
            async with slots:
                return await poller.poll(feed)

        return await asyncio.gather(*map(poll, runtime.config.feeds))


def _deliver(runtime: Runtime) -> Iterator[tuple[str, str | None, str]]:
    from workers.deliveries.attempt import CHANNELS

    for subscriber in runtime.config.subscribers:
        test = notice(
            f"A test for {subscriber.name}",
            "Presswatch can reach you. Alerts will look like this.",
            now=datetime.now(UTC),
        )
        message = Message(test.id, (test.document,))
        error, answer = None, ""
        try:
            receipt = CHANNELS[subscriber.kind](runtime, subscriber, message)
        except DeliveryError as failed:
            error = str(failed)
        else:
            answer = receipt.answer
            refused = {**receipt.later, **receipt.refused}
            error = (
                "; ".join(f"{recipient}: {reason}" for recipient, reason in refused.items()) or None
            )
        yield f"subscriber {subscriber.name}", error, answer
