"""A hub pushes, and an alert follows: Presswatch's processes as they run."""

from __future__ import annotations

import json
import time

import pytest
import requests
from conftest import links, rss

from monitor.demo.newsroom import free_port

SETTINGS = """
settings:
  articles: {{delay: 0s, per_host: 16}}
  allow_private_addresses: [127.0.0.1/32]
  web: {{listen: "127.0.0.1:{port}", public_url: "http://127.0.0.1:{port}"}}
feeds:
  - {{url: {site}/feed, name: Herald}}
watchlists:
  - {{name: nato-russia, query: '"NATO-Russia Council"', once_per: article}}
"""


class Daemon:
    """The processes of a Presswatch whose feed names a hub."""

    def __init__(self, site, hub, redis, presswatch, directory, words):
        self.site, self.hub, self.redis, self._presswatch = site, hub, redis, presswatch
        self.topic = f"{site.url}/feed"
        self.links = links(hub.address, self.topic)
        self._words = words
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        directory.mkdir()
        (directory / "config.yaml").write_text(SETTINGS.format(port=port, site=site.url))
        self._options = ("--config", str(directory), "--data", str(directory.parent / "var"))
        site.pages["/feed"] = (200, {}, rss(links=self.links))

    def start(self, command, redis_url):
        return self._presswatch.start(command, *self._options, REDIS_URL=redis_url)

    def entry(self, title):
        """A document with one entry, whose page matches."""
        self.site.put_page(
            f"/{title}", title, self._words, f"The NATO-Russia Council met. {self._words}"
        )
        document = rss(title, links=self.links)
        return document.replace(b"https://herald.example", self.site.url.encode())

    def alerts(self):
        stream = self.redis.xrange("presswatch:alerts")
        return [json.loads(fields[b"alert"])["article"]["title"] for _, fields in stream]


@pytest.fixture
def daemon(site, hub, redis, presswatch, tmp_path, words):
    return Daemon(site, hub, redis, presswatch, tmp_path / "pushed", words)


def test_a_push_alerts_within_seconds_though_the_feed_is_behind_and_whatever_restarts(
    daemon, hub, site, redis, redis_url, presswatch, eventually
):
    web, scheduler = (daemon.start(each, redis_url) for each in ("web", "scheduler"))
    daemon.start("worker", redis_url)
    eventually(lambda: len(hub.subscribers), 1)

    seconds = []
    for number in range(5):
        document = daemon.entry(f"Pushed{number}")
        started = time.monotonic()
        (answer,) = hub.push(daemon.topic, document)
        assert answer.status_code == 200
        eventually(lambda number=number: f"Pushed{number}" in daemon.alerts())
        seconds.append(time.monotonic() - started)
    assert max(seconds) < 5, seconds
    # The cache before the feed still has its old document.
    assert site.asked()["/feed"] < 5

    presswatch.kill(web)
    with pytest.raises(requests.ConnectionError):
        hub.push(daemon.topic, b"")
    daemon.start("web", redis_url)
    document = daemon.entry("Afterwards")
    eventually(lambda: _pushed(hub, daemon.topic, document))
    eventually(lambda: "Afterwards" in daemon.alerts())

    presswatch.kill(scheduler)
    (answer,) = hub.push(daemon.topic, daemon.entry("Unattended"))
    assert answer.status_code == 200
    daemon.start("scheduler", redis_url)
    eventually(lambda: "Unattended" in daemon.alerts(), within=40)
    assert len(hub.requests) == 1
    assert len(daemon.alerts()) == 7

    redis.flushall()
    eventually(lambda: len(hub.subscribers), 2, within=60)
    (lost, found) = hub.push(daemon.topic, daemon.entry("Anew"))
    assert (lost.status_code, found.status_code) == (410, 200)
    eventually(lambda: "Anew" in daemon.alerts())


def _pushed(hub, topic, document):
    try:
        return hub.push(topic, document)[0].ok
    except requests.ConnectionError:
        return False
