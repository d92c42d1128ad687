"""Tells which of RQ's workers are alive, by their heartbeats alone.

Each worker process has a unique name. With each heartbeat it renews its registration, which expires
after `SILENT`: Redis's clock decides, since the clocks of machines may differ.
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

# A worker, busy or idle, renews its registration this often.
HEARTBEAT = timedelta(seconds=10)
SILENT = 4 * HEARTBEAT
# An idle RQ worker sends a heartbeat after waiting for a job for 15 s less than this, and expires a
# minute later; by default that is every 405 s, in which nobody would notice that it was killed.
WORKER_TTL = HEARTBEAT + timedelta(seconds=15)


def register(worker: BaseWorker, pipe: Pipeline) -> None:
    """Registers a worker in full, in the transaction of RQ's heartbeat: Redis may have lost it."""
    mapping = worker.serialize() | {"state": worker.get_state()}
    pipe.hset(worker.key, mapping=mapping)
    pipe.sadd(REDIS_WORKER_KEYS, worker.key)
    for name in worker.queue_names():
        pipe.sadd(WORKERS_BY_QUEUE_KEY % name, worker.key)
    pipe.expire(worker.key, SILENT)


def living(redis: Redis) -> list[str]:
    """Returns the names of the workers that are alive."""
    prefix = Worker.redis_worker_namespace_prefix
    return sorted(
        key.removeprefix(prefix) for key, is_alive in _registered(redis).items() if is_alive
    )


def bury(redis: Redis, queues: Iterable[str]) -> None:
    """Removes the registrations of workers that are no longer alive."""
    dead = [key for key, is_alive in _registered(redis).items() if not is_alive]
    if dead:
        with redis.pipeline() as pipe:
            pipe.delete(*dead)
            pipe.srem(REDIS_WORKER_KEYS, *dead)
            for name in queues:
                pipe.srem(WORKERS_BY_QUEUE_KEY % name, *dead)
            pipe.execute()


def _registered(redis: Redis) -> dict[str, bool]:
    """Returns the keys of all registered workers, each with whether it is alive."""
    keys = sorted(get_keys(connection=redis))
    with redis.pipeline(transaction=False) as pipe:
        for key in keys:
            # A dead worker's leftovers may write RQ's other fields, which then never expire.
            pipe.hexists(key, "last_heartbeat")
        return dict(zip(keys, map(bool, pipe.execute()), strict=True))
