"""Judges which of the URLs that a page claims names its article. Pure.

Templates give the front page, a section, or another article as the canonical URL of every page. To
believe that would unite different articles, and two alerts are better than none.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import urlsplit

from monitor.articles.sites import site
from monitor.articles.urls import is_front_page, joined, normalise

# Front pages that have a path: `/index.html`, `/en/`.
_FRONT_PATH = re.compile(
    r"/(?:index(?:\.\w{1,5})?|home(?:\.\w{1,5})?|[a-z]{2}(?:[-_][a-z]{2})?)", re.IGNORECASE
)
# What an AMP page or a later page of an article may have behind the path of the article.
_SAME_ARTICLE = re.compile(r"/(?:amp(?:\.html)?|(?:page/|seite-)?\d{1,2})", re.IGNORECASE)
# A path's last part that names an article: it has an id, or a headline's words.
_ARTICLE_NAME = re.compile(r"\d{4}|(?:[^-_]{1,100}[-_]){3}")


def canonical(page_url: str, claimed: str | None) -> str:
    """Returns the canonical URL that a page claims if it is credible, else the URL of the page."""
    return credible(page_url, [claimed] if claimed else []) or normalise(page_url)


def credible(page_url: str, claims: Iterable[str]) -> str | None:
    """Returns the first credible one of the URLs that a page claims for itself, or None.

    A claim is credible if it is on the same registered domain, as AMP and mobile addresses are, and
    is neither a front page nor a section to which the page belongs.
    """
    page = normalise(page_url)
    for claimed in claims:
        claim = normalise(joined(page_url, claimed) or "")
        if claim.startswith(("http://", "https://")) and _is_credible(page, claim):
            return claim
    return None


def _is_credible(page: str, claim: str) -> bool:
    if not page:
        return True
    if site(claim) != site(page):
        return False
    claimed, fetched = urlsplit(claim), urlsplit(page)
    path, page_path = claimed.path.rstrip("/"), fetched.path.rstrip("/")
    is_named = bool(_ARTICLE_NAME.search(path.rpartition("/")[2]))
    if path == page_path:
        # `article.php` is no name for `article.php?id=7`.
        return bool(claimed.query) or not fetched.query or is_named
    if is_front_page(claim) or _FRONT_PATH.fullmatch(path):
        return is_front_page(page)
    rest = page_path.removeprefix(path)
    is_above = rest != page_path and rest.startswith("/")
    return not is_above or is_named or bool(_SAME_ARTICLE.fullmatch(rest))
