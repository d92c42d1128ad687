"""Answers the hubs that push feeds (WebSub, W3C Recommendation of 23 January 2018).

Anybody may reach this: hubs do not log in. A callback's address cannot be guessed, what is pushed
must be signed with the subscription's own secret, and strangers learn nothing from the answers.
What counts is stored, and a scheduler reads it.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import parse_qs

import structlog
from anyio import CapacityLimiter, to_thread
from redis.exceptions import RedisError
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response

from monitor.feeds.pushes import (
    CALLBACKS,
    Push,
    Subscription,
    confirmed,
    denied,
    hub_name,
)
from monitor.store.pushes import MAX_DOCUMENT_BYTES, Pushed
from monitor.untrusted import one_line, printable

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

    from monitor.store import Store
    from monitor.web.backend import Backend

T = TypeVar("T")

METHODS = frozenset({"sha1", "sha256", "sha384", "sha512"})
# A hub has so long to send a document, and so many at once.
BODY_S = 20.0
MOST_BODIES = 16
MOST_OF_A_FEED = 2
# After this time a hub that was not served may try again.
BUSY_S = 30
UNAVAILABLE = 503
MAX_FIELDS = 20
MAX_REASON_CHARS = 200
MAX_DIGITS = 20
# Redis is asked in threads of our own, which slow pages do not occupy.
THREADS = 8
REDIS_S = 5.0
# At most one line so often says that pushes for a feed were refused.
SILENCE_S = 60.0

log = structlog.stdlib.get_logger(__name__)


class Refused(Exception):
    """A push that is not taken; `status` is the answer to it."""

    def __init__(self, status: int) -> None:
        self.status = status
        super().__init__(status)


class Callbacks:
    """Answers requests for callbacks; passes on all others."""

    def __init__(self, app: ASGIApp, backend: Backend) -> None:
        self._app = app
        self._backend = backend
        self._threads = CapacityLimiter(THREADS)
        # How many documents of each feed are being received.
        self._receiving: Counter[str] = Counter()
        self._silent_until: dict[str, float] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers a request, or passes it on."""
        if scope["type"] != "http" or not scope["path"].startswith(CALLBACKS):
            await self._app(scope, receive, send)
            return
        try:
            answer = await self._answer(Request(scope, receive))
        except Refused as refusal:
            answer = _plain(refusal.status)
        except (RedisError, TimeoutError):
            answer = _plain(UNAVAILABLE)
        except ClientDisconnect:
            return
        await answer(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        path: str = request.scope["path"]
        feed_id, _, name = path.removeprefix(CALLBACKS).partition("/")
        push = await self._in_thread(lambda: self._store.pushes.of(feed_id))
        if request.method == "GET":
            return await self._confirm(feed_id, name, push, request.scope["query_string"])
        current = push.current
        if request.method != "POST":
            return _plain(404)
        if current is None or not current.is_at(name):
            # Whoever still pushes to a subscription that has ended may forget it.
            return _plain(410)
        await self._receive(feed_id, current, request)
        return _plain(200)

    async def _confirm(self, feed_id: str, name: str, push: Push, query: bytes) -> Response:
        """Answers a hub that asks whether we want a subscription or its end, or that denies one.

        Raises RedisError and TimeoutError.
        """
        try:
            fields = parse_qs(query.decode("utf-8", "replace"), max_num_fields=MAX_FIELDS)
        except ValueError:
            return _plain(404)
        mode, topic, challenge, lease_s, reason = (
            fields.get(f"hub.{field}", [""])[0]
            for field in ("mode", "topic", "challenge", "lease_seconds", "reason")
        )
        reason = printable(one_line(reason))[:MAX_REASON_CHARS]
        now = datetime.now(UTC)

        def change(push: Push) -> Push | None:
            if mode == "denied":
                return denied(push, name, topic, reason, now)
            return confirmed(push, name, mode, topic, lease_s, now) if challenge else None

        changed = change(push)
        if changed is None:
            return _plain(404)
        if changed != push:
            await self._in_thread(
                lambda: self._store.pushes.change(feed_id, lambda push: change(push) or push)
            )
            asked = (each for each in (push.current, *push.ended) if each and each.is_at(name))
            about = {"feed": self._shown(feed_id), "hub": next(map(hub_name, asked), "")}
            if mode == "denied":
                log.warning("hub denies", **about, reason=reason)
            else:
                log.info("hub confirms", **about, mode=mode, lease_s=lease_s[:MAX_DIGITS])
        return _plain(200, "" if mode == "denied" else challenge)

    async def _receive(self, feed_id: str, subscription: Subscription, request: Request) -> None:
        """Stores what a hub pushes; ignores it if it is not signed.

        Raises Refused for a document that cannot be received whole, RedisError, TimeoutError and
        ClientDisconnect.
        """
        method, _, signature = request.headers.get("x-hub-signature", "").strip().partition("=")
        if method.lower() not in METHODS:
            await self._ignore(feed_id, subscription)
            return
        mac = hmac.new(subscription.secret.encode(), digestmod=getattr(hashlib, method.lower()))
        if self._receiving[feed_id] >= MOST_OF_A_FEED or self._receiving.total() >= MOST_BODIES:
            raise Refused(UNAVAILABLE)
        self._receiving[feed_id] += 1
        try:
            document = await self._document(request, mac)
        finally:
            self._receiving[feed_id] -= 1
            self._receiving += Counter()  # forgets feeds that receive nothing
        if not hmac.compare_digest(mac.hexdigest().encode(), signature.strip().lower().encode()):
            await self._ignore(feed_id, subscription)
            return
        pushed = Pushed(
            feed_id,
            datetime.now(UTC),
            subscription.topic,
            request.headers.get("content-type", "")[:MAX_REASON_CHARS],
            document,
        )
        await self._in_thread(lambda: self._store.pushes.add(pushed))

    async def _document(self, request: Request, mac: hmac.HMAC) -> bytes:
        """Returns the body, and adds it to the MAC; nothing if it is no document for us.

        It is never decompressed: the signature is of the bytes that were sent. Hubs need not
        compress.
        """
        most = self._backend.runtime.config.settings.poll.max_size
        length = request.headers.get("content-length", "0")
        if not length.isdigit() or int(length[:MAX_DIGITS]) > most:
            raise Refused(413)
        document = bytearray()
        received = 0
        try:
            async with asyncio.timeout(BODY_S):
                async for chunk in request.stream():
                    received += len(chunk)
                    if received > most:
                        raise Refused(413)
                    mac.update(chunk)
                    if len(document) <= MAX_DOCUMENT_BYTES:
                        document += chunk
        except TimeoutError:
            raise Refused(408) from None
        is_usable = received <= MAX_DOCUMENT_BYTES and _is_plain(request)
        return bytes(document) if is_usable else b""

    async def _ignore(self, feed_id: str, subscription: Subscription) -> None:
        """Counts a push that is not signed as it must be, and says so now and then."""
        await self._in_thread(lambda: self._store.pushes.count("forged"))
        now = time.monotonic()
        if now >= self._silent_until.get(feed_id, 0.0):
            self._silent_until[feed_id] = now + SILENCE_S
            log.warning("push forged", feed=self._shown(feed_id), hub=hub_name(subscription))

    def _shown(self, feed_id: str) -> str:
        """Returns a feed's address as it may be logged; its id if the feed is gone."""
        feeds = self._backend.runtime.config.feeds
        return next((feed.public_url for feed in feeds if feed.id == feed_id), feed_id)

    @property
    def _store(self) -> Store:
        return self._backend.runtime.store

    async def _in_thread(self, function: Callable[[], T]) -> T:
        """Calls what asks Redis; raises TimeoutError if that takes long."""
        async with asyncio.timeout(REDIS_S):
            return await to_thread.run_sync(function, abandon_on_cancel=True, limiter=self._threads)


def _is_plain(request: Request) -> bool:
    return request.headers.get("content-encoding", "identity").strip().lower() == "identity"


def _plain(status: int, text: str = "") -> PlainTextResponse:
    headers = {"Retry-After": str(BUSY_S)} if status == UNAVAILABLE else None
    return PlainTextResponse(text, status, headers)
