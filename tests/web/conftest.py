"""A real server with pages, on a real Redis and archive, and a real browser to open them in."""

from __future__ import annotations

import os
import re
import shutil
import socket
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import requests
import uvicorn

from monitor.alerts.build import alert_id, build
from monitor.archive.later import mark_later
from monitor.archive.writer import Writer
from monitor.config import load
from monitor.coverage import DeliveryRecord, MatchRecord, Publication, Record
from monitor.model import Article, DeliveryNote, content_id
from monitor.runtime.composition import Runtime
from monitor.watchlists.matcher import Matcher
from monitor.web.app import create
from monitor.web.backend import Backend

REQUIRED = "PRESSWATCH_REQUIRE_BROWSER"
CONFIGURATION = """
feeds:
  - {url: "https://herald.example/feed", name: Herald, tags: [press]}
  - {url: "https://gazette.example/feed", name: Gazette}
watchlists:
  - {name: nato-russia, query: '"NATO-Russia Council"', priority: high, subscribers: [desk]}
  - {name: fisheries, query: 'cod OR herring'}
subscribers:
  - {name: desk, webhook: {url: "https://hook.example/in"}}
"""


class Newsroom:
    """A backend with articles in its archive; alerts come as workers make them."""

    def __init__(self, backend: Backend):
        self.backend = backend
        self.now = datetime.now(UTC)
        config = backend.runtime.config
        self._matcher = Matcher(config.watchlists, config.definitions)

    def publish(self, title: str, text: str, *, age: timedelta = timedelta(minutes=5), **fields):
        """Write an article with its alerts into the archive; returns the alerts' documents."""
        at = self.now - age
        article = self._article(title, text, at, fields)
        watchlists = {each.name: each for each in self.backend.runtime.config.watchlists}
        alerts, matches = [], []
        for match in self._matcher.match(article):
            watchlist = watchlists[match.watchlist]
            identity = alert_id(watchlist, article.id)
            alert = build(
                watchlist, article, match, identity=identity, articles=1, is_update=False, now=at
            )
            alerts.append(alert)
            matches.append(MatchRecord(match.watchlist, identity))
        records = [
            Record(
                publication=Publication(
                    at, article, tuple(matches), tuple(alert.document for alert in alerts)
                )
            ),
            *(
                Record(
                    delivery=DeliveryRecord(
                        (alert.id,), DeliveryNote(at, "desk", "webhook", "delivered", "204")
                    )
                )
                for alert in alerts
                if alert.subscribers
            ),
        ]
        assert Writer(self.backend.archive).write(records) == []
        return [alert.document for alert in alerts]

    def find_later(
        self,
        title: str,
        text: str,
        *watchlists: str,
        age: timedelta = timedelta(minutes=5),
        **fields,
    ) -> Article:
        """Write an article that these watchlists found by looking back."""
        at = self.now - age
        article = self._article(title, text, at, fields)
        record = Record(publication=Publication(at, article, (), ()))
        assert Writer(self.backend.archive).write([record]) == []
        for name in watchlists:
            assert mark_later(self.backend.archive, name, [article.id])
        return article

    @staticmethod
    def _article(title: str, text: str, at: datetime, fields: dict) -> Article:
        url = f"https://herald.example/{content_id(title)[:8]}"
        described = {
            "id": content_id(url),
            "url": url,
            "title": title,
            "text": text,
            "source": "Herald",
            "feed_url": "https://herald.example/feed",
            "published_at": at - timedelta(minutes=10),
            "language": "en",
            "story": content_id(url),
        }
        return Article(**described | fields)


class Served:
    """A server with pages; `url` is its address, without a slash at the end.

    Its event loop runs in `thread`.
    """

    def __init__(self, backend: Backend):
        self.backend = backend
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        config = uvicorn.Config(
            create(backend), log_config=None, lifespan="off", ws="none", timeout_graceful_shutdown=1
        )
        self._server = uvicorn.Server(config)
        self.thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": [self._socket]}, daemon=True
        )
        self.thread.start()

    def close(self):
        self._server.should_exit = True
        self.thread.join(10)
        self._socket.close()
        self.backend.close()


