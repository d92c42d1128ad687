"""Stores the answers by which sites limited us, and what was learned from them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from monitor.http.scopes import LEARNED, WINDOW, Limited
from monitor.model import as_json, content_id, from_json
from monitor.store.replies import text

if TYPE_CHECKING:
    from redis import Redis

    from monitor.store.keys import Keys

# More answers add nothing to what is known of a domain.
MOST_EVIDENCE = 100


@dataclass(frozen=True, slots=True)
class Learned:
    """What all processes know: domains whose hosts share a budget, and hosts with evidence."""

    domains: frozenset[str] = frozenset()
    suspects: frozenset[str] = frozenset()


class LimitStore:
    """Stores evidence on each domain, by host and source, for `WINDOW`."""

    def __init__(self, redis: Redis, keys: Keys) -> None:
        self._redis = redis
        self._keys = keys

    def add(self, group: str, limited: Limited, now: datetime) -> list[Limited]:
        """Adds an answer to the evidence on a group of hosts; returns what was known before."""
        key, oldest = self._keys.limited(group), (now - WINDOW).timestamp()
        # A source that is limited again replaces what it was before.
        member = as_json(limited)
        with self._redis.pipeline() as pipe:
            pipe.zremrangebyscore(key, "-inf", oldest)
            pipe.zrange(key, 0, -1)
            pipe.zadd(key, {member: now.timestamp()})
            pipe.zremrangebyrank(key, 0, -MOST_EVIDENCE - 1)
            pipe.expire(key, int(WINDOW.total_seconds()) + 1)
            pipe.zadd(self._keys.suspects, {limited.host: (now + WINDOW).timestamp()})
            known: Any = pipe.execute()[1]
        return [from_json(Limited, each) for each in known]

    def clear(self, group: str, host: str) -> None:
        """Forgets the evidence against a host, which has answered as it should."""
        key = self._keys.limited(group)
        known: Any = self._redis.zrange(key, 0, -1)
        with self._redis.pipeline() as pipe:
            for member in known:
                if from_json(Limited, member).host == host:
                    pipe.zrem(key, member)
            pipe.zrem(self._keys.suspects, host)
            pipe.execute()

    def learn(self, domain: str, now: datetime) -> None:
        """Lets the hosts of a domain share one budget for `LEARNED`."""
        with self._redis.pipeline() as pipe:
            pipe.zremrangebyscore(self._keys.shared_domains, "-inf", now.timestamp())
            pipe.zadd(self._keys.shared_domains, {domain: (now + LEARNED).timestamp()})
            pipe.execute()

    def learned(self, now: datetime) -> Learned:
        """Returns what is known at present."""
        with self._redis.pipeline(transaction=False) as pipe:
            for key in (self._keys.shared_domains, self._keys.suspects):
                pipe.zrangebyscore(key, now.timestamp(), "+inf")
            pipe.zremrangebyscore(
                self._keys.suspects, "-inf", (now - timedelta(hours=1)).timestamp()
            )
            domains, suspects, _ = pipe.execute()
        return Learned(frozenset(map(text, domains)), frozenset(map(text, suspects)))


def page_source(url: str) -> str:
    """Returns the source of an answer to an article's page."""
    return content_id(url)[:12]
