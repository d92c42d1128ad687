"""How every connection to Redis is made, and how long each call may wait for an answer.

redis-py gives up on a socket after 5 s unless told otherwise, and takes a blocking read in which
nothing arrives for a failure. A read may therefore block for `LONGEST_BLOCK` at most, which is
well below the limit of its socket.
"""

from __future__ import annotations

from datetime import timedelta

from redis import Redis
from redis.backoff import ExponentialBackoff, NoBackoff
from redis.retry import Retry

LONGEST_BLOCK = timedelta(seconds=30)
SOCKET_TIMEOUT = timedelta(seconds=60)
CONNECT_TIMEOUT = timedelta(seconds=5)
HEALTH_CHECK = timedelta(seconds=30)


def client(url: str) -> Redis:
    """A client that outlives a restart of Redis; raises ValueError for what is no Redis URL."""
    # A restart of Redis takes a moment. Transactions that watch keys are not repeated by the
    # client, but by us, after another look.
    return _client(url, SOCKET_TIMEOUT, Retry(ExponentialBackoff(cap=1, base=0.05), 8))


def probe(url: str) -> Redis:
    """A client that asks once, and soon knows that nobody answers; raises as `client` does."""
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
    """For how long a read on this client may block, in milliseconds: at most half its limit."""
    limit = redis.connection_pool.connection_kwargs["socket_timeout"]
    return max(1, int(min(wanted.total_seconds(), limit / 2) * 1000))
