"""How people and servers of mail are written in a configuration. Pure."""

from __future__ import annotations

import contextlib
import re
from dataclasses import dataclass, field
from email.headerregistry import Address
from ipaddress import ip_address
from urllib.parse import unquote, urlsplit

from yarl import URL

_UNSUBSCRIBE = re.compile(r"(?:https?://|mailto:)[!-;=?-~]+", re.IGNORECASE | re.ASCII)
# Dot-atoms of RFC 5322 and RFC 6531: nobody has an address with a local part in quotes.
_ATOM = r"[^\s\x00-\x1f()<>\[\]:;@\\,.\"\x7f]+"
_LOCAL = re.compile(rf"{_ATOM}(?:\.{_ATOM})*")
_LITERAL = re.compile(r"\[[A-Za-z0-9:.]+\]", re.ASCII)
_DOMAIN = re.compile(r"[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*|\[[A-Za-z0-9:.]+\]", re.ASCII)
_PORTS = {"smtp": 587, "smtps": 465}


@dataclass(frozen=True, slots=True)
class Route:
    """A server and how to talk to it. Its `repr` holds no login."""

    host: str
    port: int
    tls: bool
    user: str = field(default="", repr=False)
    password: str = field(default="", repr=False)

    @property
    def server(self) -> str:
        """The server's name in what we say of it."""
        return f"{self.host}:{self.port}"


def mailbox(written: str) -> Address:
    """Read an address such as `anna@example.org`, its domain as DNS knows it.

    Raises ValueError where it is none.
    """
    local, _, domain = written.strip().rpartition("@")
    with contextlib.suppress(ValueError):
        if not _LITERAL.fullmatch(domain):
            domain = URL.build(scheme="http", host=domain).raw_host or ""
        if _LOCAL.fullmatch(local) and local.isprintable() and _DOMAIN.fullmatch(domain):
            return Address(username=local, domain=domain)
    raise ValueError("must be an address such as anna@example.org")


def default_sender(host: str) -> str:
    """Who sends where nobody is named: `presswatch` at the server, an IP address in brackets."""
    try:
        address = ip_address(host)
    except ValueError:
        return f"presswatch@{host}"
    return f"presswatch@[{'IPv6:' if address.version == 6 else ''}{address}]"  # noqa: PLR2004


def unsubscribe_url(written: str) -> str:
    """Check what List-Unsubscribe shall hold (RFC 2369); raises ValueError."""
    if not _UNSUBSCRIBE.fullmatch(written):
        raise ValueError("must be an address that starts with https://, http:// or mailto:")
    return written


def read_route(smtp_url: str) -> Route:
    """Read `smtp://user:password@host:587` or `smtps://…:465`, user and password percent-encoded.

    Without a port, it is that of submission (RFC 6409, RFC 8314). Raises ValueError.
    """
    broken = ValueError(
        "must be an address such as smtp://user:password@mail.example.org:587, in which "
        "a password's / ? # @ : and % are written as %2F %3F %23 %40 %3A and %25"
    )
    try:
        parts = urlsplit(smtp_url)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise broken from None  # the cause may quote the URL
    # What stands behind the host may be half of a password: the host is none, then.
    if (
        not host
        or parts.scheme not in _PORTS
        or parts.path.strip("/")
        or parts.query
        or parts.fragment
    ):
        raise broken
    return Route(
        host,
        port or _PORTS[parts.scheme],
        parts.scheme == "smtps",
        unquote(parts.username or ""),
        unquote(parts.password or ""),
    )
