"""Turns whatever goes wrong with a request into a FetchError that holds no password."""

from __future__ import annotations

import asyncio
import os
import re
from types import TracebackType

import aiohttp

from monitor.errors import (
    FetchError,
    InsecureServer,
    RefusedAddress,
    UnknownName,
    Unreachable,
)
from monitor.http.codings import BrokenBody
from monitor.http.guard import PrivateAddress

BROKE_OFF = "the body broke off or cannot be decoded"
# Our own messages, since aiohttp's contain the URL, which may contain a password. The most special
# error comes first.
_MESSAGES: tuple[tuple[type[Exception], str], ...] = (
    (aiohttp.ClientConnectorCertificateError, "the certificate is not valid"),
    (aiohttp.ClientSSLError, "no TLS connection can be made"),
    (aiohttp.ClientResponseError, "the answer is not HTTP"),
    (aiohttp.ClientPayloadError, BROKE_OFF),
    (BrokenBody, BROKE_OFF),
    (aiohttp.ServerDisconnectedError, "the server closed the connection without an answer"),
    (aiohttp.ClientOSError, "the connection broke off"),
    (ConnectionError, "the connection broke off"),
)
_CREDENTIALS = re.compile(r"(?<=//)[^/?#]*@")


def shown(text: str) -> str:
    """Returns text without the user and password of its URLs, for errors and thereby for logs."""
    return _CREDENTIALS.sub("", text)


class FetchErrors:
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
        # Everything else is passed on, including RQ's time limit.
        if isinstance(error, aiohttp.ClientError | OSError | ValueError | BrokenBody):
            raise _translated(self._url, error) from error


def _translated(url: str, error: Exception) -> FetchError:  # noqa: PLR0911 - one for each kind
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, PrivateAddress):
            return RefusedAddress(url, str(cause))
        cause = cause.__cause__ or getattr(cause, "os_error", None)
    if isinstance(error, aiohttp.InvalidURL | ValueError):
        return FetchError(url, "not a valid URL", retryable=False)
    match error:
        case aiohttp.ClientHttpProxyError(status=status):
            return FetchError(url, f"the proxy answers HTTP {status}", retryable=True)
        case aiohttp.ClientProxyConnectionError(os_error=reason):
            return Unreachable(url, f"no connection to the proxy: {reason.strerror or 'no answer'}")
        case aiohttp.ClientConnectorCertificateError():
            return InsecureServer(url, "the certificate is not valid")
        case aiohttp.ClientConnectorDNSError():
            return UnknownName(url, "the name does not resolve")
        case aiohttp.ClientSSLError():
            return InsecureServer(url, "no TLS connection can be made")
        case aiohttp.ClientConnectorError(os_error=reason):
            # The event loop's own words for it name the address, and leave out why.
            why = os.strerror(reason.errno) if reason.errno else reason.strerror or reason
            return Unreachable(url, f"no connection: {why}")
    kinds = (message for kind, message in _MESSAGES if isinstance(error, kind))
    message = next(kinds, f"the connection failed: {type(error).__name__}")
    return FetchError(url, message, retryable=True)
