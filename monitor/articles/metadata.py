"""Reads what a page states about its article: title, authors, dates, URL, site, picture. Pure.

Unless stated otherwise, the sources have this order of preference: JSON-LD of
https://schema.org/Article, Open Graph (https://ogp.me) and other meta elements, microdata, and the
elements around the headline.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from typing import Any
from urllib.parse import urlsplit

from lxml.html import HtmlElement

from monitor.articles import header, titles
from monitor.articles.dates import published
from monitor.articles.identity import credible
from monitor.articles.names import distinct, names
from monitor.articles.structured import JsonLdNode, is_article, kinds, metas
from monitor.articles.titles import MAX_TITLE_CHARS, fold
from monitor.articles.urls import joined
from monitor.articles.written_dates import written_dates
from monitor.untrusted import plain_line

_MAX_URL_CHARS = 2_000
_MAX_SITE_NAME = 100
_MAX_SECTION = 100
_MAX_SUBTITLE = 1_000
_MAX_VALUE_DEPTH = 4
_MAX_LISTED = 50
_MAX_NAME_PART = 100
_MIN_LABEL_CHARS = 4

_TITLE_METAS = ("og:title", "twitter:title", "itemprop headline", "parsely-title", "sailthru.title")
_LATER_TITLE_METAS = ("dc.title", "dcterms.title", "headline", "title")
_AUTHOR_METAS = (
    "itemprop author", "parsely-author", "sailthru.author", "byl", "author", "article:author",
    "article:author_name", "og:article:author", "dc.creator", "dcterms.creator", "dcsext.author",
    "cxenseparse:author", "citation_author", "authors",
)  # fmt: skip
_PUBLISHED_METAS = (
    "article:published_time", "og:article:published_time", "og:published_time",
    "itemprop datepublished", "datepublished", "date.available", "date.created", "parsely-pub-date",
    "sailthru.date", "dcterms.created", "dcterms.issued", "dc.date.issued", "publishdate",
    "publish-date", "publish_date", "publisheddate", "published_at", "published", "pubdate",
    "pub_date", "publication_date", "citation_publication_date", "cxenseparse:recs:publishtime",
    "cxenseparse:publishtime", "date", "dc.date", "dcterms.date",
)  # fmt: skip
_MODIFIED_METAS = (
    "article:modified_time", "og:article:modified_time", "og:updated_time", "datemodified",
    "itemprop datemodified", "dcterms.modified", "dc.date.modified", "date.modified",
    "date.updated", "last-modified", "lastmod", "lastupdate", "revised",
)  # fmt: skip
_IMAGE_METAS = (
    "og:image:secure_url",
    "og:image",
    "og:image:url",
    "twitter:image",
    "twitter:image:src",
)
_SECTION_METAS = ("article:section", "parsely-section", "itemprop articlesection", "section")
_PAID_TIERS = frozenset(("locked", "metered", "paid", "premium"))
_SITE_TYPES = frozenset(("WebSite", "NewsMediaOrganization"))


@dataclass(frozen=True, slots=True)
class Metadata:
    """A page's statements about its article; empty or None if it states nothing.

    `title` is without the site's name, `subtitle` is the deck. `authors` are people, and agencies
    that are named as authors; the site itself only if nobody else is named. Times are in UTC: a
    date without a time is midnight, and a time without a zone is taken as UTC. `url` is the
    canonical URL, and `image` that of the lead picture, both absolute http(s) URLs.
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


def metadata(tree: HtmlElement, nodes: Sequence[JsonLdNode], *, url: str | None) -> Metadata:
    """Checks the sources of a page against each other; raises nothing for any content.

    `nodes` are the page's JSON-LD, `url` is where it was fetched from.
    """
    page = _PageSources(tree, nodes, url)
    title = page.title()
    headline = header.headline_position(page.header, title)
    published_at, modified_at = page.moments(headline)
    return Metadata(
        title=title,
        subtitle=page.subtitle(headline, title),
        authors=page.authors(headline),
        published_at=published_at,
        modified_at=modified_at,
        url=page.canonical_url(),
        site=page.site,
        image=page.image(),
        section=page.section(),
        paywalled=page.paywalled(),
    )


