"""Finds the date of an article where its page only writes it for readers, or in its address. Pure.

Asked only where nothing is marked up as a date: what stands near the headline, and is nothing but
a date with a label, is most likely the day of publication.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from urllib.parse import urlsplit

import regex
from lxml.html import HtmlElement

from monitor.articles.header import is_outside_header, text_of

# Elements before and after the headline.
_REACH_BEFORE, _REACH_AFTER = 40, 80
_MAX_ELEMENTS = 5_000
_MAX_CHARS = 90
# A longer text around a date is prose.
_LEAST_SHARE = 0.4

_DATE_CLASS = re.compile(
    r"(?:^|[\s_-])(?:published|pub-?date|(?:post|entry|article)-?(?:date|meta|time)|date-?(?:line|time"
    r"|published)?|timestamp|datum|fecha|tarih|created)(?:$|[\s_-])",
    re.IGNORECASE,
)
_CHANGED_CLASS = re.compile(r"modif|updat|edited", re.IGNORECASE)
_DATE = regex.compile(
    r"""
      (?<!\d)\d{1,2}[./-]\ ?\d{1,2}[./-]\ ?(?:19|20)\d\d(?!\d)
    | (?<!\d)(?:19|20)\d\d[./-]\d{1,2}[./-]\d{1,2}(?!\d)
    | (?<!\w)\d{1,2}(?:\.|st|nd|rd|th|er|º)?\ (?:de\ |d['’])?\p{L}{3,12}\.?,?
      \ (?:de\ |del\ )?(?:19|20)\d\d(?!\d)
    | (?<!\w)\p{L}{3,12}\.?\ \d{1,2}(?:st|nd|rd|th)?,?\ (?:19|20)\d\d(?!\d)
    | (?<!\d)(?:19|20)\d\d年\ ?\d{1,2}月\ ?\d{1,2}日
    """,
    regex.VERBOSE,
)
_TIME = re.compile(r"[\s,|–-]*(?:(?:at|um|à|alle|a las|kl\.?)\s+)?\d{1,2}:\d\d")
_IN_ADDRESS = re.compile(r"/((?:19|20)\d\d)[/-]?(\d\d?)[/-]?(\d\d?)(?=[/-])")


def written_dates(tree: HtmlElement, headline: int | None, url: str | None) -> Iterator[str]:
    """Yields texts that may be the date of publication, the likeliest first.

    `headline` is the headline's position on the page, as in `header.HeaderElements`.
    """
    marked: list[str] = []
    bare: list[str] = []
    first = 0 if headline is None else max(0, headline - _REACH_BEFORE)
    last = _MAX_ELEMENTS if headline is None else headline + _REACH_AFTER
    for element in islice(tree.iter("*"), first, last):
        kind = f"{element.get('class') or ''} {element.get('id') or ''}"
        is_marked = bool(kind.strip()) and bool(_DATE_CLASS.search(kind))
        text = element.get("title") if element.tag == "abbr" else None
        text = text or (text_of(element) if is_marked else element.text) or ""
        least_share = 0.0 if is_marked else _LEAST_SHARE
        date = _date_in(" ".join(text[: 2 * _MAX_CHARS].split()), least_share)
        if date and not _CHANGED_CLASS.search(kind) and not is_outside_header(element):
            (marked if is_marked else bare).append(date)
    yield from marked
    # Without a headline, a date that nothing marks may be anybody's.
    if headline is not None:
        yield from bare
    if found := _IN_ADDRESS.search(urlsplit(url or "").path):
        year, month, day = (int(part) for part in found.groups())
        yield f"{year}-{month:02}-{day:02}"


def _date_in(text: str, least_share: float) -> str:
    """Returns the first date of a short text that is at least this share of it, or ""."""
    if not text or len(text) > _MAX_CHARS:
        return ""
    found = _DATE.search(text)
    if found is None:
        return ""
    time = _TIME.match(text, found.end())
    end = time.end() if time else found.end()
    is_enough = end - found.start() >= least_share * len(text)
    return text[found.start() : end] if is_enough else ""
