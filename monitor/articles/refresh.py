"""Finds where a page sends its reader at once with `<meta http-equiv=refresh>`. Pure.

https://html.spec.whatwg.org/multipage/semantics.html#attr-meta-http-equiv-refresh
"""

from __future__ import annotations

import re
from contextlib import suppress
from html.parser import HTMLParser

from monitor.articles.urls import joined, normalise

# Pages that send readers on are short, or say so at their beginning.
_HEAD_BYTES = 16 * 1024
# A page that waits longer shows something, or reloads itself for news.
_MOST_S = 5
# Most pages tell browsers without scripts where to turn them on; those of t.co have nothing else.
_SMALL_BYTES = 4_000
_CONTENT = re.compile(
    r"""
    \s{0,20}(\d{1,4})(?:\.\d{0,9})?\s{0,20}[;,]?
    \s{0,20}(?:url\s{0,20}=\s{0,20})?["']?([^"']{1,2000})
    """,
    re.IGNORECASE | re.VERBOSE,
)


def refresh_target(body: bytes, url: str) -> str | None:
    """Returns the URL to which the page at `url` sends its readers within seconds, or None."""
    head = body[:_HEAD_BYTES]
    if b"refresh" not in head.lower():
        return None
    reader = _Head(reads_noscript=len(body) < _SMALL_BYTES)
    # `<![x` is an AssertionError; what was read before it counts.
    with suppress(AssertionError):
        reader.feed(head.decode("utf-8", "replace"))
    found = _CONTENT.match(reader.content)
    if found is None or int(found[1]) > _MOST_S:
        return None
    base = joined(url, reader.base or "") or url
    target = joined(base, found[2].strip()) or ""
    is_elsewhere = normalise(target) != normalise(url)
    return target if is_elsewhere and target.startswith(("http://", "https://")) else None


class _Head(HTMLParser):
    """Reads the first refresh of a page, and its base, outside scripts and comments."""

    def __init__(self, *, reads_noscript: bool) -> None:
        super().__init__()
        self._reads_noscript = reads_noscript
        self._is_in_noscript = False
        self.content = ""
        self.base: str | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        if tag == "noscript":
            self._is_in_noscript = True
        elif tag == "base":
            self.base = self.base or attributes.get("href")
        elif tag == "meta" and not (self._is_in_noscript and not self._reads_noscript):
            is_refresh = (attributes.get("http-equiv") or "").strip().lower() == "refresh"
            self.content = self.content or (is_refresh and attributes.get("content")) or ""

    def handle_endtag(self, tag: str) -> None:
        if tag == "noscript":
            self._is_in_noscript = False
