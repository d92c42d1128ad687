"""Chooses the title of an article among those that a page gives it. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence

MAX_TITLE_CHARS = 500
# Lengths of folded names: shorter ones must be equal, longer ones are not names.
_MIN_SITE_CHARS = 4
_MAX_SITE_CHARS = 40
_TITLE_SEPARATOR = re.compile(
    r"(?<!\s)\s++[|–—\-·•»›«:/~⁄]+\s+|(?:(?<!\s)\s++)?[|｜]\s*|(?<!\s)\s++[-–—](?=\S)|：(?=\S+$)"
)
_DATE = re.compile(r"\d{1,2}[./]\d{1,2}[./]\d{2,4}|\d{4}-\d\d-\d\d")
_WORD_RUN = re.compile(r"\w+")


def fold(text: str) -> str:
    """Returns the letters and digits of a title or name, without case, for comparisons."""
    return "".join(_WORD_RUN.findall(text.casefold()))


def best(candidates: Sequence[str], sites: Collection[str]) -> str:
    """Returns the first candidate that is more than the site's name, without what sites append.

    `sites` are names of the site, folded.
    """
    known = {fold(candidate) for candidate in candidates}
    for candidate in candidates:
        title = without_site(candidate, sites, known)
        if fold(title) and fold(title) not in sites:
            return title
    return ""


def without_site(title: str, sites: Collection[str], known: Collection[str] = ()) -> str:
    """Returns a title without the names, dates and sections that sites append to it.

    A beginning that is in `known`, the folded titles of the page, is taken as the whole title.
    """
    cuts = [(match.start(), match.end()) for match in _TITLE_SEPARATOR.finditer(title)][-6:]
    for start, _ in cuts:
        if fold(title[:start]) in known:
            return title[:start].rstrip()
    while cuts:
        start, end = cuts.pop()
        if not (_DATE.fullmatch(title[end:].strip()) or is_site(title[end:], sites)):
            break
        title = title[:start].rstrip()
    first = _TITLE_SEPARATOR.search(title)
    if first and is_site(title[: first.start()], sites):
        title = title[first.end() :].lstrip()
    return title


def is_site(text: str, sites: Iterable[str]) -> bool:
    """Returns whether `text` is the site's name, or a longer or shorter form of it."""
    folded = fold(text)
    if not folded or len(folded) > _MAX_SITE_CHARS:
        return False
    return any(
        folded == site
        or (
            min(len(folded), len(site)) >= _MIN_SITE_CHARS
            and (folded.startswith(site) or site.startswith(folded))
        )
        for site in sites
    )
