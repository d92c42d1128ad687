"""A publisher, its hub and Presswatch, which reach each other over loopback."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import threading
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from xml.sax.saxutils import escape

import pytest
import uvicorn
from hub import Hub

from monitor.config import load
from monitor.http.client import HttpClient
from monitor.runtime.composition import Runtime
from monitor.scheduler.hubs import HubRequests
from monitor.scheduler.poll import Poller
from monitor.scheduler.pushed import PushedDocuments
from monitor.web.app import create
from monitor.web.backend import Backend

CONFIGURATION = """
settings:
  backfill: 24h
  poll: {{timeout: 5s, max_size: 2MB}}
  allow_private_addresses: [127.0.0.1/32]
  web: {{listen: "127.0.0.1:0"{public}}}
feeds:
{feeds}
"""


def rss(*titles: str, links: str = "", at: datetime | None = None) -> bytes:
    """A feed with entries of these titles, published at that time, or now."""
    date = format_datetime(at or datetime.now(UTC), usegmt=True)
    items = "".join(
        f"<item><title>{escape(title)}</title><guid isPermaLink='false'>{escape(title)}</guid>"
        f"<link>https://herald.example/{escape(title)}</link><pubDate>{date}</pubDate></item>"
        for title in titles
    )
    return (
        '<rss version="2.0" xmlns:atom="http://www.w3.org/2005/Atom"><channel>'
        f"<title>Herald</title>{links}{items}</channel></rss>"
    ).encode()


def links(hub: str, topic: str) -> str:
    """The elements by which a feed names its hub and itself."""
    return (
        f"<atom:link rel='hub' href='{escape(hub)}'/><atom:link rel='self' href='{escape(topic)}'/>"
    )


class World:
    """One feed, `topic`, at a site that names a hub, and the parts of Presswatch beside Redis.

    Its clock is `ahead` of the real one.
    """

    def __init__(self, site, hub, redis, directory):
        self.site, self.hub, self.redis = site, hub, redis
        self.ahead = timedelta(0)
        # What sends requests to hubs; a new one each time if None, as after a restart.
        self.requests: HubRequests | None = None
        self.topic = f"{site.url}/feed"
        self.links = links(hub.address, self.topic)
        self._directory = directory
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self.configure()
        self._serve()

    def configure(self, *, public: bool = True, feeds: tuple[str, ...] = ("/feed",)) -> None:
        """Write and use another configuration."""
        listed = "".join(f"  - {{url: '{self.site.url}{path}'}}\n" for path in feeds)
        public_url = f', public_url: "{self.url}/"' if public else ""
        self._directory.mkdir(exist_ok=True)
        text = CONFIGURATION.format(feeds=listed or "  []", public=public_url)
        (self._directory / "config.yaml").write_text(text)
        config = load(self._directory, os.environ)
        self.runtime = Runtime(self._directory, config, self.redis)
        self.store, self.queues = self.runtime.store, self.runtime.queues
        self.feed = config.feeds[0] if config.feeds else None
        self.store.feeds.schedule(config.feeds, self.now())

    def _serve(self):
        self.backend = Backend(self.runtime, self._directory.parent / "var")
        config = uvicorn.Config(
            create(self.backend),
            log_config=None,
            lifespan="off",
            ws="none",
            timeout_graceful_shutdown=1,
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": [self._socket]}, daemon=True
        )
        self._thread.start()

    def close(self):
        self._server.should_exit = True
        self._thread.join(10)
        self._socket.close()
        self.backend.close()

    def now(self) -> datetime:
        return datetime.now(UTC) + self.ahead

    def publish(self, *titles: str, **headers: str) -> bytes:
        """Put entries into the feed, as the only ones; returns what the hub then pushes."""
        body = rss(*titles, links=self.links, at=self.now())
        self.site.pages["/feed"] = (200, {"Content-Type": "application/rss+xml"} | headers, body)
        return body

    def poll(self):
        """Poll the feed as a scheduler does; returns the outcome."""

        async def run():
            async with HttpClient.of(self.runtime.config.settings) as http:
                poller = Poller(
                    self.store, self.queues, http, self.runtime.config.settings, clock=self.now
                )
                return await poller.poll(self.feed)

        return asyncio.run(run())

    def ask(self) -> None:
        """Send the requests that are due to hubs."""
        confirmations = len(self.hub.answers) + (self.hub.confirms and self.hub.answer < 300)

        async def run():
            requests = self.requests or HubRequests(self.store, clock=self.now)
            async with HttpClient.of(self.runtime.config.settings) as http:
                await requests.look(self.runtime.config, http)
                await asyncio.gather(*requests.under_way())

        asked = len(self.hub.requests)
        asyncio.run(run())
        if len(self.hub.requests) > asked:
            self.hub.wait(confirmations)

    def subscribe(self, *titles: str, **headers: str) -> None:
        """Poll a feed with these entries, and subscribe to it."""
        self.publish(*(titles or ("First", "Second")), **headers)
        assert self.poll().state.error is None
        self.ask()

    def read(self) -> None:
        """Read what hubs have pushed."""

        async def run():
            pushed = PushedDocuments(self.store, self.queues, clock=self.now)
            pushed.use(self.runtime.config)
            await pushed.look()
            if tasks := pushed.under_way():
                await asyncio.wait(tasks)

        asyncio.run(run())

    @property
    def push(self):
        return self.store.pushes.of(self.feed.id)

    def queued(self) -> list[str]:
        """The titles of the entries that are to be read."""
        owed = self.redis.hvals("presswatch:outstanding:articles")
        return sorted(json.loads(arguments)[1]["title"] for arguments in owed)

    def due_in(self) -> timedelta:
        return self.store.feeds.due_at(self.feed.id) - self.now()


@pytest.fixture
def hub():
    hub = Hub()
    yield hub
    hub.close()


@pytest.fixture
def world(site, hub, redis, tmp_path):
    world = World(site, hub, redis, tmp_path / "config")
    yield world
    world.close()
