"""Identifies articles by the feed's names for them and by their URLs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from monitor.articles.urls import normalise, normalise_link
from monitor.model import Article, Entry
from workers.articles.read import former_names_of, names_of

if TYPE_CHECKING:
    from monitor.store.articles import KnownArticles


@dataclass(frozen=True, slots=True)
class Addresses:
    """The feed's names for an article, and the URLs that only this article has.

    `urls` maps each URL to the name that an entry with this link has. An article with that name is
    not stored under the URL as well. `former` holds the names that older versions gave it, so that
    no article alerts again after an upgrade.
    """

    names: list[str]
    urls: dict[str, str]
    former: list[str]

    @classmethod
    def of(cls, entry: Entry, final_url: str | None, article: Article) -> Self:
        """Returns the addresses of an article; `final_url` is its page's URL after redirects."""
        urls = _urls_of(entry, final_url, article)
        return cls(
            names_of(entry),
            {url: names_of(Entry(url=url))[0] for url in urls},
            former_names_of(entry),
        )

    @property
    def looked_up(self) -> list[str]:
        """Returns all addresses under which the article may be known."""
        return list(dict.fromkeys([*self.names, *self.former, *self.urls, *self.urls.values()]))

    @property
    def stored(self) -> list[str]:
        """Returns the addresses under which the article is stored."""
        urls = (url for url, name in self.urls.items() if name not in self.names)
        return [*self.names, *urls]

    def known_id(self, known: KnownArticles, title: str) -> str | None:
        """Returns the id of the article that is known by one of these addresses.

        The feed's names identify an article even if its headline changes. The URL after redirects,
        or the one that the page claims, may be that of a consent page, or one that a badly built
        site gives to all its pages; they identify an article only if its title is the same, too,
        since two alerts are better than none.
        """
        for name in (*self.names, *self.former):
            if known_id := known.ids.get(name):
                return known_id
        for address in (each for pair in self.urls.items() for each in pair):
            known_id = known.ids.get(address)
            article = known.articles.get(known_id) if known_id else None
            if article is not None and article.article.title == title:
                return known_id
        return None


def _urls_of(entry: Entry, final_url: str | None, article: Article) -> list[str]:
    """Returns the URLs that only this article has: its link, its target, and the page's claim."""
    link = entry.url or ""
    if entry.name_at_link or normalise_link(link) != normalise(link):
        return []
    return [normalise(url) for url in (link, final_url, article.url) if url]
