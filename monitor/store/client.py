"""Makes every connection to Redis, and limits how long a call may wait for an answer.

redis-py times out a socket after 5 s by default, and raises for a blocking read in which nothing
arrives. A read may therefore block for at most half the socket's timeout.
"""

from __future__ import annotations

from datetime import timedelta

from redis import Redis
from redis.backoff import ExponentialBackoff, NoBackoff
from redis.retry import Retry

SOCKET_TIMEOUT = timedelta(seconds=60)
CONNECT_TIMEOUT = timedelta(seconds=5)
HEALTH_CHECK = timedelta(seconds=30)


def client(url: str) -> Redis:
    """Returns a client that survives a restart of Redis; raises ValueError for a bad URL."""
    # A restart of Redis takes a moment. The client does not repeat transactions that watch keys:
    # we do, after reading the keys again.
    return _client(url, SOCKET_TIMEOUT, Retry(ExponentialBackoff(cap=1, base=0.05), 8))


def probe(url: str) -> Redis:
    """Returns a client that asks once and soon fails without an answer; raises as `client` does."""
    return _client(url, CONNECT_TIMEOUT, Retry(NoBackoff(), 0))


def _client(url: str, socket_timeout: timedelta, retry: Retry) -> Redis:
    return Redis.from_url(
        url,
        **({} if url.startswith("unix:") else {"socket_keepalive": True}),
        socket_timeout=socket_timeout.total_seconds(),
        socket_connect_timeout=CONNECT_TIMEOUT.total_seconds(),
        health_check_interval=int(HEALTH_CHECK.total_seconds()),
        retry=retry,
    )


def block_ms(redis: Redis, wanted: timedelta) -> int:
    """Returns for how many ms a read may block: as wanted, at most half the socket's timeout."""
    timeout_s = redis.connection_pool.connection_kwargs["socket_timeout"]
    return max(1, int(min(wanted.total_seconds(), timeout_s / 2) * 1000))
