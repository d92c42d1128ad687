"""Finds the addresses on a web page, and on its site, that may be feeds. Pure."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

from monitor.articles.urls import joined
from monitor.feeds.fields import plain

# The part of a page that contains its head, and what is read of a page to find other links.
_HEAD_CHARS = 200_000
_PAGE_CHARS = 2_000_000
_MAX_LINKS = 50
_TAG = re.compile(r"<(link|a|base)\s([^<>]{1,4000})>", re.IGNORECASE)
_ATTRIBUTE = re.compile(
    r"""(?:^|\s)(rel|type|href|title)\s{0,3}=\s{0,3}"""
    r"""(?:"([^"<>]{0,2000})"|'([^'<>]{0,2000})'|([^\s"'<>]{1,2000}))""",
    re.IGNORECASE,
)
# Without `application/json`: WordPress calls the API of a page an alternate of that type.
_FEED_TYPE = re.compile(
    r"\s*(?:application/(?:rss\+xml|atom\+xml|rdf\+xml|feed\+json|xml)|text/xml)\s*(?:;|$)",
    re.IGNORECASE,
)
_FEED_PATH = re.compile(
    r"(?:^|/)(?:rss|feeds?|atom|rdf)(?:[/.?_-]|$)|\.(?:rss|atom|rdf)$|[/_-](?:rss|feed|atom)\.xml$",
    re.IGNORECASE,
)
# The feed of a page's comments, which is none of its news.
_COMMENTS = re.compile(r"/comments?/(?:feed|rss|atom)|[?&]feed=comments", re.IGNORECASE)
# What the makers of most sites' software, and most newspapers, call a feed.
_USUAL_PATHS = (
    "/feed", "/rss", "/rss.xml", "/feed.xml", "/atom.xml", "/index.xml", "/feed.json", "/feeds",
    "/rss/index.xml", "/feed/rss", "/?feed=rss2", "/news/rss.xml",
)  # fmt: skip
_USUAL_SITEMAPS = ("/news-sitemap.xml", "/sitemap-news.xml", "/sitemap.xml", "/sitemap_index.xml")
_SITEMAP = re.compile(
    r"^[ \t]{0,20}sitemap[ \t]{0,20}:[ \t]{0,20}(\S{1,2000})", re.IGNORECASE | re.MULTILINE
)
_ROBOTS_CHARS = 500_000


@dataclass(frozen=True, slots=True)
class Candidate:
    """An address that may be a feed, and what the page calls it, or ""."""

    url: str
    title: str = ""


def linked_feeds(page: str, url: str) -> tuple[Candidate, ...]:
    """Returns the feeds that a page's head names, in its order, those of comments last.

    See https://www.rssboard.org/rss-autodiscovery and the WHATWG's `rel=alternate`.
    """
    found = _unique(_links(page[:_HEAD_CHARS], url, "link"))
    return tuple(sorted(found, key=lambda each: bool(_COMMENTS.search(each.url))))


def anchored_feeds(page: str, url: str) -> tuple[Candidate, ...]:
    """Returns the links of a page whose addresses look like those of feeds, or of lists of them."""
    return tuple(_unique(_links(page[:_PAGE_CHARS], url, "a")))


def usual_feeds(url: str) -> tuple[Candidate, ...]:
    """Returns where a site has its feed if it follows a habit."""
    return tuple(Candidate(joined(url, path) or "") for path in _USUAL_PATHS)


def named_sitemaps(robots: str, url: str) -> tuple[Candidate, ...]:
    """Returns the sitemaps that a robots.txt names, those of news first, or the usual places.

    See https://www.sitemaps.org/protocol.html#submit_robots.
    """
    named = (joined(url, path) or "" for path in _SITEMAP.findall(robots[:_ROBOTS_CHARS]))
    found = _unique(Candidate(address) for address in named if _is_web(address))
    if found:
        return tuple(sorted(found, key=lambda each: "news" not in each.url.lower()))
    return tuple(Candidate(joined(url, path) or "") for path in _USUAL_SITEMAPS)


def _links(text: str, url: str, wanted: str) -> Iterator[Candidate]:
    base = url
    for tag in _TAG.finditer(text):
        name = tag[1].lower()
        if name not in {wanted, "base"}:
            continue
        attributes = {
            found[1].lower(): html.unescape(found[2] or found[3] or found[4] or "")
            for found in _ATTRIBUTE.finditer(tag[2])
        }
        reference = attributes.get("href", "").strip()
        address = joined(base, reference) if reference else None
        if not address or not _is_web(address):
            continue
        if name == "base":
            base = address
        elif _is_feed_link(attributes) if wanted == "link" else _looks_like_feed(address):
            yield Candidate(address, plain(attributes.get("title")))


def _is_feed_link(attributes: dict[str, str]) -> bool:
    relations = attributes.get("rel", "").lower().split()
    is_typed = bool(_FEED_TYPE.match(attributes.get("type", "")))
    return "feed" in relations or ("alternate" in relations and is_typed)


def _looks_like_feed(url: str) -> bool:
    parts = urlsplit(url)
    return bool(_FEED_PATH.search(parts.path)) and not _COMMENTS.search(url)


def _is_web(url: str) -> bool:
    return url.startswith(("http://", "https://"))


def _unique(candidates: Iterator[Candidate]) -> list[Candidate]:
    """Returns the first of the candidates with the same address, and not too many."""
    found: dict[str, Candidate] = {}
    for candidate in candidates:
        found.setdefault(candidate.url.partition("#")[0], candidate)
        if len(found) == _MAX_LINKS:
            break
    return list(found.values())