class _PageSources:
    """The sources of one page, and what each field takes from them."""

    def __init__(
        self,
        tree: HtmlElement,
        nodes: Sequence[JsonLdNode],
        url: str | None,
    ) -> None:
        self._tree, self._nodes, self._url = tree, nodes, url
        self._metas = metas(tree)
        self.header = header.header_elements(tree)
        self._articles = [node for node in nodes if is_article(node)]
        self.site, self._site_names = self._named_site()

    def _meta(self, names: Iterable[str]) -> Iterator[str]:
        return chain.from_iterable(self._metas.get(name, ()) for name in names)

    def _values(self, *keys: str) -> Iterator[Any]:
        """Yields the values that the JSON-LD of the article has at `keys`."""
        return (node[key] for key in keys for node in self._articles if key in node)

    def _named_site(self) -> tuple[str, set[str]]:
        """Returns the site's name, and a set of its folded names, handles and host labels."""
        publishers = [name for value in self._values("publisher") for name in _texts(value, "name")]
        sites = [
            name
            for node in self._nodes
            if any(kind in _SITE_TYPES for kind in kinds(node))
            for name in _texts(node.get("name"))
        ]
        names_of_site = [
            *self._meta(("og:site_name",)),
            *publishers,
            *sites,
            *self._meta(("application-name", "apple-mobile-web-app-title", "dc.publisher")),
        ]
        host = (_web_host(self._url or self.canonical_url() or "") or "").removeprefix("www.")
        handles = [handle.lstrip("@") for handle in self._meta(("twitter:site",))]
        folded = {fold(name) for name in [*names_of_site, *handles, host]}
        labels = map(fold, host.split(".")[-3:-1])
        folded.update(label for label in labels if len(label) >= _MIN_LABEL_CHARS)
        lines = (plain_line(name, _MAX_SITE_NAME) for name in names_of_site)
        return next(filter(None, lines), host), folded - {""}

    def title(self) -> str:
        props, firsts = header.headlines(self.header)
        whole = [
            plain_line(header.text_of(element), MAX_TITLE_CHARS)
            for element in self._tree.iter("title")
        ]
        claims = [
            *(text for value in self._values("headline", "name") for text in _texts(value)),
            *self._meta(_TITLE_METAS),
            *props,
            *firsts,
            *self._meta(_LATER_TITLE_METAS),
            *whole[:1],
        ]
        candidates = [plain_line(claim, MAX_TITLE_CHARS) for claim in claims if claim]
        return titles.best(candidates, self._site_names)

    def subtitle(self, headline: int | None, title: str) -> str:
        deck = header.deck(self.header, headline)
        return "" if fold(deck) == fold(title) else deck[:_MAX_SUBTITLE]

    def authors(self, headline: int | None) -> tuple[str, ...]:
        by_id = {
            node["@id"]: node
            for node in reversed(self._nodes)
            if isinstance(node.get("@id"), str) and len(node) > 1
        }
        by_node = [
            [distinct(_author_names(node.get(key), by_id)) for node in self._articles]
            for key in ("author", "creator")
        ]
        sources = [max(authors, key=len, default=()) for authors in by_node]
        sources += [
            tuple(name for value in self._metas.get(key, ()) for name in names(value))
            for key in _AUTHOR_METAS
        ]
        only_site: tuple[str, ...] = ()
        for source in sources:
            authors = distinct(source)
            others = tuple(name for name in authors if not titles.is_site(name, self._site_names))
            if others:
                return others
            only_site = only_site or authors
        return header.bylines(self.header, headline) or only_site

    def moments(self, headline: int | None) -> tuple[datetime | None, datetime | None]:
        props, changes = header.times(self.header, headline)
        pages = [node for node in self._nodes if "WebPage" in kinds(node)]
        published_claims = [
            *self._values("datePublished"),
            *self._meta(_PUBLISHED_METAS),
            *props,
            *(node.get("datePublished") for node in pages),
            *self._values("dateCreated"),
        ]
        modified_claims = [
            *self._values("dateModified"),
            *self._meta(_MODIFIED_METAS),
            *changes,
            *(node.get("dateModified") for node in pages),
        ]
        found = published(published_claims, modified_claims)
        if found is None:
            found = published(list(written_dates(self._tree, headline, self._url)), modified_claims)
        return found, published(modified_claims, published_claims)

    def canonical_url(self) -> str | None:
        links = [
            link.get("href")
            for link in self._tree.iter("link")
            if "canonical" in (link.get("rel") or "").lower().split()
        ]
        pages = [
            text
            for value in self._values("url", "mainEntityOfPage")
            for text in _texts(value, "@id", "url")
        ]
        claims = [*links, *self._meta(("og:url", "twitter:url")), *pages]
        url = self._url or ""
        web_claims = list(filter(None, map(self._absolute, claims)))
        # A link to the agency whose text this is does not hide what `og:url` says.
        if url and (own := credible(url, web_claims)):
            return own
        path = urlsplit(url).path.strip("/") if _web_host(url) else ""
        # The front page as the canonical URL of another page is a mistake in the template.
        return next(
            (claim for claim in web_claims if urlsplit(claim).path.strip("/") or not path), None
        )

    def image(self) -> str | None:
        pictures = [
            text
            for value in self._values("image", "thumbnailUrl")
            for text in _texts(value, "url", "contentUrl", "@id")
        ]
        claims = [*self._meta(_IMAGE_METAS), *pictures]
        return next(filter(None, map(self._absolute, claims)), None)

    def _absolute(self, claim: object) -> str | None:
        if not isinstance(claim, str) or len(claim) > _MAX_URL_CHARS:
            return None
        absolute = joined(self._url or "", claim.strip()) or ""
        return absolute if _web_host(absolute) and len(absolute) <= _MAX_URL_CHARS else None

    def section(self) -> str:
        claims = chain(
            self._meta(_SECTION_METAS),
            (text for value in self._values("articleSection") for text in _texts(value)),
        )
        return next(filter(None, (plain_line(claim, _MAX_SECTION) for claim in claims)), "")

    def paywalled(self) -> bool:
        # https://developers.google.com/search/docs/appearance/structured-data/paywalled-content
        for free in self._values("isAccessibleForFree"):
            value = str(free)[:20].lower().rpartition("/")[2]
            if value in ("false", "true"):
                return value == "false"
        return any(tier.lower() in _PAID_TIERS for tier in self._meta(("article:content_tier",)))


