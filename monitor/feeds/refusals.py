"""Explains to operators why a URL is not a feed: what it is instead, and what to do. Pure."""

from __future__ import annotations

import re

from monitor.feeds.discovery import linked_feeds

# What precedes the root element: declarations, comments, a document type.
_PROLOGUE = re.compile(
    r"\s*(?:<!--.{0,2000}?-->|<\?[^<>]{0,2000}>|<!doctype\b[^<>]{0,2000}>)",
    re.IGNORECASE | re.DOTALL,
)
_HTML_TYPE = re.compile(r"\s*<!doctype\s+html\b", re.IGNORECASE)
_HTML_ROOT = re.compile(r"\s*<(?:html|head|body)\b", re.IGNORECASE)
_FEED_ROOT = re.compile(r"\s*<(?:rss|feed|(?:\w{1,20}:)?rdf)\b", re.IGNORECASE)
ROOT_ELEMENT = re.compile(r"<([A-Za-z_][\w:.-]{0,60})")
_SHOWN_CHARS = 40
_MAGIC = {
    b"\x1f\x8b": "compressed data (gzip)",
    b"\x28\xb5\x2f\xfd": "compressed data (zstd)",
    b"PK\x03\x04": "compressed data (zip)",
    b"%PDF-": "a PDF document",
    b"\x89PNG": "a picture (PNG)",
    b"\xff\xd8\xff": "a picture (JPEG)",
}

WEB_PAGE = "no feed: this is a web page"
EMPTY = "no feed: the answer is empty; see in a browser whether the address still leads to a feed"


def is_html(text: str) -> bool:
    """Returns whether the text is a web page: the root element decides, then the document type."""
    start = 0
    has_html_type = False
    while part := _PROLOGUE.match(text, start):
        has_html_type = has_html_type or bool(_HTML_TYPE.match(part[0]))
        start = part.end()
    if _HTML_ROOT.match(text, start):
        return True
    return has_html_type and not _FEED_ROOT.match(text, start)


def binary_kind(body: bytes) -> str | None:
    """Returns what the bytes are, in words, if their beginning shows that they are not text."""
    return next((kind for magic, kind in _MAGIC.items() if body.startswith(magic)), None)


def refusal(text: str, url: str) -> str:
    """Explains why `text`, the body of `url`, is not a feed."""
    if is_html(text):
        feeds = linked_feeds(text, url)
        if feeds:
            return f"{WEB_PAGE}; it names a feed, subscribe to that: {feeds[0].url}"
        return (
            f"{WEB_PAGE} (HTML) and names no feed; it may be an error, a login or "
            "a challenge for browsers: open the address in one, and look for the feed's own"
        )
    start = " ".join(text[: 4 * _SHOWN_CHARS].split())[:_SHOWN_CHARS]
    if start.count("\ufffd") > len(start) / 8:
        return "no feed: this is binary data, not text; check the address and the server"
    if root := ROOT_ELEMENT.search(text):
        return (
            f"no feed: this is XML or HTML that begins with <{root[1]}>, and neither RSS nor Atom; "
            "look for the site's RSS, Atom or JSON Feed"
        )
    return f"no feed: this is neither XML nor JSON, it begins with {start!r}; check the address"
