"""Real servers for tests: a Redis of our own, and a web site on loopback that behaves as told."""

from __future__ import annotations

import asyncio
import contextlib
import io
import logging
import os
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from unittest import mock
from xml.sax.saxutils import escape

import hypothesis
import pytest
import structlog
from loopback_server import LoopbackServer

from monitor.cli import main
from monitor.http.client import HttpClient
from monitor.jobs.outcome import Done
from monitor.jobs.queues import Queues
from monitor.jobs.runner import Taken
from monitor.runtime import embedded
from monitor.store import Store
from monitor.store.client import client, probe
from workers.articles.cleaner import answer, decode, encode
from workers.articles.desk import Desk
from workers.articles.process import Processor

# No test fails for the time it takes; with CI, the same cases are tried each time.
hypothesis.settings.register_profile(
    "presswatch", deadline=None, derandomize=bool(os.environ.get("CI"))
)
hypothesis.settings.load_profile("presswatch")


@pytest.fixture(autouse=True)
def _logging_as_it_was():
    """Keep a command that runs in the tests' process from changing what later tests see logged."""
    root = logging.getLogger()
    level, handlers = root.level, root.handlers[:]
    configure = structlog.configure

    def uncached(**options):
        configure(**options | {"cache_logger_on_first_use": False})

    with mock.patch("structlog.configure", uncached):
        yield
    root.setLevel(level)
    root.handlers[:] = handlers


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory):
    data = tmp_path_factory.mktemp("redis")
    with embedded.hold(data), embedded.server(data) as url:
        yield url


@pytest.fixture
def redis(redis_url):
    with client(redis_url) as redis:
        redis.flushall()
        yield redis
        redis.flushall()


@pytest.fixture
def store(redis):
    return Store(redis, "presswatch:", keep=timedelta(days=30))


@pytest.fixture
def led(redis):
    """A scheduler that leads, and a worker that lives, as others see them."""
    redis.set("presswatch:leader", "somebody")
    redis.sadd("rq:workers", "rq:worker:one")
    redis.hset("rq:worker:one", "last_heartbeat", "2026-11-23T09:00:00Z")


@pytest.fixture
def queues(redis, store):
    return Queues(redis, store.keys)


