"""The ledger of jobs: what is owed, how often each was begun, who runs it now, what was given up.

It is kept by kind of job, whichever queue a job is in. Each job is written down in the transaction
that promises it, and struck out in the one that does its work.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from operator import attrgetter
from typing import TYPE_CHECKING, Any, get_args
from uuid import uuid4

from redis.exceptions import LockError, LockNotOwnedError, RedisError
from redis.lock import Lock

from monitor.jobs.own_jobs import QueueName
from monitor.model import Delivery, as_plain, content_id
from monitor.store.replies import text
from monitor.threads import repeating

if TYPE_CHECKING:
    from redis import Redis
    from redis.client import Pipeline

    from monitor.store import Keys

# Who runs a job says so that often, and is taken for dead where it has not for this long.
RENEWAL = timedelta(seconds=2)
LEASE = 4 * RENEWAL


@dataclass(frozen=True, slots=True)
class FailedJob:
    """A job that was given up; `args` are the job's own, none where the job is not one of ours."""

    id: str
    queue: QueueName
    args: list[Any]
    error: str
    failed_at: datetime


class Ledger:
    """What is known of jobs besides what RQ knows."""

    def __init__(self, redis: Redis, keys: Keys) -> None:
        self._redis = redis
        self._keys = keys

    def _promise(self, queue: QueueName, job_id: str, args: list[Any], pipe: Pipeline) -> None:
        pipe.hset(self._keys.outstanding(queue), job_id, json.dumps(args))

    def begin(self, queue: QueueName, job_id: str) -> int:
        """Note that a job is begun; returns how often it was begun before."""
        return int(self._redis.hincrby(self._keys.attempts(queue), job_id, 1)) - 1

    def postpone(self, queue: QueueName, job_id: str) -> None:
        """Note that a job that was begun could not even be tried."""
        self._redis.hincrby(self._keys.attempts(queue), job_id, -1)

    def begun(self, queue: QueueName, job_id: str) -> int:
        """How often a job was begun."""
        return int(self._redis.hget(self._keys.attempts(queue), job_id) or 0)

    @contextmanager
    def lease(self, queue: QueueName, job_id: str) -> Iterator[bool]:
        """Be known to run a job for as long as the block runs; False where somebody else runs it.

        The lease is renewed by a thread of the process that runs the job and ends with that
        process; Redis's clock alone decides when.
        """
        lock = Lock(
            self._redis,
            self._keys.lease(queue, job_id),
            timeout=LEASE.total_seconds(),
            blocking=False,
            thread_local=False,
        )

        def renew() -> None:
            try:
                lock.reacquire()
            except LockNotOwnedError:
                # Redis was away for longer than that, or has forgotten it.
                lock.acquire(token=uuid4().hex)

        if not lock.acquire(token=uuid4().hex):
            yield False
            return
        try:
            with repeating(renew, RENEWAL, "lease", despite=RedisError):
                yield True
        finally:
            with suppress(LockError):
                lock.release()

    def running(self, queue: QueueName, job_ids: list[str]) -> set[str]:
        """Those of these jobs that somebody runs."""
        with self._redis.pipeline(transaction=False) as pipe:
            for job_id in job_ids:
                pipe.exists(self._keys.lease(queue, job_id))
            leases = pipe.execute()
        return {job_id for job_id, lives in zip(job_ids, leases, strict=True) if lives}

    def owed(self, queue: QueueName, job_id: str) -> list[Any] | None:
        """The arguments of a job that has still to be done, None where it has been.

        RQ's own copy of a job carries none: what is left to do may change between two attempts.
        """
        stored = self._redis.hget(self._keys.outstanding(queue), job_id)
        return list(json.loads(stored)) if stored else None

    def all_owed(self, queue: QueueName) -> set[str]:
        """The ids of all jobs that have still to be done."""
        return {text(job) for job in self._redis.hkeys(self._keys.outstanding(queue))}

    def owes(self, delivery: Delivery) -> bool:
        """Whether this delivery has still to be made, as far as it is not held."""
        return self.owed("deliveries", delivery_id(delivery)) is not None

    def narrow(self, job_id: str, left: Delivery, pipe: Pipeline) -> None:
        """Add to a transaction: of this delivery, only so much is still to be made."""
        self._promise("deliveries", job_id, arguments(left), pipe)

    def settle(self, queue: QueueName, job_id: str, pipe: Pipeline) -> None:
        """Add to a transaction: this job is done."""
        pipe.hdel(self._keys.outstanding(queue), job_id)
        pipe.hdel(self._keys.attempts(queue), job_id)

    def give_up(self, queue: QueueName, job_id: str, error: str) -> None:
        """Move a job from those owed to those failed, where an operator sees it."""
        args = self.owed(queue, job_id)
        if args is None:
            return
        with self._redis.pipeline() as pipe:
            self._fail(queue, job_id, args, error, pipe)
            self.settle(queue, job_id, pipe)
            pipe.execute()

    def fail_delivery(self, delivery: Delivery, error: str, pipe: Pipeline) -> None:
        """Add to a transaction: this delivery was given up, where an operator sees it."""
        self._fail("deliveries", delivery_id(delivery), arguments(delivery), error, pipe)

    def refuse(self, queue: QueueName, job_id: str, why: str, pipe: Pipeline) -> None:
        """Add to a transaction: a job that is not one of ours was not run.

        What is owed under its id stays owed.
        """
        self._fail(queue, job_id, [], why, pipe)

    def _fail(
        self, queue: QueueName, job_id: str, args: list[Any], error: str, pipe: Pipeline
    ) -> None:
        failed_at = datetime.now(UTC).isoformat()
        record = {"args": args, "error": error, "failed_at": failed_at}
        pipe.hset(self._keys.failed(queue), job_id, json.dumps(record))

    def drop(self, job: FailedJob, pipe: Pipeline) -> None:
        """Add to a transaction: forget a job that was given up."""
        pipe.hdel(self._keys.failed(job.queue), job.id)

    def forget_failed(self, before: datetime) -> int:
        """Forget the jobs that were given up before a moment; returns how many."""
        old = [job for job in self.all_failed() if job.failed_at < before]
        with self._redis.pipeline() as pipe:
            for job in old:
                self.drop(job, pipe)
            pipe.execute()
        return len(old)

    def failed(self, queue: QueueName) -> list[FailedJob]:
        """The jobs that were given up, newest first."""
        found = [
            FailedJob(
                text(job_id),
                queue,
                record["args"],
                record["error"],
                datetime.fromisoformat(record["failed_at"]),
            )
            for job_id, stored in self._redis.hscan_iter(self._keys.failed(queue))
            for record in [json.loads(stored)]
        ]
        return sorted(found, key=attrgetter("failed_at"), reverse=True)

    def all_failed(self) -> list[FailedJob]:
        """The jobs of all kinds that were given up, newest first."""
        found = [job for name in get_args(QueueName) for job in self.failed(name)]
        return sorted(found, key=attrgetter("failed_at"), reverse=True)


def delivery_id(delivery: Delivery) -> str:
    """The id of the job that makes a delivery."""
    return f"delivery-{content_id(delivery.subscriber, delivery.id, *delivery.to)}"


def arguments(delivery: Delivery) -> list[Any]:
    """The arguments of the job that makes a delivery."""
    return [as_plain(delivery)]
