"""What a page says about its article: title, authors, moments, address, site, picture. Pure.

Sources are, in the order in which they are believed where not said otherwise: JSON-LD of
https://schema.org/Article, Open Graph (https://ogp.me) and other meta elements, microdata, and
what stands around the headline.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from typing import Any
from urllib.parse import urljoin, urlsplit

from lxml.html import HtmlElement

from monitor.articles import header, titles
from monitor.articles.dates import published
from monitor.articles.names import distinct, names
from monitor.articles.structured import Node, is_article, kinds, line, metas
from monitor.articles.titles import fold

_MAX_URL = 2_000
_MAX_SITE = 100
_MAX_SECTION = 100
_MAX_SUBTITLE = 1_000
_MAX_DEPTH = 4

_TITLES = ("og:title", "twitter:title", "itemprop headline", "parsely-title", "sailthru.title")
_LATER_TITLES = ("dc.title", "dcterms.title", "headline", "title")
_AUTHORS = (
    "itemprop author", "parsely-author", "sailthru.author", "byl", "author", "article:author",
    "article:author_name", "og:article:author", "dc.creator", "dcterms.creator", "dcsext.author",
    "cxenseparse:author", "citation_author", "authors",
)  # fmt: skip
_PUBLISHED = (
    "article:published_time", "og:article:published_time", "og:published_time",
    "itemprop datepublished", "datepublished", "date.available", "date.created", "parsely-pub-date",
    "sailthru.date", "dcterms.created", "dcterms.issued", "dc.date.issued", "publishdate",
    "publish-date", "publish_date", "publisheddate", "published_at", "published", "pubdate",
    "pub_date", "publication_date", "citation_publication_date", "cxenseparse:recs:publishtime",
    "cxenseparse:publishtime", "date", "dc.date", "dcterms.date",
)  # fmt: skip
_MODIFIED = (
    "article:modified_time", "og:article:modified_time", "og:updated_time", "datemodified",
    "itemprop datemodified", "dcterms.modified", "dc.date.modified", "date.modified",
    "date.updated", "last-modified", "lastmod", "lastupdate", "revised",
)  # fmt: skip
_IMAGES = ("og:image:secure_url", "og:image", "og:image:url", "twitter:image", "twitter:image:src")
_SECTIONS = ("article:section", "parsely-section", "itemprop articlesection", "section")
_PAID_TIERS = frozenset(("locked", "metered", "paid", "premium"))


@dataclass(frozen=True, slots=True)
class Metadata:
    """What a page says about its article; empty or None is what it does not say.

    `title` is without the site's name, `subtitle` the deck. `authors` are people, and agencies that
    are named as authors; the site itself only where nobody else is. Moments are in UTC: a day alone
    is its beginning, and a time is in UTC where the page tells no zone. `url` is the address that
    the page claims, and `image` that of its lead picture, both absolute and of http or https.
    """

    title: str
    subtitle: str
    authors: tuple[str, ...]
    published_at: datetime | None
    modified_at: datetime | None
    url: str | None
    site: str
    image: str | None
    section: str
    paywalled: bool


def metadata(tree: HtmlElement, nodes: Sequence[Node], *, url: str | None) -> Metadata:
    """Cross-check what a page's sources say; raises nothing, whatever they do.

    `nodes` are the page's JSON-LD, `url` is where it was fetched from.
    """
    page = _Page(tree, nodes, url)
    title = page.title()
    place = header.anchor(page.marks, title)
    published_at, modified_at = page.moments(place)
    return Metadata(
        title=title,
        subtitle=page.subtitle(place, title),
        authors=page.authors(place),
        published_at=published_at,
        modified_at=modified_at,
        url=page.address(),
        site=page.site,
        image=page.image(),
        section=page.section(),
        paywalled=page.paywalled(),
    )


class _Page:
    """The sources of one page."""

    def __init__(
        self,
        tree: HtmlElement,
        nodes: Sequence[Node],
        url: str | None,
    ) -> None:
        self._tree, self._nodes, self._url = tree, nodes, url
        self._metas = metas(tree)
        self.marks = header.marks(tree)
        self._articles = [node for node in nodes if is_article(node)]
        self.site, self._sites = self._named_site()

    def _meta(self, names: Iterable[str]) -> Iterator[str]:
        return chain.from_iterable(self._metas.get(name, ()) for name in names)

    def _said(self, *keys: str) -> Iterator[Any]:
        """What the JSON-LD says of the article."""
        return (node[key] for key in keys for node in self._articles if key in node)

    def _named_site(self) -> tuple[str, set[str]]:
        """The site's name, and all that it is called, folded."""
        publishers = [text for one in self._said("publisher") for text in _texts(one, "name")]
        sites = [
            text
            for node in self._nodes
            if any(kind in _SITES for kind in kinds(node))
            for text in _texts(node.get("name"))
        ]
        called = [
            *self._meta(("og:site_name",)),
            *publishers,
            *sites,
            *self._meta(("application-name", "apple-mobile-web-app-title", "dc.publisher")),
        ]
        host = (_split(self._url or self.address() or "") or "").removeprefix("www.")
        handles = [handle.lstrip("@") for handle in self._meta(("twitter:site",))]
        known = {fold(name) for name in [*called, *handles, host]}
        known.update(label for label in map(fold, host.split(".")[-3:-1]) if len(label) > 3)  # noqa: PLR2004
        name = next((cut for one in called if (cut := line(one, _MAX_SITE))), host)
        return name, known - {""}

    def title(self) -> str:
        props, firsts = header.headlines(self.marks)
        whole = [line(header.text_of(one), titles.MAX_CHARS) for one in self._tree.iter("title")]
        claims = [
            *(text for one in self._said("headline", "name") for text in _texts(one)),
            *self._meta(_TITLES),
            *props,
            *firsts,
            *self._meta(_LATER_TITLES),
            *whole[:1],
        ]
        return titles.best([line(one, titles.MAX_CHARS) for one in claims if one], self._sites)

    def subtitle(self, place: int | None, title: str) -> str:
        found = header.deck(self.marks, place)
        return "" if fold(found) == fold(title) else found[:_MAX_SUBTITLE]

    def authors(self, place: int | None) -> tuple[str, ...]:
        by_id = {
            node["@id"]: node
            for node in reversed(self._nodes)
            if isinstance(node.get("@id"), str) and len(node) > 1
        }
        said = [
            [distinct(_authors(node.get(key), by_id)) for node in self._articles]
            for key in ("author", "creator")
        ]
        sources = [max(found, key=len, default=()) for found in said]
        sources += [
            tuple(name for one in self._metas.get(key, ()) for name in names(one))
            for key in _AUTHORS
        ]
        best: tuple[str, ...] = ()
        for source in sources:
            found = distinct(source)
            others = tuple(name for name in found if not titles.is_site(name, self._sites))
            if others:
                return others
            best = best or found
        persons = header.bylines(self.marks, place)
        if persons:
            return persons
        return best

    def moments(self, place: int | None) -> tuple[datetime | None, datetime | None]:
        props, changes = header.times(self.marks, place)
        pages = [node for node in self._nodes if "WebPage" in kinds(node)]
        published_claims = [
            *self._said("datePublished"),
            *self._meta(_PUBLISHED),
            *props,
            *(node.get("datePublished") for node in pages),
            *self._said("dateCreated"),
        ]
        modified_claims = [
            *self._said("dateModified"),
            *self._meta(_MODIFIED),
            *changes,
            *(node.get("dateModified") for node in pages),
        ]
        return (
            published(published_claims, modified_claims),
            published(modified_claims, published_claims),
        )

    def address(self) -> str | None:
        links = [
            link.get("href")
            for link in self._tree.iter("link")
            if "canonical" in (link.get("rel") or "").lower().split()
        ]
        pages = [
            text
            for one in self._said("url", "mainEntityOfPage")
            for text in _texts(one, "@id", "url")
        ]
        claims = [*links, *self._meta(("og:url", "twitter:url")), *pages]
        fetched = urlsplit(self._url or "").path.strip("/") if _split(self._url or "") else ""
        for claim in claims:
            found = self._absolute(claim)
            # A canonical address that is the front page's is a template's mistake.
            if found and (urlsplit(found).path.strip("/") or not fetched):
                return found
        return None

    def image(self) -> str | None:
        pictures = [
            text
            for one in self._said("image", "thumbnailUrl")
            for text in _texts(one, "url", "contentUrl", "@id")
        ]
        claims = [*self._meta(_IMAGES), *pictures]
        return next(filter(None, map(self._absolute, claims)), None)

    def _absolute(self, claim: object) -> str | None:
        if not isinstance(claim, str) or len(claim) > _MAX_URL:
            return None
        try:
            found = urljoin(self._url or "", claim.strip())
        except ValueError:
            return None
        return found if _split(found) and len(found) <= _MAX_URL else None

    def section(self) -> str:
        claims = chain(
            self._meta(_SECTIONS),
            (text for one in self._said("articleSection") for text in _texts(one)),
        )
        return next((text for one in claims if (text := line(one, _MAX_SECTION))), "")

    def paywalled(self) -> bool:
        # https://developers.google.com/search/docs/appearance/structured-data/paywalled-content
        for free in self._said("isAccessibleForFree"):
            said = str(free)[:20].lower().rpartition("/")[2]
            if said in ("false", "true"):
                return said == "false"
        return any(tier.lower() in _PAID_TIERS for tier in self._meta(("article:content_tier",)))


