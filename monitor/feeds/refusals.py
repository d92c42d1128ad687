"""Explains to operators why a URL is not a feed: what it is instead, and what to do. Pure."""

from __future__ import annotations

import html
import re

from monitor.articles.urls import joined

_HTML = re.compile(r"\s*(?:<\?xml[^<>]*>\s*)?<(?:!doctype\s+html|html|head|body)\b", re.IGNORECASE)
_COMMENT = re.compile(r"\s*<!--[^>]{0,2000}>")
_LINK = re.compile(r"<link\b[^<>]*>", re.IGNORECASE)
_FEED_TYPE = re.compile(r"application/(?:rss\+xml|atom\+xml|feed\+json)", re.IGNORECASE)
_HREF = re.compile(r"""\shref\s{0,3}=\s{0,3}["']?([^"'\s<>]{1,2000})""", re.IGNORECASE)
ROOT_ELEMENT = re.compile(r"<([A-Za-z_][\w:.-]{0,60})")
# The part of a page that contains its head.
_HEAD_CHARS = 200_000
_SHOWN_CHARS = 40

EMPTY = "no feed: the answer is empty; see in a browser whether the address still leads to a feed"


def is_html(text: str) -> bool:
    """Returns whether the text is a web page."""
    start = 0
    while comment := _COMMENT.match(text, start):
        start = comment.end()
    return bool(_HTML.match(text, start))


def refusal(text: str, url: str) -> str:
    """Explains why `text`, the body of `url`, is not a feed."""
    if is_html(text):
        feeds = [
            address
            for link in _LINK.findall(text[:_HEAD_CHARS])
            if _FEED_TYPE.search(link)
            and (href := _HREF.search(link))
            and (address := joined(url, html.unescape(href[1])))
        ]
        if feeds:
            return f"no feed: this is a web page; it names a feed, subscribe to that: {feeds[0]}"
        return (
            "no feed: this is a web page (HTML) and names no feed; it may be an error, a login or "
            "a challenge for browsers: open the address in one, and look for the feed's own"
        )
    if root := ROOT_ELEMENT.search(text):
        return (
            f"no feed: this is XML or HTML that begins with <{root[1]}>, and neither RSS nor Atom; "
            "look for the site's RSS, Atom or JSON Feed"
        )
    start = " ".join(text[: 4 * _SHOWN_CHARS].split())[:_SHOWN_CHARS]
    return f"no feed: this is neither XML nor JSON, it begins with {start!r}; check the address"
