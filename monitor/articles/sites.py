"""Tells which site a URL belongs to, so that outlets can be counted. Pure."""

from __future__ import annotations

import re
from functools import lru_cache

from tld import get_fld

from monitor.articles.urls import host

# Of names outside the list of public suffixes, such as those of an internal network.
_SUBDOMAINS = re.compile(r"^(?:www\d?|m|mobile|amp)\.(?=[^.]+\.)")


def site(url: str) -> str:
    """Returns the site of a URL: its registered domain, which all its hosts share.

    That is `bbc.co.uk` for `www.bbc.co.uk` and `feeds.bbc.co.uk`, but `ada.github.io` for
    `ada.github.io`, by the list of public suffixes (https://publicsuffix.org) that comes with the
    package tld. Other names and addresses are sites of their own, without `www.` and the like.
    """
    return _site(host(url).rstrip("."))


@lru_cache(maxsize=10_000)
def _site(name: str) -> str:
    registered = get_fld(f"http://{name}", fail_silently=True, search_private=True)
    return registered or _SUBDOMAINS.sub("", name)
