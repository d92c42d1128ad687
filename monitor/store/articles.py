"""Articles in Redis, and the URLs that identify them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from monitor.model import Article, as_json, content_id, from_json
from monitor.store.replies import text

if TYPE_CHECKING:
    from redis import Redis
    from redis.client import Pipeline

    from monitor.store.keys import Keys


class ArticleStore:
    """The store of articles; everything expires after `keep`."""

    def __init__(self, redis: Redis, keys: Keys, keep: timedelta) -> None:
        self._redis = redis
        self._keys = keys
        self._keep = keep

    def address_keys(self, urls: Iterable[str]) -> list[str]:
        """Returns the keys that map these URLs to articles, to be watched."""
        return [self._keys.address(content_id(url)) for url in urls]

    def at(self, url: str) -> str | None:
        """Returns the id of the article at a normalised URL, or None."""
        article_id = self._redis.get(self._keys.address(content_id(url)))
        return text(article_id) if article_id else None

    def get(self, article_id: str) -> Article | None:
        """Returns an article by its id, or None."""
        stored = self._redis.get(self._keys.article(article_id))
        return from_json(Article, stored) if stored else None

    def put(self, article: Article, urls: Iterable[str], now: datetime, pipe: Pipeline) -> None:
        """Stores an article under its id and these URLs, in the transaction."""
        pipe.set(self._keys.article(article.id), as_json(article), ex=self._keep)
        pipe.zadd(self._keys.articles, {article.id: now.timestamp()})
        for key in self.address_keys(urls):
            pipe.set(key, article.id, ex=self._keep)

    def since(self, moment: datetime) -> Iterator[Article]:
        """Yields the articles processed at or after a moment, newest first."""
        ids = self._redis.zrevrangebyscore(self._keys.articles, "+inf", moment.timestamp())
        for article_id in ids:
            article = self.get(text(article_id))
            if article:
                yield article

    def count(self) -> int:
        """Returns how many articles are kept."""
        return int(self._redis.zcard(self._keys.articles))

    def trim(self, now: datetime) -> int:
        """Removes the ids of articles that have expired; returns how many."""
        oldest = (now - self._keep).timestamp()
        return int(self._redis.zremrangebyscore(self._keys.articles, "-inf", f"({oldest}"))
