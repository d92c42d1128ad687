"""What a feed may hold in a field, as the text or address that is wanted of it. Pure."""

from __future__ import annotations

import math
from urllib.parse import urljoin, urlsplit

from monitor.articles.fragments import clean_fragment
from monitor.feeds.text import mend

# What a job carries through Redis for each entry; the page has the rest.
MAX_HTML = 200_000
MAX_LINE = 2_000


def html(value: object) -> str:
    """The value when it is text, which may hold markup; else nothing."""
    return mend(value[: 2 * MAX_HTML])[:MAX_HTML] if isinstance(value, str) else ""


def line(value: object) -> str:
    """The value when it is text or a number, on one line; else nothing."""
    if isinstance(value, bool) or (isinstance(value, float) and not math.isfinite(value)):
        return ""
    if not isinstance(value, str | int | float):
        return ""
    return " ".join(mend(str(value)[: 10 * MAX_LINE]).split())[:MAX_LINE]


def plain(value: object) -> str:
    """The value without markup, on one line."""
    return " ".join(clean_fragment(line(value)).split())


def link(value: object, base: str) -> str | None:
    """An absolute http(s) address, or None: feeds also hold `javascript:` and worse."""
    written = line(value)
    try:
        address = urljoin(base, written)
        scheme = urlsplit(address).scheme
    except ValueError:
        return None
    return address if written and scheme in {"http", "https"} else None


def counted(entries: int) -> str:
    """A number of entries, in words."""
    return "1 entry" if entries == 1 else f"{entries} entries"
