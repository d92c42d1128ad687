"""The title of an article among those that a page gives it. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence

MAX_CHARS = 500
_MIN_SITE = 4
_MAX_SITE = 40
_SEPARATOR = re.compile(
    r"(?<!\s)\s++[|–—\-·•»›«:/~⁄]+\s+|(?:(?<!\s)\s++)?[|｜]\s*|(?<!\s)\s++[-–—](?=\S)|：(?=\S+$)"
)
_DATE = re.compile(r"\d{1,2}[./]\d{1,2}[./]\d{2,4}|\d{4}-\d\d-\d\d")
_WORD = re.compile(r"\w+")


def fold(text: str) -> str:
    """What is compared of titles and names: letters and digits, without case."""
    return "".join(_WORD.findall(text.casefold()))


def best(candidates: Sequence[str], sites: Collection[str]) -> str:
    """The first candidate, less the site's name and what else is appended to it.

    `sites` are names of the site as `fold` makes them.
    """
    known = {fold(candidate) for candidate in candidates}
    for candidate in candidates:
        title = without_site(candidate, sites, known)
        if fold(title) and fold(title) not in sites:
            return title
    return ""


def without_site(title: str, sites: Collection[str], known: Collection[str] = ()) -> str:
    """The title, less the names, days and sections that sites append to it.

    What remains of it in any case is something that is in `known`, or not the site's name.
    """
    cuts = [(found.start(), found.end()) for found in _SEPARATOR.finditer(title)][-6:]
    for start, _ in cuts:
        if fold(title[:start]) in known:
            return title[:start].rstrip()
    while cuts:
        start, end = cuts.pop()
        if not (_DATE.fullmatch(title[end:].strip()) or is_site(title[end:], sites)):
            break
        title = title[:start].rstrip()
    first = _SEPARATOR.search(title)
    if first and is_site(title[: first.start()], sites):
        title = title[first.end() :].lstrip()
    return title


def is_site(text: str, sites: Iterable[str]) -> bool:
    """Whether this is the site's name, or a longer or shorter form of it."""
    folded = fold(text)
    if not folded or len(folded) > _MAX_SITE:
        return False
    return any(
        folded == site
        or (
            min(len(folded), len(site)) >= _MIN_SITE
            and (folded.startswith(site) or site.startswith(folded))
        )
        for site in sites
    )
