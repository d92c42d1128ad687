"""Refuses connections to private addresses, at the moment when a connection is made.

Addresses are checked after name resolution, at every redirect, and again when the socket is
created, which is where a numeric address shows up, since it needs no resolution. So a name that
resolves differently the second time gains nothing.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Sequence
from typing import Any

from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import AsyncResolver

from monitor.http.addresses import Network, is_allowed

# For each name server; the second try waits longer. So an unresponsive name server is reported as
# the cause before the time limit of most requests ends.
DNS_TIMEOUT_S = 2
DNS_TRIES = 2
# Behind a proxy, name servers that do not answer must not delay each request by more than this.
PROXIED_DNS_TIMEOUT_S = 1


class PrivateAddress(OSError):
    """An address that must not be connected to; an OSError, because aiohttp passes those on."""


class AddressGuard(AbstractResolver):
    """Resolves names to addresses that may be connected to, and refuses sockets to others."""

    def __init__(self, allowed: Sequence[Network], resolver: AbstractResolver | None) -> None:
        self._allowed = allowed
        # Not getaddrinfo, which blocks one of the event loop's few threads for each name: a dozen
        # names whose servers do not answer would hold up all other requests.
        self._resolver = resolver or AsyncResolver(timeout=DNS_TIMEOUT_S, tries=DNS_TRIES)

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Returns the addresses of a host that may be connected to; raises PrivateAddress."""
        try:
            # To c-ares, other spellings of an IPv4 address (0x7f.1) are names.
            address = socket.inet_ntoa(socket.inet_aton(host))
        except OSError:
            results = await self._resolver.resolve(host, port, family)
        else:
            results = [
                ResolveResult(
                    hostname=host,
                    host=address,
                    port=port,
                    family=socket.AF_INET,
                    proto=0,
                    flags=socket.AI_NUMERICHOST,
                )
            ]
        public = [result for result in results if is_allowed(result["host"], self._allowed)]
        if not public:
            raise PrivateAddress(f"{host} leads to a private address")
        return public

    async def check_proxied(self, host: str) -> None:
        """Raises PrivateAddress for a host that a proxy must not be asked to connect to.

        A name is refused if any of its addresses is private. If it does not resolve here, as in a
        network where only the proxy knows names, it is left to the proxy.
        """
        try:
            addresses = [socket.inet_ntoa(socket.inet_aton(host))]
        except OSError:
            addresses = [host] if ":" in host else []
        if not addresses:
            try:
                async with asyncio.timeout(PROXIED_DNS_TIMEOUT_S):
                    found = await self._resolver.resolve(host, 0, socket.AF_UNSPEC)
            except (OSError, TimeoutError):
                found = []
            addresses = [result["host"] for result in found]
        if not all(is_allowed(address, self._allowed) for address in addresses):
            raise PrivateAddress(f"{host} leads to a private address")

    @property
    def resolver(self) -> AbstractResolver:
        """Returns a resolver that refuses nothing, for addresses that operators have set."""
        return self._resolver

    async def close(self) -> None:
        """Closes the resolver."""
        await self._resolver.close()

    def socket(self, info: tuple[Any, Any, int, str, tuple[Any, ...]]) -> socket.socket:
        """Creates the socket for a connection; aiohttp calls this for numeric hosts too."""
        family, kind, protocol, _, address = info
        if not is_allowed(str(address[0]), self._allowed):
            raise PrivateAddress(f"{address[0]} is a private address")
        return socket.socket(family, kind, protocol)
