"""Normalises the URLs of articles, and judges which canonical URLs are credible. Pure."""

from __future__ import annotations

import re
from urllib.parse import unquote_plus, urljoin, urlsplit

from yarl import URL

# Query parameters that track visitors. Short names that some sites use to identify the article
# (`id`, `cid`, `ref`, `src`) are kept: two alerts are better than none.
_TRACKING = re.compile(
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
_SUBDOMAINS = re.compile(r"^(?:www\d?|m|mobile|amp|edition)\.")


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

    Returns anything but an http(s) URL unchanged, apart from white space around it.
    """
    page = url.partition("#")[0]
    return page if is_normal(page) else _normalised(url)


def _normalised(url: str) -> str:
    try:
        parsed = URL(url.strip())
        if parsed.scheme not in {"http", "https"} or not parsed.raw_host:
            return url.strip()
        # The query stays as written: to some servers `?123` differs from `?123=`, `%2F` is not a
        # slash, and `%E9` is not UTF-8.
        kept = "&".join(filter(_identifies_page, parsed.raw_query_string.split("&")))
        bare = str(parsed.with_path(parsed.raw_path or "/", encoded=True).with_user(None))
        # Parsed again, since escaped dots are dots now and form segments to remove.
        return str(URL(f"{bare}?{kept}" if kept else bare))
    except ValueError:
        return url.strip()


def normalise_link(url: str) -> str:
    """Normalises an entry's link like `normalise`, but keeps a fragment that names an entry.

    The entries of live blogs and changelogs often have links that differ in nothing else.
    """
    return with_fragment(normalise(url), url)


def with_fragment(page: str, url: str) -> str:
    """Returns what `normalise_link` does of a URL, given what `normalise` does."""
    fragment = url.strip().partition("#")[2]
    return page if _is_meaningless(fragment) else f"{page}#{fragment}"


def _is_meaningless(fragment: str) -> bool:
    """Returns whether a fragment is a text fragment, a part of every page, or tracking."""
    if fragment.lower() in _COMMON_FRAGMENTS or fragment.startswith(":~:"):
        return True
    names = [part.partition("=")[0] for part in fragment.split("&") if "=" in part]
    return bool(names) and all(
        name.lower() in _FRAGMENT_TRACKING or _TRACKING.match(name) for name in names
    )


def _identifies_page(parameter: str) -> bool:
    """Returns whether a query parameter identifies the page rather than tracks the visitor."""
    return bool(parameter) and not _TRACKING.match(unquote_plus(parameter.partition("=")[0]))


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


def canonical(page_url: str, claimed: str | None) -> str:
    """Returns the canonical URL that a page claims if it is credible, else the URL of the page.

    A claim is credible if it is on the same site. The front page is credible only for itself, since
    many templates give it as the canonical URL of every page.
    """
    page = normalise(page_url)
    claim = normalise(joined(page_url, claimed) or "") if claimed else ""
    is_credible = (
        claim.startswith(("http://", "https://"))
        and (not page or _site(claim) == _site(page))
        and (not is_front_page(claim) or is_front_page(page))
    )
    return claim if is_credible else page


def _site(url: str) -> str:
    """Returns the host without `www` and the like, which all URLs of one site share."""
    return _SUBDOMAINS.sub("", host(url))
