"""Addresses as they may be shown: without user, password, and what came from the environment. Pure.

A configuration writes a secret as a variable (`https://a.example/feed?key=${KEY}`). What is shown
of such an address is what the file says.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import parse_qsl, quote, unquote, urlsplit

# A variable's value, and what is shown in its place.
Secret = tuple[str, str]

_USERINFO = re.compile(r"(?<=://)[^/?#\s]*@")
_AFTER_HOST = re.compile(r"(?<=://)[^/?#]*(.*)", re.DOTALL)
# What is shorter is no secret, and occurs by chance in other addresses.
_SHORTEST = 6


def without_userinfo(text: str) -> str:
    """A text without user and password in the addresses that it holds."""
    return _USERINFO.sub("", text) if "@" in text else text


def secrets(variables: Iterable[Secret]) -> tuple[Secret, ...]:
    """What must not be shown of variables' values, in all spellings, the longest first.

    A value that is an address itself hides what its query and its password say.
    """
    found: dict[str, str] = {}
    for value, shown in variables:
        for part in (value, *_parts(value)):
            if len(part) >= _SHORTEST:
                found |= dict.fromkeys((part, unquote(part), quote(part, safe="")), shown)
    return tuple(sorted(found.items(), key=lambda one: -len(one[0])))


def hidden(url: str, known: Iterable[Secret]) -> str:
    """Somebody else's address without user, password, and secrets; its host stays as it is."""
    bare = without_userinfo(url)
    after_host = _AFTER_HOST.search(bare)
    if after_host is None:
        return bare
    rest = after_host[1]
    for secret, shown in known:
        rest = rest.replace(secret, shown)
    return bare[: after_host.start(1)] + rest


def _parts(value: str) -> list[str]:
    try:
        address = urlsplit(value)
        return [one for _, one in parse_qsl(address.query)] + [address.password or ""]
    except ValueError:
        return []
