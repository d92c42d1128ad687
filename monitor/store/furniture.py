"""What the last pages of each host held, in Redis, by which furniture is known."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from monitor.articles.memory import WINDOW, Trace

if TYPE_CHECKING:
    from redis import Redis

    from monitor.store.keys import Keys

# For each host: 20 to 80 kB.
PAGES = 64


class FurnitureStore:
    """The sites' memory; a host of which nothing is read any more is forgotten."""

    def __init__(self, redis: Redis, keys: Keys) -> None:
        self._redis = redis
        self._keys = keys

    def known(self, host: str) -> list[Trace]:
        """What is remembered of a host, newest first."""
        stored: Any = self._redis.lrange(self._keys.furniture(host), 0, -1)
        return [Trace.from_bytes(one) for one in stored]

    def remember(self, host: str, page: Trace, known: list[Trace]) -> None:
        """Add a page to what was `known`; it takes the place of the same article's others."""
        key = self._keys.furniture(host)
        with self._redis.pipeline() as pipe:
            for one in known:
                if one.is_same_article(page):
                    pipe.lrem(key, 0, one.to_bytes())  # type: ignore[arg-type]
            pipe.lpush(key, page.to_bytes())
            pipe.ltrim(key, 0, PAGES - 1)
            pipe.expire(key, WINDOW)
            pipe.execute()