@pytest.fixture
def unreachable():
    """A client of a Redis that is not there."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with probe(f"redis://127.0.0.1:{port}/0") as client:
        yield client


class Site(LoopbackServer):
    """A web site whose pages a test sets; notes what was asked for."""

    def __init__(self):
        self.pages: dict[str, tuple[int, dict[str, str], bytes]] = {}
        self.requests: list[tuple[str, dict[str, str]]] = []
        self.delays: dict[str, float] = {}
        self.received: list[tuple[dict[str, str], bytes]] = []
        site = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                path = self.path
                site.requests.append((path, {k.lower(): v for k, v in self.headers.items()}))
                time.sleep(site.delays.get(path, 0))
                self.answer(*site.pages.get(path, (404, {}, b"not here")))

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                headers = {k.lower(): v for k, v in self.headers.items()}
                site.received.append((headers | {":path": self.path}, body))
                time.sleep(site.delays.get(self.path, 0))
                self.answer(*site.pages.get(self.path, (204, {}, b"")))

            def answer(self, status, headers, body):
                etag = headers.get("ETag")
                if etag and self.headers.get("If-None-Match") == etag:
                    status, body = 304, b""
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                with contextlib.suppress(ConnectionError):
                    self.wfile.write(body)

            def log_message(self, *_):
                pass

        super().__init__(Handler)

    def asked(self) -> Counter[str]:
        """Counts what was asked for, without the rules that are read before a page."""
        return Counter(path for path, _ in self.requests if path != "/robots.txt")

    def put_page(self, path: str, title: str, *paragraphs: str, beside: str = "Weather") -> None:
        body = "".join(f"<p>{escape(text)}</p>" for text in paragraphs)
        html = f"""<!doctype html><html lang="en"><head><title>{escape(title)} | Herald</title>
        <link rel="canonical" href="{self.url}{path}"></head><body>
        <header><nav><a href="/">Home</a> <a href="/world">World</a></nav></header>
        <main><article><h1>{escape(title)}</h1>{body}</article></main>
        <aside class="trending"><h2>Trending</h2><ul><li><a href="/x">{escape(beside)}</a></li>
        <li><a href="/y">Ten recipes for winter</a></li></ul></aside>
        <footer>All rights reserved</footer></body></html>"""
        self.pages[path] = (200, {"Content-Type": "text/html; charset=utf-8"}, html.encode())

    def put_feed(self, path: str, entries: list[tuple[str, str]], **headers: str) -> None:
        now = format_datetime(datetime.now(UTC), usegmt=True)
        items = "".join(
            f"<item><title>{escape(title)}</title><link>{self.url}{link}</link>"
            f"<guid>{self.url}{link}</guid><pubDate>{now}</pubDate></item>"
            for title, link in entries
        )
        rss = f'<?xml version="1.0"?><rss version="2.0"><channel><title>H</title>{items}</channel></rss>'
        self.pages[path] = (200, {"Content-Type": "application/rss+xml"} | headers, rss.encode())


@pytest.fixture
def site():
    site = Site()
    yield site
    site.close()


WORDS = (
    "The meeting took most of the afternoon, and those who took part said little afterwards "
    "about what had been agreed, or whether anything had been. Officials pointed to the weeks "
    "ahead, in which working groups are to put the details on paper."
)


@pytest.fixture
def words():
    """A paragraph as long as real ones, which is what tells them from furniture."""
    return WORDS


@pytest.fixture
def configure(tmp_path):
    """Write a configuration for loopback sites, quick in every respect."""

    def write(text: str) -> Path:
        directory = tmp_path / "config"
        directory.mkdir(exist_ok=True)
        (directory / "settings.yaml").write_text(
            "settings:\n"
            "  poll: {every: 1s, fastest: 1s, per_host: 8}\n"
            "  articles: {delay: 0s, per_host: 16}\n"
            "  allow_private_addresses: [127.0.0.1/32]\n"
            '  web: {listen: "127.0.0.1:0"}\n'
        )
        (directory / "config.yaml").write_text(text)
        return directory

    return write


class Processes:
    """Presswatch's commands as processes of their own, ended with the test."""

    def __init__(self, directory: Path, environ: dict[str, str]):
        self._directory = directory
        self._environ = environ
        self._running: list[subprocess.Popen] = []

    def start(self, *arguments: str, **environ: str) -> subprocess.Popen:
        log = (self._directory / f"{arguments[0]}-{len(self._running)}.log").open("wb")
        process = subprocess.Popen(
            [sys.executable, "-m", "monitor.cli", *arguments],
            env=self._environ | environ,
            cwd=self._directory,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        process.log = Path(log.name)
        log.close()
        self._running.append(process)
        return process

    def call(self, *arguments: str, stdin: str = "", **environ: str) -> subprocess.CompletedProcess:
        """A command that ends by itself, in this process: an interpreter takes a second to start."""
        out, err = io.StringIO(), io.StringIO()
        read = io.TextIOWrapper(io.BytesIO(stdin.encode()))
        code = 0
        with (
            mock.patch.dict(os.environ, self._environ | environ, clear=True),
            mock.patch.object(sys, "argv", ["presswatch", *arguments]),
            mock.patch.object(sys, "stdin", read),
            contextlib.chdir(self._directory),
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(err),
        ):
            try:
                main()
            except SystemExit as end:
                code = end.code
        return subprocess.CompletedProcess(arguments, code or 0, out.getvalue(), err.getvalue())

    def kill(self, process: subprocess.Popen) -> None:
        """kill -9, and with it all that it has forked."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def close(self):
        for process in self._running:
            if process.poll() is None:
                process.terminate()
        for process in self._running:
            try:
                process.wait(12)
            except subprocess.TimeoutExpired:
                self.kill(process)


@pytest.fixture
def presswatch(tmp_path):
    clean = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("PRESSWATCH_") and name != "REDIS_URL"
    }
    # Not the configuration of the person who runs the tests.
    clean["XDG_CONFIG_HOME"] = str(tmp_path / "xdg")
    processes = Processes(tmp_path, clean)
    yield processes
    processes.close()


@pytest.fixture
def eventually():
    """Wait until something holds, and say what was seen where it never does."""

    def wait(look, expected=True, *, within: float = 30):
        deadline = time.monotonic() + within
        while (seen := look()) != expected:
            if time.monotonic() > deadline:
                raise AssertionError(f"after {within} s: {seen!r}, not {expected!r}")
            time.sleep(0.05)

    return wait


@pytest.fixture
def process_job():
    """Process an entry's job as a reader and a cleaner do, in this process.

    The job is given by its id, or as a line released it.
    """

    def process(runtime, job):
        desk = Desk(runtime)

        async def ask(request):
            return answer(desk, decode(encode(request)), last=False)

        async def run():
            taken = job if isinstance(job, Taken) else runner.take("articles", job)
            async with HttpClient.of(runtime.config.settings) as http:
                processor = Processor(runtime, http, ask, feed_share=99)
                return await processor.process(taken) if taken else Done()

        runner = runtime.queues.runner()
        try:
            return asyncio.run(run())
        finally:
            runner.close()

    return process