def _web_host(url: str) -> str | None:
    """Returns the host of an http(s) URL, or None."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    return parts.hostname if parts.scheme in {"http", "https"} else None


def _texts(value: Any, *keys: str, depth: int = 0) -> Iterator[str]:
    """Yields the strings in a value: a string, a list, or objects with strings at `keys`."""
    if isinstance(value, str):
        yield value
    elif depth >= _MAX_VALUE_DEPTH:
        return
    elif isinstance(value, list):
        for item in value[:_MAX_LISTED]:
            yield from _texts(item, *keys, depth=depth + 1)
    elif isinstance(value, dict):
        for key in keys:
            yield from _texts(value.get(key), *keys, depth=depth + 1)


def _author_names(value: Any, by_id: Mapping[str, JsonLdNode], depth: int = 0) -> Iterator[str]:
    """Yields the names of authors: strings, objects, lists of these, or references to objects."""
    if isinstance(value, str):
        yield from names(value)
    elif depth >= _MAX_VALUE_DEPTH:
        return
    elif isinstance(value, list):
        for item in value[:_MAX_LISTED]:
            yield from _author_names(item, by_id, depth + 1)
    elif isinstance(value, dict):
        if not any(key in value for key in ("name", "givenName", "familyName")):
            value = by_id.get(str(value.get("@id")), {})
        parts = [plain_line(value.get(key), _MAX_NAME_PART) for key in ("givenName", "familyName")]
        name = value.get("name") or " ".join(filter(None, parts))
        yield from _author_names(name, by_id, depth + 1)
