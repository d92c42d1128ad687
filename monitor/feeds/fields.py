"""Reads the fields of feeds, whatever they contain, as text or URLs. Pure."""

from __future__ import annotations

import math
from urllib.parse import urlsplit

from monitor.articles.fragments import clean_fragment
from monitor.articles.urls import is_normal, joined
from monitor.feeds.text import mend
from monitor.untrusted import one_line

# Limits on what a job carries through Redis for each entry; the page has the rest.
MAX_HTML = 200_000
MAX_LINE = 2_000


def html(value: object) -> str:
    """Returns the value if it is text, which may contain markup, else ""."""
    return mend(value[: 2 * MAX_HTML])[:MAX_HTML] if isinstance(value, str) else ""


def line(value: object) -> str:
    """Returns the value on one line if it is text or a number, else ""."""
    if isinstance(value, bool) or (isinstance(value, float) and not math.isfinite(value)):
        return ""
    if not isinstance(value, str | int | float):
        return ""
    return one_line(mend(str(value)[: 10 * MAX_LINE]))[:MAX_LINE]


def plain(value: object) -> str:
    """Returns the value without markup, on one line."""
    return one_line(clean_fragment(line(value)))


def link(value: object, base: str) -> str | None:
    """Returns an absolute http(s) URL, or None: feeds also contain `javascript:` and worse."""
    reference = line(value)
    if is_normal(reference):
        return reference
    url = joined(base, reference) or ""
    return url if reference and urlsplit(url).scheme in {"http", "https"} else None


def counted(entries: int) -> str:
    """Formats a number of entries."""
    return "1 entry" if entries == 1 else f"{entries} entries"
