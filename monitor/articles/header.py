"""What stands around the headline of an article: other headlines, bylines, times, a deck. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice

from lxml.html import HtmlElement

from monitor.articles.names import distinct, looks_like_person, names
from monitor.articles.structured import line
from monitor.articles.titles import fold

# Elements before and after the headline in which its byline and its time stand.
_BEFORE, _AFTER = 60, 150
_DECK_AFTER = 40
_MAX_MARKS = 400
_MAX_PIECES = 40
_MAX_TITLE = 500
_MAX_BYLINE = 400

_AUTHOR = re.compile(r"author|by-?line|autor(?!i[sz])|auteur|verfasser|writer", re.IGNORECASE)
_NO_AUTHOR = re.compile(
    r"bio|ima?ge?\b|image|photo|foto|avatar|follow|comment|position|role|job|email|social|icon|card"
    r"|count|related|button|copyright|source|credit",
    re.IGNORECASE,
)
_DECK = re.compile(
    r"(?:^|[\s_-])(?:standfirst|deck|dek|sub-?(?:title|heading|headline|line)|sub-?head|untertitel"
    r"|vorspann|lead|lede|chapeau|entradilla|ingress|teaser-?text|strapline|excerpt|sottotitolo"
    r"|article-?(?:summary|intro|description))(?:$|[\s_-])",
    re.IGNORECASE,
)
_FURNITURE_TAGS = frozenset(("aside", "footer", "nav", "figure", "figcaption", "form", "template"))
_FURNITURE = re.compile(
    r"comment|related|recommend|sidebar|side-bar|trending|most-?(?:read|popular|viewed)|newsletter"
    r"|caption|promo|footer|popular|breadcrumb|teaser-?list|carousel|slider|read-?more|latest",
    re.IGNORECASE,
)
_SPACES = re.compile(r"[\w-]+")


@dataclass(slots=True)
class Marks:
    """Elements that may belong to an article's header, each with its place on the page."""

    headlines: list[tuple[int, HtmlElement]] = field(default_factory=list)
    headline_props: list[tuple[int, HtmlElement]] = field(default_factory=list)
    authors: list[tuple[int, HtmlElement]] = field(default_factory=list)
    times: list[tuple[int, HtmlElement]] = field(default_factory=list)
    decks: list[tuple[int, HtmlElement]] = field(default_factory=list)


def marks(tree: HtmlElement) -> Marks:
    """All that is marked on the page as what a header holds."""
    found = Marks()
    for place, element in enumerate(tree.iter("*")):
        tag, kind = element.tag, element.get("class") or ""
        prop = element.get("itemprop") or ""
        if tag == "h1":
            found.headlines.append((place, element))
        elif prop == "headline" and tag != "meta":
            found.headline_props.append((place, element))
        if tag == "time" or (tag != "meta" and prop.startswith("date")):
            found.times.append((place, element))
        elif _is_author(element, kind, prop):
            found.authors.append((place, element))
        elif (kind and tag in _DECK_TAGS and _DECK.search(kind)) or prop == "alternativeHeadline":
            found.decks.append((place, element))
    return found


_DECK_TAGS = frozenset(("p", "div", "h2", "h3", "span"))


def _is_author(element: HtmlElement, kind: str, prop: str) -> bool:
    if element.tag in (
        "meta",
        "script",
        "link",
        "body",
        "html",
        "img",
        "button",
        "article",
        "main",
    ):
        return False
    if "author" in (element.get("rel") or "").split() or prop in ("author", "creator"):
        return True
    label = f"{kind} {element.get('data-testid') or ''}"
    return bool(_AUTHOR.search(label)) and not _NO_AUTHOR.search(label)


def headlines(found: Marks) -> tuple[list[str], list[str]]:
    """Texts of what is marked as a headline in microdata, and of the page's h1."""
    props, firsts = (
        [text for _, element in places[:10] if (text := line(text_of(element), _MAX_TITLE))]
        for places in (found.headline_props, found.headlines)
    )
    return props, firsts


def anchor(found: Marks, title: str) -> int | None:
    """The place of the article's headline."""
    wanted = fold(title)
    both = sorted(found.headlines + found.headline_props, key=lambda one: one[0])[:20]
    for place, element in both:
        folded = fold(line(text_of(element), _MAX_TITLE))
        if folded and (folded in wanted or wanted in folded):
            return place
    return found.headlines[0][0] if found.headlines else None


def bylines(found: Marks, place: int | None) -> tuple[str, ...]:
    """Persons named in the byline: the first one below the headline, else the last above it."""
    near = list(_near(found.authors, place))
    if place is not None:
        near = [one for one in near if one[0] > place] + [one for one in near if one[0] < place]
    for number, (_, element) in enumerate(near):
        persons = _persons(element)
        if persons:
            # Several authors may have an element each, one after the other.
            alike = [
                other
                for _, other in near[number + 1 :]
                if other.tag == element.tag and other.get("class") == element.get("class")
            ]
            return distinct([*persons, *(name for other in alike for name in _persons(other))])
    return ()


def _persons(element: HtmlElement) -> list[str]:
    text = "\n".join(islice(element.itertext(), _MAX_PIECES))
    if len(text) > _MAX_BYLINE:
        return []
    return [name for name in names(text) if looks_like_person(name)]


def times(found: Marks, place: int | None) -> tuple[list[str], list[str]]:
    """Times of publication in the header, and times of change."""
    published: list[str] = []
    modified: list[str] = []
    for _, element in _near(found.times, place):
        said = element.get("datetime") or element.get("content") or text_of(element)
        prop = f"{element.get('itemprop') or ''} {element.get('class') or ''}".lower()
        (modified if "modif" in prop or "updat" in prop else published).append(said[:100])
    return published, modified


def deck(found: Marks, place: int | None) -> str:
    """The text of what is marked as a deck below the headline."""
    if place is None:
        return ""
    for where, element in found.decks:
        if place < where <= place + _DECK_AFTER and not _in_furniture(element):
            text = line(text_of(element), 1_000)
            if len(_SPACES.findall(text)) > 3 and len(text) < 1_000:  # noqa: PLR2004
                return text
    return ""


def text_of(element: HtmlElement) -> str:
    """The beginning of an element's text."""
    return " ".join(islice(element.itertext(), 4 * _MAX_PIECES))


def _near(
    places: Iterable[tuple[int, HtmlElement]], place: int | None
) -> Iterator[tuple[int, HtmlElement]]:
    """What stands in the article's header; without a headline, what is no furniture."""
    for where, element in islice(places, _MAX_MARKS):
        in_reach = place is None or place - _BEFORE <= where <= place + _AFTER
        if in_reach and not _in_furniture(element):
            yield where, element


def _in_furniture(element: HtmlElement) -> bool:
    return any(
        above.tag in _FURNITURE_TAGS
        or _FURNITURE.search(f"{above.get('class') or ''} {above.get('id') or ''}"[:500])
        for above in (element, *element.iterancestors())
        if above.tag not in ("body", "html")
    )
