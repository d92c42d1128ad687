"""Finds the bylines, times and deck around the headline of an article. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import TypeAlias

from lxml.html import HtmlElement

from monitor.articles.names import distinct, looks_like_person, names
from monitor.articles.titles import MAX_TITLE_CHARS, fold
from monitor.untrusted import plain_line

# Bylines and times are at most this many elements before and after the headline, decks at most this
# many after it.
_REACH_BEFORE, _REACH_AFTER = 60, 150
_DECK_REACH = 40
_MAX_MARKED = 400
_MAX_PIECES = 40
_MAX_BYLINE_CHARS = 400
_MAX_DECK_CHARS = 1_000
_MIN_DECK_WORDS = 4

_AUTHOR_CLASS = re.compile(r"author|by-?line|autor(?!i[sz])|auteur|verfasser|writer", re.IGNORECASE)
_NOT_AUTHOR_CLASS = re.compile(
    r"bio|ima?ge?\b|image|photo|foto|avatar|follow|comment|position|role|job|email|social|icon|card"
    r"|count|related|button|copyright|source|credit",
    re.IGNORECASE,
)
_DECK_CLASS = re.compile(
    r"(?:^|[\s_-])(?:standfirst|deck|dek|sub-?(?:title|heading|headline|line)|sub-?head|untertitel"
    r"|vorspann|lead|lede|chapeau|entradilla|ingress|teaser-?text|strapline|excerpt|sottotitolo"
    r"|article-?(?:summary|intro|description))(?:$|[\s_-])",
    re.IGNORECASE,
)
_OUTSIDE_HEADER_TAGS = frozenset(
    ("aside", "footer", "nav", "figure", "figcaption", "form", "template")
)
_OUTSIDE_HEADER_CLASS = re.compile(
    r"comment|related|recommend|sidebar|side-bar|trending|most-?(?:read|popular|viewed)|newsletter"
    r"|caption|promo|footer|popular|breadcrumb|teaser-?list|carousel|slider|read-?more|latest",
    re.IGNORECASE,
)
_DECK_WORD = re.compile(r"[\w-]+")
_DECK_TAGS = frozenset(("p", "div", "h2", "h3", "span"))
_NOT_AUTHOR_TAGS = frozenset(
    ("meta", "script", "link", "body", "html", "img", "button", "article", "main")
)

# An element with its position on the page, in document order.
Placed: TypeAlias = tuple[int, HtmlElement]


@dataclass(slots=True)
class HeaderElements:
    """Elements of a page that may belong to an article's header, each with its position."""

    headlines: list[Placed] = field(default_factory=list)
    headline_props: list[Placed] = field(default_factory=list)
    authors: list[Placed] = field(default_factory=list)
    times: list[Placed] = field(default_factory=list)
    decks: list[Placed] = field(default_factory=list)


def header_elements(tree: HtmlElement) -> HeaderElements:
    """Collects the elements that are marked up as parts of a header."""
    found = HeaderElements()
    for position, element in enumerate(tree.iter("*")):
        tag, kind = element.tag, element.get("class") or ""
        prop = element.get("itemprop") or ""
        if tag == "h1":
            found.headlines.append((position, element))
        elif prop == "headline" and tag != "meta":
            found.headline_props.append((position, element))
        if tag == "time" or (tag != "meta" and prop.startswith("date")):
            found.times.append((position, element))
        elif _is_author(element, kind, prop):
            found.authors.append((position, element))
        elif (
            kind and tag in _DECK_TAGS and _DECK_CLASS.search(kind)
        ) or prop == "alternativeHeadline":
            found.decks.append((position, element))
    return found


def _is_author(element: HtmlElement, kind: str, prop: str) -> bool:
    if element.tag in _NOT_AUTHOR_TAGS:
        return False
    if "author" in (element.get("rel") or "").split() or prop in ("author", "creator"):
        return True
    label = f"{kind} {element.get('data-testid') or ''}"
    return bool(_AUTHOR_CLASS.search(label)) and not _NOT_AUTHOR_CLASS.search(label)


