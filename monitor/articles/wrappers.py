"""Finds the article's URL inside the links of aggregators, search engines and caches. Pure.

Their redirects are often pages with scripts, or questions to the visitor, and give one article as
many URLs as there are aggregators.
"""

from __future__ import annotations

import binascii
import re
from base64 import urlsafe_b64decode
from urllib.parse import parse_qs, unquote, urlsplit

# The host and path of a link, and the query parameters that may hold its destination.
_IN_QUERY = [
    (re.compile(pattern), names.split())
    for pattern, names in (
        (r"(?:www\.)?google(?:\.[a-z]{2,3}){1,2}/url", "url q"),
        (r"consent\.(?:google(?:\.[a-z]{2,3}){1,2}|youtube\.com)/.*", "continue"),
        (r"(?:www\.)?bing\.com/news/apiclick\.aspx", "url"),
        (r"lm?\.facebook\.com/l\.php", "u"),
        (r"l\.(?:instagram|threads)\.com/?", "u"),
        (r"(?:www\.)?youtube\.com/redirect", "q"),
        (r"(?:www\.)?linkedin\.com/(?:safety/go|redir/redirect)", "url"),
        (r"out\.reddit\.com/.*", "url"),
        (r"t\.umblr\.com/redirect", "z"),
        (r"vk\.com/away\.php", "to"),
        (r"getpocket\.com/redirect", "url"),
        (r"(?:www\.)?duckduckgo\.com/l/", "uddg"),
        (r"disq\.us/url", "url"),
        (r"[a-z0-9]{1,20}\.safelinks\.protection\.outlook\.com/.*", "url"),
    )
]
# https://developers.google.com/amp/cache/overview: an `s` before the host says HTTPS.
_AMP_CACHE = re.compile(
    r"(?:www\.google(?:\.[a-z]{2,3}){1,2}/amp|[a-z0-9.-]{1,200}\.cdn\.ampproject\.org/[acv])"
    r"/(?P<secure>s/)?(?P<page>[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63})+(?:/.*)?)",
    re.IGNORECASE,
)
_YAHOO = re.compile(r"r\.search\.yahoo\.com/(?:[^/]*/)*RU=([^/]+)/.*")
_GOOGLE_NEWS = re.compile(
    r"news\.google\.com/(?:rss/|__i/rss/rd/)?(?:articles|read)/(CBMi[\w-]{10,2000})=*"
)
# The field of a Google News id that holds the URL, in the encoding of Protocol Buffers.
_NEWS_FIELD = b'\x08\x13"'
_CONTINUED = 0x80
_HOSTS_WITHOUT_QUERY = ("google.", "ampproject.", "yahoo.")
# Most URLs are of none of these, and are only searched for their hosts.
_HOSTS = re.compile(
    r"\s*+https?://[^/?#]*?(?:google\.[a-z.]{2,7}|bing\.com|facebook\.com|instagram\.com|threads\.com|youtube\.com"
    r"|linkedin\.com|reddit\.com|umblr\.com|vk\.com|getpocket\.com|duckduckgo\.com|disq\.us"
    r"|outlook\.com|ampproject\.org|yahoo\.com)[/:?]",
    re.IGNORECASE,
)


def unwrapped(url: str) -> str:
    """Returns the URL that a link leads to if the link says so, else the link itself.

    Newer ids of Google News are known to Google only.
    """
    # Most URLs have no query, and then few hosts count: this is asked several times of every entry.
    if "?" not in url and not any(map(url.__contains__, _HOSTS_WITHOUT_QUERY)):
        return url
    while _HOSTS.match(url):
        inner = _destination(url)
        # Each step must shorten the URL, so that the steps end.
        if inner is None or len(inner) >= len(url):
            break
        url = inner
    return url


def _destination(url: str) -> str | None:
    try:
        parts = urlsplit(url.strip())
        place = f"{(parts.hostname or '').lower()}{parts.path}"
    except ValueError:
        return None
    for pattern, names in _IN_QUERY:
        if pattern.fullmatch(place):
            values = parse_qs(parts.query, max_num_fields=None)
            inner = next((values[name][0] for name in names if name in values), None)
            return web_address(inner)
    if cached := _AMP_CACHE.fullmatch(place):
        scheme = "https" if cached["secure"] else "http"
        return web_address(f"{scheme}://{cached['page']}{'?' if parts.query else ''}{parts.query}")
    if found := _YAHOO.fullmatch(place):
        return web_address(unquote(found[1]))
    if found := _GOOGLE_NEWS.fullmatch(place):
        return web_address(_in_news_id(found[1]))
    return None


def _in_news_id(token: str) -> str | None:
    """Returns the URL in an id of Google News, or None if it has none."""
    try:
        data = urlsafe_b64decode(token + "=" * (-len(token) % 4))
    except (binascii.Error, ValueError):
        return None
    if not data.startswith(_NEWS_FIELD):
        return None
    at, length = len(_NEWS_FIELD), 0
    for shift in (0, 7):
        if at >= len(data):
            return None
        length |= (data[at] & ~_CONTINUED) << shift
        at += 1
        if data[at - 1] < _CONTINUED:
            break
    return data[at : at + length].decode("ascii", "ignore")


def web_address(url: str | None) -> str | None:
    """Returns an http(s) URL with a host, or None."""
    try:
        parts = urlsplit(url or "")
        is_web = parts.scheme in {"http", "https"} and bool(parts.hostname)
    except ValueError:
        return None
    return url if is_web else None
