"""Traces of each host's last pages in Redis, by which furniture is recognised."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from monitor.articles.memory import WINDOW, Trace

if TYPE_CHECKING:
    from redis import Redis

    from monitor.store.keys import Keys

# Takes 20 to 80 kB for each host.
MAX_PAGES = 64
# More traces than this are cut to `MAX_PAGES`: a cut for every page would be one more command.
_MOST_STORED = MAX_PAGES + 16
# The life of a host's traces is renewed when the last page is this old, for the same reason.
_RENEWAL = timedelta(days=1)


class FurnitureStore:
    """The store of page traces; those of a host that is no longer read expire."""

    def __init__(self, redis: Redis, keys: Keys) -> None:
        self._redis = redis
        self._keys = keys

    def traces(self, host: str) -> list[Trace]:
        """Returns the traces of a host's last pages, newest first."""
        stored: Any = self._redis.lrange(self._keys.furniture(host), 0, MAX_PAGES - 1)
        return [Trace.from_bytes(trace) for trace in stored]

    def remember(self, host: str, page: Trace, traces: list[Trace]) -> None:
        """Adds a page to the host's `traces`, in place of those of the same article."""
        key = self._keys.furniture(host)
        replaced = [trace for trace in traces if trace.is_same_article(page)]
        renews = not traces or page.at - traces[0].at >= _RENEWAL.total_seconds()
        # No transaction, since a trace more or less matters little; all is sent in one piece.
        with self._redis.pipeline(transaction=False) as pipe:
            for trace in replaced:
                pipe.lrem(key, 0, trace.to_bytes())  # type: ignore[arg-type]
            pipe.lpush(key, page.to_bytes())
            if renews:
                pipe.expire(key, WINDOW + _RENEWAL)
            stored = pipe.execute()[len(replaced)]
        if stored > _MOST_STORED:
            self._redis.ltrim(key, 0, MAX_PAGES - 1)
