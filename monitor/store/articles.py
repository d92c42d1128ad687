"""What is known of articles in Redis, and the URLs that identify them; texts are in the archive."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Self

from monitor.model import Article, as_json, content_id, from_json
from monitor.store.replies import text

if TYPE_CHECKING:
    from redis import Redis
    from redis.client import Pipeline

    from monitor.store.keys import Keys


@dataclass(frozen=True, slots=True)
class KnownArticle:
    """What is known of an article that was processed before: all but its text.

    `version` is a hash of its title and text; `matched` names the watchlists that matched it.
    """

    article: Article
    version: str
    matched: tuple[str, ...] = ()

    @classmethod
    def of(cls, article: Article, matched: Iterable[str]) -> Self:
        """Returns what is known of an article from now on."""
        return cls(replace(article, text=""), article.version, tuple(matched))


@dataclass(frozen=True, slots=True)
class KnownArticles:
    """What is known of an article and its URLs: ids by URL, and the articles by their ids."""

    ids: dict[str, str]
    articles: dict[str, KnownArticle]


class ArticleStore:
    """The store of articles; everything expires after `keep`."""

    def __init__(self, redis: Redis, keys: Keys, keep: timedelta) -> None:
        self._redis = redis
        self._keys = keys
        self._keep = keep

    def address_keys(self, urls: Iterable[str]) -> list[str]:
        """Returns the keys that map these URLs to articles, to be watched."""
        return [self._keys.address(content_id(url)) for url in urls]

    def known(self, article_id: str, urls: Sequence[str]) -> KnownArticles:
        """Returns the articles at these normalised URLs, and the one that has this id."""
        *at_urls, stored = self._redis.mget(
            [*self.address_keys(urls), self._keys.article(article_id)]
        )
        ids = {url: text(known) for url, known in zip(urls, at_urls, strict=True) if known}
        articles = {article_id: from_json(KnownArticle, stored)} if stored else {}
        others = list({*ids.values()} - {article_id})
        if others:
            values = self._redis.mget([self._keys.article(other) for other in others])
            found = zip(others, values, strict=True)
            articles |= {other: from_json(KnownArticle, value) for other, value in found if value}
        return KnownArticles(ids, articles)

    def get(self, article_id: str) -> Article | None:
        """Returns an article by its id, without its text, or None."""
        stored = self._redis.get(self._keys.article(article_id))
        return from_json(KnownArticle, stored).article if stored else None

    def put(
        self, article: Article, matched: Iterable[str], urls: Iterable[str], pipe: Pipeline
    ) -> None:
        """Stores what is known of an article under its id and these URLs, in the transaction.

        `matched` names the watchlists that matched.
        """
        known = KnownArticle.of(article, matched)
        pipe.set(self._keys.article(article.id), as_json(known), ex=self._keep)
        for key in self.address_keys(urls):
            pipe.set(key, article.id, ex=self._keep)
