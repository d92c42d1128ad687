"""The only place that speaks HTTP; everything that comes from the network is hostile.

Addresses are checked when a connection is made, on what is connected to: after name resolution,
at every redirect, and again when the socket is created, which is where an address stands that
needed no resolution. A name that resolves to something else at the second look gains nothing.
"""

from __future__ import annotations

import asyncio
import re
import socket
import string
import zlib
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import Message
from email.utils import parsedate_to_datetime
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import quote

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import AsyncResolver
from yarl import URL

from monitor.errors import BadStatus, FetchError, RefusedAddress, TooLarge, Unreachable
from monitor.http.addresses import Network, is_allowed
from monitor.http.codings import UnknownCoding, inflater_for

if TYPE_CHECKING:
    from monitor.config import Settings

MAX_REDIRECTS = 5
MAX_HEADER_BYTES = 32 * 1024
REDIRECTS = frozenset({301, 302, 303, 307, 308})
SUCCESS = range(200, 300)
CHUNK = 64 * 1024
# For each name server; the second try waits for longer. A name server that does not answer is said
# to be the fault before the time limit of most requests ends.
DNS_TIMEOUT_S = 2
DNS_TRIES = 2
_USERINFO = re.compile(r"(?<=//)[^/?#]*@")


@dataclass(frozen=True, slots=True)
class Response:
    """An answer: `url` after redirects, `headers` in lower case, `body` decompressed."""

    url: str
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def content_type(self) -> str:
        """The media type in lower case, without parameters; empty where none is given."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    @property
    def charset(self) -> str | None:
        """The charset that the server claims; None where the claim cannot be read."""
        message = Message()
        message["content-type"] = self.headers.get("content-type", "")
        try:
            return message.get_content_charset() or None
        except (TypeError, ValueError):
            # Continuations (RFC 2231) with and without numbers, or with thousands of digits.
            return None


class _Refused(OSError):
    """An address that must not be connected to; an OSError, which is what aiohttp passes on."""


class _Guard(AbstractResolver):
    """Resolves names to addresses that may be connected to, and refuses sockets to others."""

    def __init__(self, allowed: Sequence[Network], resolver: AbstractResolver | None) -> None:
        self._allowed = allowed
        # Not getaddrinfo, which blocks one of the event loop's few threads for each name: a dozen
        # names whose servers do not answer would hold up everybody.
        self._resolver = resolver or AsyncResolver(timeout=DNS_TIMEOUT_S, tries=DNS_TRIES)

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        try:
            # The other spellings of an IPv4 address (0x7f.1) are names to c-ares.
            address = socket.inet_ntoa(socket.inet_aton(host))
        except OSError:
            found = await self._resolver.resolve(host, port, family)
        else:
            found = [
                ResolveResult(
                    hostname=host,
                    host=address,
                    port=port,
                    family=socket.AF_INET,
                    proto=0,
                    flags=socket.AI_NUMERICHOST,
                )
            ]
        public = [one for one in found if is_allowed(one["host"], self._allowed)]
        if not public:
            raise _Refused(f"{host} leads to a private address")
        return public

    async def close(self) -> None:
        await self._resolver.close()

    def socket(self, info: tuple[Any, Any, int, str, tuple[Any, ...]]) -> socket.socket:
        """Create the socket for a connection; aiohttp calls it for numeric hosts too."""
        family, kind, protocol, _, address = info
        if not is_allowed(str(address[0]), self._allowed):
            raise _Refused(f"{address[0]} is a private address")
        return socket.socket(family, kind, protocol)


class HttpClient:
    """An HTTP client to be used as an async context manager; raises only FetchError.

    It must be made where an event loop runs. `resolver` replaces the system's name servers.
    """

    def __init__(
        self,
        *,
        user_agent: str,
        allow_private: Sequence[Network] = (),
        resolver: AbstractResolver | None = None,
    ) -> None:
        self._user_agent = user_agent
        self._guard = _Guard(allow_private, resolver)
        self._session: aiohttp.ClientSession | None = None

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """A client that behaves as the configuration says."""
        return cls(user_agent=settings.user_agent, allow_private=settings.allow_private_addresses)

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                resolver=self._guard,
                socket_factory=self._guard.socket,
                use_dns_cache=False,
                limit=0,  # who calls us limits, for each host
            ),
            headers={"User-Agent": self._user_agent, "Accept-Encoding": "gzip, deflate"},
            # aiohttp takes a compressed body that breaks off for whole.
            auto_decompress=False,
            cookie_jar=aiohttp.DummyCookieJar(),
            # The environment's proxies would connect to what we refuse; .netrc holds passwords.
            trust_env=False,
            max_line_size=MAX_HEADER_BYTES,
            max_field_size=MAX_HEADER_BYTES,
            read_bufsize=CHUNK,
        )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._session is not None:
            await self._session.close()
        # aiohttp leaves a resolver that it was given to whoever made it.
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
    ) -> Response:
        """Fetch a URL, following redirects, within `timeout_s` in all.

        Raises RefusedAddress, TooLarge (beyond `max_bytes`, decompressed), BadStatus (for a status
        not in `ok`), and FetchError for all that may go wrong on the way.
        """
        sent = {"Accept": accept, **(headers or {})}
        async with _FetchErrors(url, timeout_s):
            target = _checked(url)
            for _ in range(MAX_REDIRECTS + 1):
                response = await self._request("GET", target, max_bytes, ok, headers=sent)
                location = response.headers.get("location")
                if response.status not in REDIRECTS or not location:
                    if response.status not in ok:
                        raise _bad_status(url, response)
                    return response
                target = _redirected(target, location)
            message = f"more than {MAX_REDIRECTS} redirects"
            raise FetchError(shown(url), message, retryable=False)

    async def post(
        self, url: str, body: bytes, *, headers: Mapping[str, str], timeout_s: float
    ) -> Response:
        """Post a body; redirects are not followed. Raises as `get` does, BadStatus but for 2xx.

        The answer's body is not read: what was accepted is not sent again for how it is answered.
        """
        async with _FetchErrors(url, timeout_s):
            response = await self._request("POST", _checked(url), 0, (), headers=headers, data=body)
            if response.status not in SUCCESS:
                raise _bad_status(url, response)
            return response

    async def _request(
        self, method: str, url: URL, max_bytes: int, ok: Container[int], **more: Any
    ) -> Response:
        """One request; the body is read only where the status is in `ok`."""
        if self._session is None:
            raise RuntimeError("use HttpClient as an async context manager")
        async with self._session.request(method, url, allow_redirects=False, **more) as answer:
            body = await _read(answer, max_bytes) if answer.status in ok else b""
            return Response(str(answer.url), answer.status, _headers(answer), body)


async def _read(answer: aiohttp.ClientResponse, max_bytes: int) -> bytes:
    """The body, as long as it keeps to the limit both as sent and decompressed."""
    if (answer.content_length or 0) > max_bytes:
        raise TooLarge(str(answer.url), max_bytes)
    try:
        inflater = inflater_for(answer.headers.getall("Content-Encoding", ()))
    except UnknownCoding as unknown:
        raise FetchError(str(answer.url), str(unknown), retryable=False) from unknown
    body = bytearray()
    taken = 0
    async for chunk in answer.content.iter_chunked(CHUNK):
        taken += len(chunk)
        body += inflater.feed(chunk, max_bytes - len(body)) if inflater else chunk
        if max(taken, len(body)) > max_bytes:
            raise TooLarge(str(answer.url), max_bytes)
    if inflater:
        inflater.finish()
    return bytes(body)


def _headers(answer: aiohttp.ClientResponse) -> dict[str, str]:
    """The headers as text that can be written down; aiohttp keeps stray bytes as surrogates."""
    headers = {
        name.lower(): value.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
        for name, value in answer.headers.items()
    }
    if "Location" in answer.headers:
        # Bytes that were not escaped mean themselves.
        location = answer.headers["Location"]
        headers["location"] = quote(location, safe=string.printable, errors="surrogateescape")
    return headers


def _redirected(url: URL, location: str) -> URL:
    """Where a redirect leads; a password goes along to the same origin only."""
    target = _checked(str(url.join(URL(location))))
    if target.raw_user is None and target.origin() == url.origin():
        return target.with_user(url.user).with_password(url.password) if url.user else target
    return target


def shown(text: str) -> str:
    """Returns text without the user and password of its URLs, for errors and thereby for logs."""
    return _USERINFO.sub("", text)


def _checked(url: str) -> URL:
    """A URL that we may ask for; raises ValueError or RefusedAddress."""
    parsed = URL(url.strip())
    if parsed.scheme not in {"http", "https"} or not parsed.raw_host:
        raise RefusedAddress(shown(url), "no http(s) address")
    return parsed.with_fragment(None)


def _bad_status(url: str, response: Response) -> BadStatus:
    return BadStatus(
        shown(url),
        response.status,
        retry_after_s=_retry_after(response.headers),
        answered_by=shown(response.url),
    )


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds until Retry-After (RFC 9110, section 10.2.3), a number or a date."""
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


