"""Mail addresses and mail servers, as a configuration spells them. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from email.headerregistry import Address
from ipaddress import ip_address
from urllib.parse import unquote, urlsplit

_UNSUBSCRIBE = re.compile(r"(?:https?://|mailto:)[!-;=?-~]+", re.IGNORECASE | re.ASCII)
_PORTS = {"smtp": 587, "smtps": 465}


@dataclass(frozen=True, slots=True)
class Route:
    """A mail server and how to talk to it. Its `repr` shows no login."""

    host: str
    port: int
    tls: bool
    user: str = field(default="", repr=False)
    password: str = field(default="", repr=False)

    @property
    def server(self) -> str:
        """Returns the server's name for messages: host and port."""
        return f"{self.host}:{self.port}"


def mailbox(written: str) -> Address:
    """Reads an address such as `anna@example.org`, with the domain as DNS knows it.

    Raises ValueError if it is not an address. Nothing is looked up on the network.
    """
    # Only configurations with mail addresses pay for loading it.
    from email_validator import SPECIAL_USE_DOMAIN_NAMES, validate_email

    # It refuses names such as localhost and mail.local, which a company's own server may have.
    SPECIAL_USE_DOMAIN_NAMES.clear()
    try:
        valid = validate_email(
            written.strip(),
            allow_domain_literal=True,
            check_deliverability=False,
            globally_deliverable=False,
        )
    except ValueError:
        raise ValueError("must be an address such as anna@example.org") from None
    return Address(username=valid.local_part, domain=valid.ascii_domain or "")


def default_sender(host: str) -> Address:
    """Returns the sender to use when none is configured: `presswatch` at the mail server.

    The host may be an IP address, or a name that is not a mail domain, such as `mail_relay`.
    """
    from yarl import URL

    try:
        address = ip_address(host)
    except ValueError:
        domain = URL.build(scheme="http", host=host).raw_host or host
        return Address(username="presswatch", domain=domain)
    tag = "IPv6:" if address.version == 6 else ""  # noqa: PLR2004
    return Address(username="presswatch", domain=f"[{tag}{address}]")


def unsubscribe_url(written: str) -> str:
    """Checks a value for the List-Unsubscribe header (RFC 2369); raises ValueError."""
    if not _UNSUBSCRIBE.fullmatch(written):
        raise ValueError("must be an address that starts with https://, http:// or mailto:")
    return written


def read_route(smtp_url: str) -> Route:
    """Reads `smtp://user:password@host:587` or `smtps://…:465`, the login percent-encoded.

    The default port is that of mail submission (RFC 6409, RFC 8314). Raises ValueError.
    """
    broken = ValueError(
        "must be an address such as smtp://user:password@mail.example.org:587, with "
        "/ ? # @ : and % in the password written as %2F %3F %23 %40 %3A and %25"
    )
    try:
        parts = urlsplit(smtp_url)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise broken from None  # the cause may quote the URL
    # Anything after the host may be the rest of a password that contains an unescaped "/" or "#".
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