def headlines(found: HeaderElements) -> tuple[list[str], list[str]]:
    """Returns the texts of headlines in microdata, and those of h1 elements."""
    props, firsts = (
        [text for _, element in placed[:10] if (text := _title_text(element))]
        for placed in (found.headline_props, found.headlines)
    )
    return props, firsts


def headline_position(found: HeaderElements, title: str) -> int | None:
    """Returns the position of the headline that agrees with `title`, else of the first h1."""
    wanted = fold(title)
    by_position = sorted(found.headlines + found.headline_props, key=lambda placed: placed[0])
    for position, element in by_position[:20]:
        folded = fold(_title_text(element))
        if folded and (folded in wanted or wanted in folded):
            return position
    return found.headlines[0][0] if found.headlines else None


def _title_text(element: HtmlElement) -> str:
    return plain_line(text_of(element), MAX_TITLE_CHARS)


def bylines(found: HeaderElements, headline: int | None) -> tuple[str, ...]:
    """Returns the persons in the byline: the first below the headline, else the first above it."""
    near = list(_in_header(found.authors, headline))
    if headline is not None:
        below = [placed for placed in near if placed[0] > headline]
        near = below + [placed for placed in near if placed[0] < headline]
    for number, (_, element) in enumerate(near):
        persons = _persons(element)
        if persons:
            # Several authors may have an element each, one after the other.
            similar = [
                other
                for _, other in near[number + 1 :]
                if other.tag == element.tag and other.get("class") == element.get("class")
            ]
            return distinct([*persons, *(name for other in similar for name in _persons(other))])
    return ()


def _persons(element: HtmlElement) -> list[str]:
    text = "\n".join(islice(element.itertext(), _MAX_PIECES))
    if len(text) > _MAX_BYLINE_CHARS:
        return []
    return [name for name in names(text) if looks_like_person(name)]


def times(found: HeaderElements, headline: int | None) -> tuple[list[str], list[str]]:
    """Returns the times of publication in the header, and those of modification, as written."""
    published: list[str] = []
    modified: list[str] = []
    for _, element in _in_header(found.times, headline):
        written = element.get("datetime") or element.get("content") or text_of(element)
        prop = f"{element.get('itemprop') or ''} {element.get('class') or ''}".lower()
        is_change = ("modif" in prop or "updat" in prop) and "publi" not in prop
        (modified if is_change else published).append(written[:100])
    return published, modified


def deck(found: HeaderElements, headline: int | None) -> str:
    """Returns the text of the deck below the headline, or ""."""
    if headline is None:
        return ""
    for position, element in found.decks:
        if headline < position <= headline + _DECK_REACH and not is_outside_header(element):
            text = plain_line(text_of(element), _MAX_DECK_CHARS)
            is_sentence = len(_DECK_WORD.findall(text)) >= _MIN_DECK_WORDS
            if is_sentence and len(text) < _MAX_DECK_CHARS:
                return text
    return ""


def text_of(element: HtmlElement) -> str:
    """Returns the beginning of an element's text."""
    return " ".join(islice(element.itertext(), 4 * _MAX_PIECES))


def _in_header(elements: Iterable[Placed], headline: int | None) -> Iterator[Placed]:
    """Yields the elements near the headline, or anywhere if there is none, outside furniture."""
    for position, element in islice(elements, _MAX_MARKED):
        is_near = (
            headline is None or headline - _REACH_BEFORE <= position <= headline + _REACH_AFTER
        )
        if is_near and not is_outside_header(element):
            yield position, element


def is_outside_header(element: HtmlElement) -> bool:
    """Returns whether an element stands in something that is no part of an article's header."""
    return any(
        above.tag in _OUTSIDE_HEADER_TAGS
        or _OUTSIDE_HEADER_CLASS.search(f"{above.get('class') or ''} {above.get('id') or ''}"[:500])
        for above in (element, *element.iterancestors())
        if above.tag not in ("body", "html")
    )