class _FetchErrors:
    """Puts a time limit on a block, and turns what goes wrong in it into FetchErrors."""

    def __init__(self, url: str, timeout_s: float) -> None:
        self._url = shown(url)
        self._timeout_s = timeout_s
        self._limit = asyncio.timeout(timeout_s)

    async def __aenter__(self) -> None:
        await self._limit.__aenter__()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            await self._limit.__aexit__(kind, error, trace)
        except TimeoutError as timeout:
            message = f"no answer within {self._timeout_s:g} s"
            raise FetchError(self._url, message, retryable=True) from timeout
        # Anything else passes, RQ's time limit among it.
        if isinstance(error, aiohttp.ClientError | OSError | ValueError | zlib.error):
            raise _translated(self._url, error) from error


def _translated(url: str, error: Exception) -> FetchError:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, _Refused):
            return RefusedAddress(url, str(cause))
        cause = cause.__cause__ or getattr(cause, "os_error", None)
    if isinstance(error, aiohttp.InvalidURL | ValueError):
        return FetchError(url, "no valid address", retryable=False)
    # Messages are our own: aiohttp's hold the URL, and that may hold a password.
    message = f"the connection failed: {type(error).__name__}"
    match error:
        case aiohttp.ClientConnectorCertificateError():
            message = "the certificate is not valid"
        case aiohttp.ClientConnectorDNSError():
            return Unreachable(url, "the name does not resolve")
        case aiohttp.ClientSSLError():
            message = "no TLS connection can be made"
        case aiohttp.ClientConnectorError(os_error=reason):
            return Unreachable(url, f"no connection: {reason.strerror or reason}")
        case aiohttp.ClientResponseError():
            message = "the answer is no HTTP"
        case aiohttp.ClientPayloadError() | zlib.error():
            message = "the body broke off or cannot be decoded"
    return FetchError(url, message, retryable=True)
