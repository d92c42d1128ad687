"""How a feed's site is asked: as whom, with which secrets, and through which proxy. Pure."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

Headers = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Access:
    """How the pages of one feed are asked for.

    `secrets` are headers that go to the origin of `site` alone (scheme, host and port), also after
    a redirect; `user_agent` goes everywhere. `proxy` is the URL of a proxy, "" for none, or None
    for that of the settings.
    """

    site: str = ""
    secrets: Headers = field(default=(), repr=False)
    user_agent: str | None = None
    proxy: str | None = field(default=None, repr=False)


# The access of everything that the configuration says nothing about.
USUAL = Access()


def secret_headers(
    headers: Mapping[str, str],
    cookies: Mapping[str, str],
    login: tuple[str, str] | None,
) -> Headers:
    """Returns the headers that carry these, `login` as Basic authentication (RFC 7617)."""
    return tuple(_headers(headers, cookies, login))


def _headers(
    headers: Mapping[str, str], cookies: Mapping[str, str], login: tuple[str, str] | None
) -> Iterable[tuple[str, str]]:
    yield from headers.items()
    if cookies:
        yield "Cookie", "; ".join(f"{name}={value}" for name, value in cookies.items())
    if login:
        credentials = base64.b64encode(":".join(login).encode()).decode("ascii")
        yield "Authorization", f"Basic {credentials}"
