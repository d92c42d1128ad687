"""Decides who may see and change what, and hardens every answer.

A visitor is somebody who has logged in with the password, whom a trusted proxy names, or, if there
is neither, anybody on this machine. A token only reads. Changes need the session's own token as
well, so that other sites cannot make a visitor's browser send them.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from ipaddress import ip_address
from typing import TYPE_CHECKING
from urllib.parse import quote

from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response

from monitor.config.values import is_loopback
from monitor.untrusted import one_line

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from ipaddress import IPv4Network, IPv6Network

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from monitor.config.schema import WebSettings

_PROOF = "password"
LOGIN = "/login"
# Anybody may see these: the login and what it looks like, and whether the service is well.
OPEN = ("/login", "/static/", "/healthz", "/readyz")
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
SESSION_COOKIE = "presswatch"
CSRF_HEADER = "x-csrf-token"
CSRF_FIELD = "csrf"
TOKEN_PARAMETER = "token"  # noqa: S105 - the name of a parameter
# Of a visitor's name, as a proxy tells it, no more is shown, logged or stored.
MAX_NAME_LENGTH = 100

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; manifest-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)
# The address of a static file changes with its content.
_FOR_EVER = "public, max-age=31536000, immutable"
_NOT_UNASKED = "private, no-cache"
_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # The addresses of our pages, which hold queries, are not told to the sites that we link to.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}


@dataclass(frozen=True, slots=True)
class Visitor:
    """Somebody who may see the pages; `name` is empty unless a proxy tells it."""

    name: str = ""
    reads_only: bool = False


def recognise(
    settings: WebSettings, peer: str, headers: Mapping[str, str], session: Mapping[str, object]
) -> Visitor | None:
    """Returns who sent a request, or None if that is unknown.

    `peer` is the address of the connection, whatever the headers say of others before it.
    """
    if settings.user_header is not None and _is_among(peer, settings.proxies):
        name = one_line(headers.get(settings.user_header.lower(), ""))[:MAX_NAME_LENGTH]
        if name:
            return Visitor(name)
    if settings.password and session.get(_PROOF) == proof(settings):
        return Visitor()
    return Visitor() if settings.is_open else None


def proof(settings: WebSettings) -> str:
    """Returns what a session holds after the login; a change of the password ends all sessions."""
    return hashlib.sha256(settings.password.encode()).hexdigest()


def begin_session(request: Request, settings: WebSettings) -> None:
    """Begins a session that is logged in, in place of the one that the visitor had."""
    request.session.clear()
    request.session[_PROOF] = proof(settings)


def is_password(settings: WebSettings, given: str) -> bool:
    """Returns whether this is the password; takes as long for any."""
    expected = settings.password.encode()
    return bool(expected) and hmac.compare_digest(expected, given.encode())


def has_token(settings: WebSettings, given: str) -> bool:
    """Returns whether this is one of the tokens; takes as long for any."""
    matching = [hmac.compare_digest(each.encode(), given.encode()) for each in settings.tokens]
    return any(matching)


def is_known_host(host: str) -> bool:
    """Returns whether a request names this machine itself.

    A site whose name resolves to this machine (DNS rebinding) is thereby kept out where nobody has
    to log in.
    """
    name = host.rsplit(":", 1)[0] if not host.endswith("]") else host
    return is_loopback(name.strip("[]"))


def _is_among(address: str, networks: Collection[IPv4Network | IPv6Network]) -> bool:
    try:
        parsed = ip_address(address)
    except ValueError:
        return False
    return any(parsed in network for network in networks)


class Gate:
    """Lets requests through to the application if they may pass."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        refusal = _refusal(Request(scope))
        await (self._app if refusal is None else refusal)(scope, receive, send)


def _refusal(request: Request) -> Response | None:
    """Returns the answer to a request that may not pass, or None; notes who the visitor is."""
    settings: WebSettings = request.app.state.backend.runtime.config.settings.web
    path = request.url.path
    if settings.is_open and not is_known_host(request.headers.get("host", "")):
        return _refused(request, 421, "This address is not served here.")
    peer = request.scope.get("peer", "")
    visitor = recognise(settings, peer, request.headers, request.session)
    token = _token(request)
    if visitor is None and token and has_token(settings, token):
        visitor = Visitor(reads_only=True)
    request.state.visitor = visitor
    if visitor is None and not path.startswith(OPEN):
        if path.startswith(("/api/", "/metrics")) or request.method not in SAFE_METHODS:
            refusal = _refused(request, 401, "Log in, or send a token.")
            refusal.headers["WWW-Authenticate"] = "Bearer"
            return refusal
        back = path + (f"?{request.url.query}" if request.url.query else "")
        return RedirectResponse(f"{LOGIN}?next={quote(back, safe='')}", 303)
    if visitor is not None and visitor.reads_only and not _may_token_read(request):
        return _refused(request, 403, "A token only reads the API and the feeds.")
    return None


def _may_token_read(request: Request) -> bool:
    return request.method in SAFE_METHODS and request.url.path.startswith(
        (*OPEN, "/api/", "/metrics")
    )


def _token(request: Request) -> str:
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return given.strip()
    return request.query_params.get(TOKEN_PARAMETER, "")


def _refused(request: Request, status: int, message: str) -> Response:
    if request.url.path.startswith("/api/"):
        return JSONResponse({"detail": message}, status)
    return PlainTextResponse(message + "\n", status)


def csrf_token(request: Request) -> str:
    """Returns the token that this session's forms must hold."""
    token: str = request.session.setdefault("csrf", secrets.token_urlsafe(24))
    return token


async def from_our_pages(request: Request) -> None:
    """Refuses a request that changes something unless it comes from one of our own pages.

    A dependency of every route that does so; raises HTTPException.
    """
    if request.method in SAFE_METHODS:
        return
    expected = str(request.session.get("csrf", ""))
    given = request.headers.get(CSRF_HEADER)
    if given is None:
        given = str((await request.form()).get(CSRF_FIELD, ""))
    if not expected or not hmac.compare_digest(expected.encode(), given.encode()):
        raise HTTPException(403, "This form is too old. Go back, load the page again, and repeat.")


class Harden:
    """Adds to every answer what browsers must not do with it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes a request on."""

        async def send_hardened(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
                is_static = scope["path"].startswith("/static/")
                headers.setdefault("Cache-Control", _FOR_EVER if is_static else _NOT_UNASKED)
                if scope["scheme"] == "https":
                    _secure_cookies(headers)
            await send(message)

        await self._app(scope, receive, send_hardened if scope["type"] == "http" else send)


def _secure_cookies(headers: MutableHeaders) -> None:
    """Keeps cookies that were set over HTTPS from being sent without it."""
    cookies = headers.getlist("set-cookie")
    if cookies:
        del headers["set-cookie"]
        for cookie in cookies:
            headers.append("set-cookie", f"{cookie}; Secure")


class RememberPeer:
    """Notes the address of the connection, before a proxy's headers replace it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes a request on."""
        if scope["type"] == "http":
            scope["peer"] = (scope.get("client") or ("", 0))[0]
        await self._app(scope, receive, send)
