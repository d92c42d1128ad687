"""Hides secrets in URLs and messages: user, password, and values from the environment. Pure.

A configuration writes a secret as a variable (`https://a.example/feed?key=${KEY}`). Such a URL is
shown as the file writes it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import parse_qsl, quote, quote_plus, unquote, unquote_plus, urlsplit

# A variable's value, and the text shown in its place.
Secret = tuple[str, str]

_USERINFO = re.compile(r"(?<=://)[^/?#\s]*@")
_AFTER_HOST = re.compile(r"(?<=://)[^/?#]*(.*)", re.DOTALL)
_ESCAPE = re.compile(r"%[0-9A-Fa-f]{2}")
# A shorter value is not a secret, and occurs in other URLs by chance.
_SHORTEST = 6


def without_userinfo(text: str) -> str:
    """Returns a text without the user and password of the URLs in it."""
    return _USERINFO.sub("", text) if "@" in text else text


def has_userinfo(url: str) -> bool:
    """Returns whether a URL has a user or a password."""
    return bool(_USERINFO.search(url))


def secrets(variables: Iterable[Secret]) -> tuple[Secret, ...]:
    """Returns the secrets in the values of variables, in all spellings, the longest first.

    If a value is a URL, the values in its query and its password are secrets, too.
    """
    spellings: dict[str, str] = {}
    for value, shown in variables:
        for part in (value, *_parts(value)):
            if len(part) >= _SHORTEST:
                spellings |= dict.fromkeys(_spellings(part), shown)
    return tuple(sorted(spellings.items(), key=lambda pair: -len(pair[0])))


def without_secrets(text: str, known: Iterable[Secret]) -> str:
    """Returns a text without known secrets, and without user and password of the URLs in it."""
    # The secrets first: a password with a slash does not look like a part of the address.
    for secret, shown in known:
        text = text.replace(secret, shown)
    return without_userinfo(text)


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


def _spellings(value: str) -> set[str]:
    """Returns a value as sites may repeat it: decoded, and encoded for a path, query or form."""
    plain = {value, unquote(value), unquote_plus(value)}
    long_enough = {spelling for spelling in plain if len(spelling) >= _SHORTEST}
    encoded = {
        encode(spelling, safe=safe)
        for spelling in long_enough
        for encode in (quote, quote_plus)
        for safe in ("", "/")
    }
    recased = {
        _ESCAPE.sub(change, spelling)
        for spelling in long_enough | encoded
        for change in (lambda escape: escape[0].lower(), lambda escape: escape[0].upper())
    }
    return long_enough | recased


def _parts(value: str) -> list[str]:
    try:
        url = urlsplit(value)
        return [parameter for _, parameter in parse_qsl(url.query)] + [url.password or ""]
    except ValueError:
        return []
