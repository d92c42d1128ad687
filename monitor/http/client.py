"""Fetches and posts over HTTP, with limits on size, time and redirects."""

from __future__ import annotations

import string
from collections.abc import Awaitable, Callable, Container, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.message import Message
from email.utils import parsedate_to_datetime
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import quote, urlencode

import aiohttp
from aiohttp.abc import AbstractResolver
from yarl import URL

from monitor.access import USUAL, Access
from monitor.errors import BadStatus, FetchError, RefusedAddress, TooLarge
from monitor.http.addresses import Network
from monitor.http.codings import ACCEPTED, BrokenBody, UnknownCoding, inflater_for
from monitor.http.failures import BROKE_OFF, FetchErrors, shown
from monitor.http.guard import AddressGuard

if TYPE_CHECKING:
    from monitor.config import Settings

MAX_REDIRECTS = 5
TOO_MANY = f"more than {MAX_REDIRECTS} redirects"
MAX_HEADER_BYTES = 32 * 1024
REDIRECTS = frozenset({301, 302, 303, 307, 308})
# RFC 9110, sections 15.4.2 and 15.4.9.
PERMANENT = frozenset({301, 308})
# Those that repeat a POST: RFC 9110, sections 15.4.8 and 15.4.9.
RESENDING = frozenset({307, 308})
SUCCESS = range(200, 300)
LOGIN = "authorization"
CHUNK_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Response:
    """A response: `url` after redirects, `headers` in lower case, `body` decompressed.

    `broke_off` says that the connection ended, or the compression failed, before the body's end.
    `moved_to` is where the permanent redirects (301 and 308) led with which the way there began, if
    there were any; without user and password.
    """

    url: str
    status: int
    headers: Mapping[str, str]
    body: bytes
    broke_off: bool = False
    moved_to: str | None = None

    @property
    def content_type(self) -> str:
        """Returns the media type in lower case, without parameters; "" if there is none."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    @property
    def charset(self) -> str | None:
        """Returns the charset that the server claims; None if the claim cannot be read."""
        message = Message()
        message["content-type"] = self.headers.get("content-type", "")
        try:
            return message.get_content_charset() or None
        except (TypeError, ValueError):
            # Continuations (RFC 2231) with and without numbers, or with thousands of digits.
            return None


class HttpClient:
    """An HTTP client, used as an async context manager; raises nothing but FetchError.

    It must be created while an event loop runs. `resolver` replaces the system's name servers.
    `proxy` is the URL of a proxy for what is fetched, "" for none.
    """

    def __init__(
        self,
        *,
        user_agent: str,
        allow_private: Sequence[Network] = (),
        resolver: AbstractResolver | None = None,
        proxy: str = "",
    ) -> None:
        self._user_agent = user_agent
        self._proxy = proxy
        self._guard = AddressGuard(allow_private, resolver)
        self._session: aiohttp.ClientSession | None = None
        self._proxied: aiohttp.ClientSession | None = None

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """Returns a client that behaves as the configuration says."""
        return cls(
            user_agent=settings.user_agent,
            allow_private=settings.allow_private_addresses,
            proxy=settings.proxy,
        )

    async def __aenter__(self) -> Self:
        self._session = self._new_session(
            aiohttp.TCPConnector(
                resolver=self._guard,
                socket_factory=self._guard.socket,
                use_dns_cache=False,
                limit=0,  # callers limit requests, for each host
            )
        )
        return self

    def _new_session(self, connector: aiohttp.BaseConnector) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(
            connector=connector,
            headers={"User-Agent": self._user_agent, "Accept-Encoding": ACCEPTED},
            # aiohttp takes a compressed body that breaks off for a complete one.
            auto_decompress=False,
            cookie_jar=aiohttp.DummyCookieJar(),
            # Proxies of the environment would connect to what we refuse; .netrc holds passwords.
            trust_env=False,
            max_line_size=MAX_HEADER_BYTES,
            max_field_size=MAX_HEADER_BYTES,
            read_bufsize=CHUNK_BYTES,
        )

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for session in (self._session, self._proxied):
            if session is not None:
                await session.close()
        # aiohttp does not close a resolver that it did not create.
        await self._guard.close()

    async def get(
        self,
        url: str,
        *,
        timeout_s: float,
        max_bytes: int,
        headers: Mapping[str, str] | None = None,
        accept: str = "*/*",
        ok: Container[int] = (200,),
        may_break_off: bool = False,
        access: Access = USUAL,
        permit: Callable[[str, Access], Awaitable[None]] | None = None,
        cut: bool = False,
    ) -> Response:
        """Fetches a URL, following redirects, within `timeout_s` in all.

        With `may_break_off`, a body that breaks off is returned as far as it came. `access` says as
        whom, and through which proxy. `permit` is called for each URL before it is asked for, also
        after a redirect, and raises a FetchError to prevent that. With `cut`, a body that is too
        large is cut off at `max_bytes`.

        Raises RefusedAddress, TooLarge (beyond `max_bytes`, also when decompressed), BadStatus (for
        a status not in `ok`), and FetchError for everything else that may go wrong.
        """
        all_headers = {"Accept": accept, **(headers or {})}
        async with FetchErrors(url, timeout_s):
            target = _checked(url)
            moved_to, is_permanent = None, True
            for _ in range(MAX_REDIRECTS + 1):
                if permit is not None:
                    await permit(str(target), access)
                response = await self._request(
                    "GET",
                    target,
                    max_bytes,
                    ok,
                    cut=cut,
                    proxy=self._proxy if access.proxy is None else access.proxy,
                    headers=_with_access(all_headers, access, target),
                )
                location = response.headers.get("location")
                if response.status not in REDIRECTS or not location:
                    if response.status not in ok:
                        raise _bad_status(url, response)
                    if response.broke_off and not may_break_off:
                        raise FetchError(shown(url), BROKE_OFF, retryable=True)
                    return replace(response, moved_to=moved_to)
                target = _redirected(target, location)
                is_permanent = is_permanent and response.status in PERMANENT
                if is_permanent:
                    moved_to = str(target.with_user(None))
            raise _refused_redirect(url, TOO_MANY)

    async def post(
        self, url: str, body: bytes, *, headers: Mapping[str, str], timeout_s: float
    ) -> Response:
        """Posts a body, without following redirects.

        Raises the same errors as `get`, and BadStatus unless the status is 2xx. The body of the
        response is not read: a fault in it must not make us send again what was accepted.
        """
        async with FetchErrors(url, timeout_s):
            response = await self._request("POST", _checked(url), 0, (), headers=headers, data=body)
            if response.status not in SUCCESS:
                raise _bad_status(url, response)
            return response

    async def submit(
        self, url: str, form: Mapping[str, str], *, timeout_s: float, access: Access = USUAL
    ) -> None:
        """Posts a form, and again where a redirect asks for that (307 and 308).

        Raises the same errors as `post`; what a form that was sent over TLS holds is not sent
        without it. `access` says as whom, and through which proxy.
        """
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        body = urlencode(form).encode()
        async with FetchErrors(url, timeout_s):
            target = _checked(url)
            for _ in range(MAX_REDIRECTS + 1):
                response = await self._request(
                    "POST",
                    target,
                    0,
                    (),
                    proxy=self._proxy if access.proxy is None else access.proxy,
                    headers=_with_access(headers, access, target),
                    data=body,
                )
                location = response.headers.get("location")
                if response.status not in RESENDING or not location:
                    if response.status not in SUCCESS:
                        raise _bad_status(url, response)
                    return
                source, target = target, _redirected(target, location)
                if source.scheme == "https" != target.scheme:
                    raise _refused_redirect(url, "a redirect from https to http")
            raise _refused_redirect(url, TOO_MANY)

    async def _request(
        self,
        method: str,
        url: URL,
        max_bytes: int,
        ok: Container[int],
        *,
        proxy: str = "",
        cut: bool = False,
        **more: Any,
    ) -> Response:
        """Makes one request; reads the body only if the status is in `ok`."""
        if self._session is None:
            raise RuntimeError("use HttpClient as an async context manager")
        session = self._session
        if proxy:
            await self._guard.check_proxied(url.raw_host or "")
            session = self._session_for_proxies()
            more["proxy"] = proxy
        async with session.request(method, url, allow_redirects=False, **more) as answer:
            body, broke_off = (
                await _read(answer, max_bytes, cut=cut) if answer.status in ok else (b"", False)
            )
            return Response(str(answer.url), answer.status, _headers(answer), body, broke_off)

    def _session_for_proxies(self) -> aiohttp.ClientSession:
        """Returns the session that connects to proxies alone.

        Operators choose proxies, mostly at private addresses, so these are not checked.
        """
        if self._proxied is None:
            self._proxied = self._new_session(
                aiohttp.TCPConnector(resolver=self._guard.resolver, use_dns_cache=False, limit=0)
            )
        return self._proxied


async def _read(answer: aiohttp.ClientResponse, max_bytes: int, *, cut: bool) -> tuple[bytes, bool]:
    """Returns the body as far as it came, and whether it broke off.

    Cuts it, or raises TooLarge, where it exceeds the limit, as sent or decompressed. Raises what
    aiohttp raises, or BrokenBody, if nothing came.
    """
    if (answer.content_length or 0) > max_bytes and not cut:
        raise TooLarge(str(answer.url), max_bytes)
    try:
        inflater = inflater_for(answer.headers.getall("Content-Encoding", ()))
    except UnknownCoding as unknown:
        raise FetchError(str(answer.url), str(unknown), retryable=False) from unknown
    body = bytearray()
    received = 0
    try:
        async for chunk in answer.content.iter_chunked(CHUNK_BYTES):
            received += len(chunk)
            body += inflater.feed(chunk, max_bytes - len(body)) if inflater else chunk
            if max(received, len(body)) > max_bytes:
                if cut:
                    return bytes(body[:max_bytes]), False
                raise TooLarge(str(answer.url), max_bytes)
        if inflater:
            inflater.finish()
    except (aiohttp.ClientPayloadError, aiohttp.ClientOSError, BrokenBody):
        if not body:
            raise
        return bytes(body), True
    return bytes(body), False


def _with_access(usual: Mapping[str, str], access: Access, target: URL) -> dict[str, str]:
    """Returns the headers of one request: those of an access replace the usual ones.

    Its secrets go to its own origin only.
    """
    headers = {"User-Agent": access.user_agent} if access.user_agent else {}
    if access.secrets and URL(access.site).origin() == target.origin():
        headers |= dict(access.secrets)
        if target.raw_user is not None:
            # A link with a login of its own; aiohttp refuses to send two.
            headers = {name: value for name, value in headers.items() if name.lower() != LOGIN}
    replaced = {name.lower() for name in headers}
    return {name: usual[name] for name in usual if name.lower() not in replaced} | headers


def _headers(answer: aiohttp.ClientResponse) -> dict[str, str]:
    """Returns the headers as valid text; aiohttp keeps bytes that are not UTF-8 as surrogates."""
    given = {name.lower(): value for name, value in answer.headers.items()}
    if "Link" in answer.headers:
        # Each may have a header of its own (RFC 8288, section 3.5).
        given["link"] = ", ".join(answer.headers.getall("Link"))
    headers = {
        name: value.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
        for name, value in given.items()
    }
    if "Location" in answer.headers:
        # Servers send bytes in URLs that should have been escaped.
        location = answer.headers["Location"]
        headers["location"] = quote(location, safe=string.printable, errors="surrogateescape")
    return headers


def _refused_redirect(url: str, message: str) -> FetchError:
    return FetchError(shown(url), message, retryable=False)


def _redirected(url: URL, location: str) -> URL:
    """Returns the target of a redirect; passes a password on to the same origin only."""
    target = _checked(str(url.join(URL(location))))
    if target.raw_user is None and target.origin() == url.origin():
        return target.with_user(url.user).with_password(url.password) if url.user else target
    return target


def _checked(url: str) -> URL:
    """Parses a URL to be requested; raises ValueError or RefusedAddress."""
    parsed = URL(url.strip())
    if parsed.scheme not in {"http", "https"} or not parsed.raw_host:
        raise RefusedAddress(shown(url), "not an http(s) URL")
    return parsed.with_fragment(None)


def _bad_status(url: str, response: Response) -> BadStatus:
    return BadStatus(
        shown(url),
        response.status,
        retry_after_s=_retry_after(response.headers),
        answered_by=shown(response.url),
    )


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Returns the seconds until Retry-After, a number or a date (RFC 9110, section 10.2.3)."""
    value = headers.get("retry-after", "").strip()
    if value.isascii() and value.isdigit():
        return float(value[:9])
    try:
        moment = parsedate_to_datetime(value)
    except (ValueError, OverflowError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, (moment - datetime.now(UTC)).total_seconds())
