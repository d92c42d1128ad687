"""Normalises the URLs of articles. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import unquote_plus, urljoin, urlsplit

from yarl import URL

from monitor.articles.tracking import tracks
from monitor.articles.wrappers import unwrapped

# What `normalise` removed before 0.2; see `former_link`.
_FORMER_TRACKING = re.compile(
    r"""(?ix) ^(?:
        utm_.* | at_(?:medium|campaign|link.*|ptr.*|format|custom.*) | mc_[ce]id | _hs(?:enc|mi)
      | pk_(?:campaign|kwd|source|medium) | mtm_\w+ | wt_mc | wt\.mc_id | ns_(?:campaign|mchannel)
      | fbclid | gclid | dclid | msclkid | twclid | yclid | igshid | gbraid | wbraid | srsltid
      | xtor | cmpid | ocid | ito | ncid | icid | sr_share | smid | smtyp | ftcamp | traffic_source
    )$"""
)
# Fragments that name a part of every page, and parameters in fragments that track visitors
# (`#xtor=RSS-1`).
_COMMON_FRAGMENTS = frozenset(
    {"", "rss", "feed", "atom", "comment", "comments", "respond", "disqus_thread", "content",
     "main", "article", "top", "start"}
)  # fmt: skip
_FRAGMENT_TRACKING = frozenset({"ref", "source", "src", "from", "echobox", "intcid", "ns_source"})
# Most URLs are normal as they are, and parsing them takes twenty times as long. WordPress writes
# `/?p=123`; no parameter that tracks visitors has a name as short.
_NORMAL = re.compile(
    r"https?://(?:(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,20}"
    r"|(?:(?:0|[1-9][0-9]{0,2})\.){3}(?:0|[1-9][0-9]{0,2}))"
    r"(?::(?!80/|443/)(?:[1-9][0-9]{1,3}|[1-5][0-9]{4}))?/"
    r"(?:[A-Za-z0-9_~-][A-Za-z0-9_~.-]*+(?:/|(?=\?)|\Z))*+(?:\?[a-z]{1,2}=[0-9]{1,20})?"
)


def joined(base: str, reference: str) -> str | None:
    """Returns the absolute URL that a reference means, or None if it is not a URL (`http://[x`)."""
    if is_normal(reference):
        return reference
    try:
        url = urljoin(base, reference)
        # Without a base, urljoin returns the reference unread.
        urlsplit(url)
    except ValueError:
        return None
    return url


def is_normal(url: str) -> bool:
    """Returns whether a URL is absolute and normal at first glance; False for many that are."""
    return _NORMAL.fullmatch(url) is not None


def normalise(url: str) -> str:
    """Normalises a URL (RFC 3986, section 6.2), without fragment and tracking parameters.

    The link of an aggregator becomes the URL to which it leads. Returns anything but an http(s) URL
    unchanged, apart from white space around it.
    """
    link = unwrapped(url)
    page = link.partition("#")[0]
    return page if is_normal(page) else _normalised(link)


def _normalised(url: str, tracking: Callable[[str, str], bool] = tracks) -> str:
    try:
        parsed = URL(url.strip())
        if parsed.scheme not in {"http", "https"} or not parsed.raw_host:
            return url.strip()
        # The query stays as written: to some servers `?123` differs from `?123=`, `%2F` is not a
        # slash, and `%E9` is not UTF-8.
        kept = _without_tracking(parsed.raw_query_string, parsed.raw_host, tracking)
        bare = str(parsed.with_path(parsed.raw_path or "/", encoded=True).with_user(None))
        # Parsed again, since escaped dots are dots now and form segments to remove.
        return str(URL(f"{bare}?{kept}" if kept else bare))
    except ValueError:
        return url.strip()


def _without_tracking(query: str, host: str, tracking: Callable[[str, str], bool]) -> str:
    """Returns a query without parameters that track the visitor (rather than identify the page)."""
    kept = []
    for parameter in query.split("&"):
        # `?id=1?utm_source=rss`: some append to URLs that have a query already.
        first, mark, appended = parameter.rpartition("?")
        page_part = first if mark and tracking(appended, host) else parameter
        if page_part and not tracking(page_part, host):
            kept.append(page_part)
    return "&".join(kept)


def normalise_link(url: str) -> str:
    """Normalises an entry's link like `normalise`, but keeps a fragment that names an entry.

    The entries of live blogs and changelogs often have links that differ in nothing else.
    """
    return with_fragment(normalise(url), url)


def with_fragment(page: str, url: str) -> str:
    """Returns what `normalise_link` does of a URL, given what `normalise` does."""
    fragment = unwrapped(url).strip().partition("#")[2]
    return page if _is_meaningless(fragment, host(page)) else f"{page}#{fragment}"


def former_link(url: str) -> str:
    """Returns what `normalise_link` returned before version 0.2; "" if it is the same.

    Articles and entries that an older version recorded are known by it. Needed until the longest
    `keep` after an upgrade has passed, then to be deleted.
    """
    page = url.partition("#")[0]
    if is_normal(page) and "#" not in url and unwrapped(url) == url:
        return ""
    former = page if is_normal(page) else _normalised(url, _formerly_tracked)
    fragment = url.strip().partition("#")[2]
    if not _is_meaningless(fragment, "", _formerly_tracked):
        former = f"{former}#{fragment}"
    return "" if former == normalise_link(url) else former


def _formerly_tracked(parameter: str, _host: str) -> bool:
    return bool(_FORMER_TRACKING.match(unquote_plus(parameter.partition("=")[0])))


def _is_meaningless(
    fragment: str, host: str, tracking: Callable[[str, str], bool] = tracks
) -> bool:
    """Returns whether a fragment is a text fragment, a part of every page, or tracking."""
    if fragment.lower() in _COMMON_FRAGMENTS or fragment.startswith(":~:"):
        return True
    parts = [part for part in fragment.split("&") if "=" in part]
    return bool(parts) and all(
        part.partition("=")[0].lower() in _FRAGMENT_TRACKING or tracking(part, host)
        for part in parts
    )


def host(url: str) -> str:
    """Returns the host of a URL in lower case, or ""."""
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def is_front_page(url: str) -> bool:
    """Returns whether a URL is that of a site's front page."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.path in {"", "/"} and not parts.query
