"""A hub after the W3C Recommendation of WebSub, and publishers that name it, on loopback."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import secrets
import threading
import time
from http.server import BaseHTTPRequestHandler
from urllib.parse import parse_qs, urlencode

import requests
from loopback_server import LoopbackServer

TIMEOUT_S = 10


class Hub(LoopbackServer):
    """Confirms what subscribers ask for, and pushes to those who confirmed.

    A test may change how it behaves: `lease_s` is what it grants, `answer` the status of its answer
    to a request (with `headers`), `confirms` whether it asks the subscriber back at all, and
    `topic` in place of which topic it asks about. `requests` are the forms that it got, and
    `answers` what the subscriber answered when asked back.
    """

    def __init__(self):
        self.lease_s = 432_000
        self.answer = 202
        self.redirect = 307
        self.headers: dict[str, str] = {}
        self.confirms = True
        self.asks_first = False
        self.topic = ""
        self.requests: list[dict[str, str]] = []
        self.paths: list[str] = []
        self.answers: list[requests.Response] = []
        # Each confirmed subscription by its callback: topic and secret.
        self.subscribers: dict[str, tuple[str, str]] = {}
        hub = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                form = {name: values[0] for name, values in parse_qs(body).items()}
                hub.paths.append(self.path)
                if self.path == "/elsewhere":
                    self.reply(hub.redirect, {"Location": f"{hub.url}/hub"})
                    return
                hub.requests.append(form)
                is_taken = 200 <= hub.answer < 300 and hub.confirms
                if is_taken and hub.asks_first:
                    hub.ask_back(form)
                self.reply(hub.answer, hub.headers)
                if is_taken and not hub.asks_first:
                    threading.Thread(target=hub.ask_back, args=(form,), daemon=True).start()

            def reply(self, status, headers):
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        super().__init__(Handler)
        self.address = f"{self.url}/hub"

    def ask_back(self, form: dict[str, str]) -> None:
        """Verifies that the subscriber wants what was asked for in its name."""
        mode, callback = form["hub.mode"], form["hub.callback"]
        challenge = secrets.token_urlsafe()
        answer = self.call(
            callback,
            mode=mode,
            topic=self.topic or form["hub.topic"],
            challenge=challenge,
            lease_seconds=str(self.lease_s),
        )
        if answer.ok and answer.text == challenge:
            if mode == "subscribe":
                self.subscribers[callback] = form["hub.topic"], form["hub.secret"]
            else:
                self.subscribers.pop(callback, None)
        self.answers.append(answer)

    def call(self, callback: str, **fields: str) -> requests.Response:
        """Sends a request of a hub to a callback."""
        query = urlencode({f"hub.{name}": value for name, value in fields.items()})
        with contextlib.suppress(requests.ConnectionError):
            return requests.get(f"{callback}?{query}", timeout=TIMEOUT_S)
        unreachable = requests.Response()
        unreachable.status_code = 599
        return unreachable

    def push(
        self, topic: str, body: bytes, method: str = "sha256", **headers: str
    ) -> list[requests.Response]:
        """Pushes to all who subscribed to a topic; returns their answers."""
        return [
            requests.post(
                callback,
                data=body,
                headers={
                    "Content-Type": "application/rss+xml",
                    "X-Hub-Signature": sign(secret, body, method),
                    "Link": f'<{self.address}>; rel="hub", <{topic}>; rel="self"',
                }
                | headers,
                timeout=TIMEOUT_S,
            )
            for callback, (subscribed, secret) in self.subscribers.items()
            if subscribed == topic
        ]

    def wait(self, confirmations: int) -> None:
        """Waits until so many confirmations were answered."""
        deadline = time.monotonic() + TIMEOUT_S
        while len(self.answers) < confirmations:
            assert time.monotonic() < deadline, self.answers
            time.sleep(0.01)


def sign(secret: str, body: bytes, method: str = "sha256") -> str:
    """Returns the header by which a push is known to be the hub's."""
    digest = hmac.new(secret.encode(), body, getattr(hashlib, method)).hexdigest()
    return f"{method}={digest}"
