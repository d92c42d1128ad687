"""Hides secrets in URLs: user, password, and values from the environment. Pure.

A configuration writes a secret as a variable (`https://a.example/feed?key=${KEY}`). Such a URL is
shown as the file writes it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import parse_qsl, quote, unquote, urlsplit

# A variable's value, and the text shown in its place.
Secret = tuple[str, str]

_USERINFO = re.compile(r"(?<=://)[^/?#\s]*@")
_AFTER_HOST = re.compile(r"(?<=://)[^/?#]*(.*)", re.DOTALL)
# A shorter value is not a secret, and occurs in other URLs by chance.
_SHORTEST = 6


def without_userinfo(text: str) -> str:
    """Returns a text without the user and password of the URLs in it."""
    return _USERINFO.sub("", text) if "@" in text else text


def secrets(variables: Iterable[Secret]) -> tuple[Secret, ...]:
    """Returns the secrets in the values of variables, in all spellings, the longest first.

    If a value is a URL, the values in its query and its password are secrets, too.
    """
    spellings: dict[str, str] = {}
    for value, shown in variables:
        for part in (value, *_parts(value)):
            if len(part) >= _SHORTEST:
                spellings |= dict.fromkeys((part, unquote(part), quote(part, safe="")), shown)
    return tuple(sorted(spellings.items(), key=lambda pair: -len(pair[0])))


def hidden(url: str, known: Iterable[Secret]) -> str:
    """Returns a URL without user, password and known secrets; its host is not changed."""
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
        url = urlsplit(value)
        return [parameter for _, parameter in parse_qsl(url.query)] + [url.password or ""]
    except ValueError:
        return []