_SITES = frozenset(("WebSite", "NewsMediaOrganization"))


def _split(url: str) -> str | None:
    """The host of an address of http or https."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    return parts.hostname if parts.scheme in {"http", "https"} else None


def _texts(value: Any, *keys: str, depth: int = 0) -> Iterator[str]:
    """The texts of a value that is one, a list, or objects that have it at one of `keys`."""
    if isinstance(value, str):
        yield value
    elif depth >= _MAX_DEPTH:
        return
    elif isinstance(value, list):
        for one in value[:50]:
            yield from _texts(one, *keys, depth=depth + 1)
    elif isinstance(value, dict):
        for key in keys:
            yield from _texts(value.get(key), *keys, depth=depth + 1)


def _authors(value: Any, by_id: Mapping[str, Node], depth: int = 0) -> Iterator[str]:
    """The names of authors, who may be texts, objects, lists of them, or references to others."""
    if isinstance(value, str):
        yield from names(value)
    elif depth >= _MAX_DEPTH:
        return
    elif isinstance(value, list):
        for one in value[:50]:
            yield from _authors(one, by_id, depth + 1)
    elif isinstance(value, dict):
        if not any(key in value for key in ("name", "givenName", "familyName")):
            value = by_id.get(str(value.get("@id")), {})
        parts = [line(value.get(key), 100) for key in ("givenName", "familyName")]
        named = value.get("name")
        yield from _authors(named or " ".join(filter(None, parts)), by_id, depth + 1)
