"""Records which jobs are owed, how often each was begun, which are running, and which failed.

Jobs are recorded under their kind, whichever queue they are in. A job is added in the transaction
that enqueues it, and removed in the one that stores its result.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from operator import attrgetter
from typing import TYPE_CHECKING, Any, get_args

from monitor.jobs.own_jobs import QueueName
from monitor.jobs.runner import all_running, arguments_of
from monitor.model import Delivery, as_plain, content_id
from monitor.store.replies import text

if TYPE_CHECKING:
    from redis import Redis
    from redis.client import Pipeline

    from monitor.store import Keys


@dataclass(frozen=True, slots=True)
class FailedJob:
    """A job that was given up; `args` is empty if the job was not one of ours."""

    id: str
    queue: QueueName
    args: list[Any]
    error: str
    failed_at: datetime


class Ledger:
    """Records what RQ does not keep about jobs."""

    def __init__(self, redis: Redis, keys: Keys) -> None:
        self._redis = redis
        self._keys = keys

    def _owe(self, queue: QueueName, job_id: str, args: list[Any], pipe: Pipeline) -> None:
        pipe.hset(self._keys.outstanding(queue), job_id, json.dumps(args))

    def begin(self, queue: QueueName, job_id: str) -> int:
        """Counts an attempt at a job; returns how often it was begun before."""
        return int(self._redis.hincrby(self._keys.attempts(queue), job_id, 1)) - 1

    def postpone(self, queue: QueueName, job_id: str) -> None:
        """Undoes `begin` for a job that could not be attempted after all."""
        self._redis.hincrby(self._keys.attempts(queue), job_id, -1)

    def begun(self, queue: QueueName, job_id: str) -> int:
        """Returns how often a job was begun."""
        return int(self._redis.hget(self._keys.attempts(queue), job_id) or 0)

    def all_running(self, queue: QueueName) -> set[str]:
        """Returns the ids of the jobs that are running, in any process."""
        return all_running(self._redis, self._keys, queue)

    def owed(self, queue: QueueName, job_id: str) -> list[Any] | None:
        """Returns the arguments of a job that is still to be done, or None if it is not owed.

        The job in RQ has no arguments, because they may change between two attempts. Raises
        ValueError if they cannot be read.
        """
        stored = self._redis.hget(self._keys.outstanding(queue), job_id)
        return None if stored is None else arguments_of(stored)

    def is_owed(self, queue: QueueName, job_id: str) -> bool:
        """Returns whether a job is still to be done."""
        return bool(self._redis.hexists(self._keys.outstanding(queue), job_id))

    def all_owed(self, queue: QueueName) -> set[str]:
        """Returns the ids of all jobs that are still to be done."""
        return {text(job_id) for job_id in self._redis.hkeys(self._keys.outstanding(queue))}

    def count_owed(self, queue: QueueName) -> int:
        """Returns how many jobs are still to be done."""
        return int(self._redis.hlen(self._keys.outstanding(queue)))

    def owes(self, delivery: Delivery) -> bool:
        """Returns whether a job still has to make this delivery; a held one has no job."""
        return self.owed("deliveries", delivery_id(delivery)) is not None

    def narrow(self, job_id: str, remaining: Delivery, pipe: Pipeline) -> None:
        """Reduces a delivery's job to the part that remains, in the given transaction."""
        self._owe("deliveries", job_id, arguments(remaining), pipe)

    def settle(self, queue: QueueName, job_id: str, pipe: Pipeline) -> None:
        """Removes a job that is done, in the given transaction."""
        pipe.hdel(self._keys.outstanding(queue), job_id)
        pipe.hdel(self._keys.attempts(queue), job_id)
        pipe.hdel(self._keys.running(queue), job_id)

    def give_up(self, queue: QueueName, job_id: str, error: str) -> None:
        """Moves a job to the failed ones, which operators see; does nothing if it is not owed."""
        try:
            args = self.owed(queue, job_id)
        except ValueError as fault:
            args, error = [], f"its arguments in Redis cannot be read: {fault}"
        if args is None:
            return
        with self._redis.pipeline() as pipe:
            self._fail(queue, job_id, args, error, pipe)
            self.settle(queue, job_id, pipe)
            pipe.execute()

    def fail_delivery(self, delivery: Delivery, error: str, pipe: Pipeline) -> None:
        """Adds a delivery to the failed jobs, which operators see, in the given transaction."""
        self._fail("deliveries", delivery_id(delivery), arguments(delivery), error, pipe)

    def refuse(self, queue: QueueName, job_id: str, why: str, pipe: Pipeline) -> None:
        """Adds a job that is not one of ours to the failed jobs, in the given transaction.

        If a job of ours is owed under the same id, it stays owed.
        """
        self._fail(queue, job_id, [], why, pipe)

    def _fail(
        self, queue: QueueName, job_id: str, args: list[Any], error: str, pipe: Pipeline
    ) -> None:
        failed_at = datetime.now(UTC).isoformat()
        record = {"args": args, "error": error, "failed_at": failed_at}
        pipe.hset(self._keys.failed(queue), job_id, json.dumps(record))

    def drop(self, job: FailedJob, pipe: Pipeline) -> None:
        """Forgets a job that was given up, in the given transaction."""
        pipe.hdel(self._keys.failed(job.queue), job.id)

    def forget_failed(self, before: datetime) -> int:
        """Forgets the jobs that were given up before the given time; returns how many."""
        old = [job for job in self.all_failed() if job.failed_at < before]
        with self._redis.pipeline() as pipe:
            for job in old:
                self.drop(job, pipe)
            pipe.execute()
        return len(old)

    def failed(self, queue: QueueName) -> list[FailedJob]:
        """Returns the jobs of one kind that were given up, newest first."""
        jobs = [
            _failed_job(queue, text(job_id), stored)
            for job_id, stored in self._redis.hscan_iter(self._keys.failed(queue))
        ]
        return sorted(jobs, key=attrgetter("failed_at"), reverse=True)

    def all_failed(self) -> list[FailedJob]:
        """Returns the jobs of all kinds that were given up, newest first."""
        jobs = [job for kind in get_args(QueueName) for job in self.failed(kind)]
        return sorted(jobs, key=attrgetter("failed_at"), reverse=True)


def _failed_job(queue: QueueName, job_id: str, stored: bytes) -> FailedJob:
    try:
        record = json.loads(stored)
        failed_at = datetime.fromisoformat(record["failed_at"])
        return FailedJob(job_id, queue, record["args"], record["error"], failed_at)
    except (ValueError, TypeError, KeyError) as error:
        # As of now, so that it is shown until an operator drops it.
        return FailedJob(
            job_id, queue, [], f"its record cannot be read: {error}", datetime.now(UTC)
        )


def delivery_id(delivery: Delivery) -> str:
    """Returns the id of the job that makes a delivery."""
    return f"delivery-{content_id(delivery.subscriber, delivery.id, *delivery.to)}"


def arguments(delivery: Delivery) -> list[Any]:
    """Returns the arguments of the job that makes a delivery."""
    return [as_plain(delivery)]
