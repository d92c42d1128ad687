"""Which of RQ's workers live, judged by their heartbeats alone.

A worker goes by a name that is unique to its life. With each heartbeat it writes its registration
afresh, to expire after `SILENT`: it is Redis's clock that decides, and machines' clocks may differ.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from rq import Worker
from rq.worker_registration import REDIS_WORKER_KEYS, WORKERS_BY_QUEUE_KEY, get_keys

if TYPE_CHECKING:
    from collections.abc import Iterable

    from redis import Redis
    from redis.client import Pipeline
    from rq.worker import BaseWorker

# Busy or idle, a worker says so that often.
HEARTBEAT = timedelta(seconds=10)
SILENT = 4 * HEARTBEAT
# RQ's idle worker beats when it has waited for a job for 15 s less than this, and expires a minute
# after; by default that is every 405 s, in which nobody would notice that it was killed.
WORKER_TTL = HEARTBEAT + timedelta(seconds=15)


def register(worker: BaseWorker, pipe: Pipeline) -> None:
    """Add to a transaction that holds RQ's heartbeat: the worker lives, whatever Redis forgot."""
    mapping = worker.serialize() | {"state": worker.get_state()}
    pipe.hset(worker.key, mapping=mapping)
    pipe.sadd(REDIS_WORKER_KEYS, worker.key)
    for name in worker.queue_names():
        pipe.sadd(WORKERS_BY_QUEUE_KEY % name, worker.key)
    pipe.expire(worker.key, SILENT)


def living(redis: Redis) -> list[str]:
    """The names of the workers that live."""
    prefix = Worker.redis_worker_namespace_prefix
    return sorted(key.removeprefix(prefix) for key, lives in _known(redis).items() if lives)


def bury(redis: Redis, queues: Iterable[str]) -> None:
    """Forget the workers that no longer live."""
    dead = [key for key, lives in _known(redis).items() if not lives]
    if dead:
        with redis.pipeline() as pipe:
            pipe.delete(*dead)
            pipe.srem(REDIS_WORKER_KEYS, *dead)
            for name in queues:
                pipe.srem(WORKERS_BY_QUEUE_KEY % name, *dead)
            pipe.execute()


def _known(redis: Redis) -> dict[str, bool]:
    """The keys of all workers that were registered, and whether they live."""
    keys = sorted(get_keys(connection=redis))
    with redis.pipeline(transaction=False) as pipe:
        for key in keys:
            # RQ's other fields may be written by what a worker left behind, and never expire.
            pipe.hexists(key, "last_heartbeat")
        return dict(zip(keys, map(bool, pipe.execute()), strict=True))
