"""Traces of each host's last pages in Redis, by which furniture is recognised."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from monitor.articles.memory import WINDOW, Trace

if TYPE_CHECKING:
    from redis import Redis

    from monitor.store.keys import Keys

# Takes 20 to 80 kB for each host.
MAX_PAGES = 64


class FurnitureStore:
    """The store of page traces; those of a host that is no longer read expire."""

    def __init__(self, redis: Redis, keys: Keys) -> None:
        self._redis = redis
        self._keys = keys

    def traces(self, host: str) -> list[Trace]:
        """Returns the traces of a host's last pages, newest first."""
        stored: Any = self._redis.lrange(self._keys.furniture(host), 0, -1)
        return [Trace.from_bytes(trace) for trace in stored]

    def remember(self, host: str, page: Trace, traces: list[Trace]) -> None:
        """Adds a page to the host's `traces`, in place of those of the same article."""
        key = self._keys.furniture(host)
        with self._redis.pipeline() as pipe:
            for trace in traces:
                if trace.is_same_article(page):
                    pipe.lrem(key, 0, trace.to_bytes())  # type: ignore[arg-type]
            pipe.lpush(key, page.to_bytes())
            pipe.ltrim(key, 0, MAX_PAGES - 1)
            pipe.expire(key, WINDOW)
            pipe.execute()