@pytest.fixture
def new_backend(redis, tmp_path):
    """Make a backend of a configuration; `web` is the part of the settings for pages."""

    def new(web: str = "", configuration: str = CONFIGURATION) -> Backend:
        directory = tmp_path / "config"
        directory.mkdir(exist_ok=True)
        (directory / "config.yaml").write_text(configuration)
        (directory / "settings.yaml").write_text(f"settings:\n  web: {{{web}}}\n")
        runtime = Runtime(directory, load(directory, os.environ), redis)
        return Backend(runtime, tmp_path / "var")

    return new


@pytest.fixture
def serve(new_backend):
    """Serve pages with these settings; see `new_backend`."""
    running = []

    def start(web: str = "", configuration: str = CONFIGURATION) -> Served:
        running.append(Served(new_backend(web, configuration)))
        return running[-1]

    yield start
    for each in running:
        each.close()


@pytest.fixture
def served(serve):
    return serve()


class Visit:
    """A session of a visitor, who sends forms of our pages."""

    def __init__(self, served: Served, **headers: str):
        self.backend = served.backend
        self._url = served.url
        self._session = requests.Session()
        self._session.headers.update(headers)
        page = self._session.get(served.url, timeout=10).text
        self._csrf = re.search(r'name="csrf" content="(.*?)"', page)[1]

    def get(self, path: str) -> requests.Response:
        return self._session.get(f"{self._url}{path}", timeout=20)

    def post(self, path: str, **fields: str) -> requests.Response:
        data = {"csrf": self._csrf} | fields
        return self._session.post(f"{self._url}{path}", data=data, timeout=20)

    def call(self, method: str, path: str, **options) -> requests.Response:
        """Sends a request as a script of our pages does."""
        headers = {"X-CSRF-Token": self._csrf}
        return self._session.request(
            method, f"{self._url}{path}", headers=headers, timeout=20, **options
        )


@pytest.fixture
def visitor_of():
    """Begin a visitor's session at a server."""
    return Visit


@pytest.fixture
def newsroom_of():
    """Make a newsroom beside a server with a configuration of its own."""
    return lambda served: Newsroom(served.backend)


@pytest.fixture
def newsroom(served):
    return Newsroom(served.backend)


def _chromium() -> str | None:
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)


@pytest.fixture(scope="module")
def chromium():
    """A headless Chromium of the system.

    Not for the whole session: while Playwright runs, `asyncio.run` is refused in the same process,
    and so to the tests of other modules.
    """
    sync_api = pytest.importorskip("playwright.sync_api")
    program = _chromium()
    if program is None:
        if os.environ.get(REQUIRED):
            pytest.fail(f"{REQUIRED} is set, but no Chromium was found")
        pytest.skip("no Chromium: install Debian's package chromium")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=program,
            args=[
                "--no-sandbox",
                "--disable-gpu",
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-sync",
            ],
        )
        yield browser
        browser.close()


@pytest.fixture
def open_page(chromium):
    """Open an address in a new window; what the console complains about fails the test."""
    contexts, complaints = [], []

    def open_(url: str, *, width: int = 1600, height: int = 900, **options):
        context = chromium.new_context(viewport={"width": width, "height": height}, **options)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(10_000)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on(
            "console",
            lambda message: complaints.append(message.text) if message.type == "error" else None,
        )
        page.on("dialog", lambda dialog: (complaints.append(dialog.message), dialog.dismiss()))
        page.goto(url)
        return page

    yield open_
    for context in contexts:
        context.close()
    assert complaints == []


@pytest.fixture
def pictures():
    """Where to put screenshots to look at, if somebody wants them."""
    wanted = os.environ.get("PRESSWATCH_PICTURES")
    return Path(wanted) if wanted else None
