"""The only place that enqueues RQ jobs, and that knows which of them are still owed.

RQ may lose a job between two of its own steps when a worker is killed, and takes minutes to
notice a dead worker. So each job is also written down here, in the same transaction, and struck
out in the transaction that does its work. What is owed but that RQ neither queues, nor has
scheduled, nor runs in a living worker, is enqueued again: every job must be idempotent.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Literal

from rq import Queue, Retry
from rq.exceptions import NoSuchJobError
from rq.job import Job, JobStatus
from rq.scheduler import RQScheduler
from rq.serializers import JSONSerializer

from monitor.liveness import living
from monitor.model import Delivery, as_plain, content_id
from monitor.store.replies import text

if TYPE_CHECKING:
    from redis import Redis
    from redis.client import Pipeline

    from monitor.store import Keys

QueueName = Literal["articles", "deliveries"]

# The longest that one job may run: two fetches with their time limits, and cleaning.
JOB_TIMEOUT = timedelta(seconds=60)
# A finished job is of no use to anybody; RQ wants a moment to write that it has finished.
RESULT_TTL = timedelta(minutes=1)
FAILURE_TTL = timedelta(days=7)
# For errors that nobody foresaw; what is foreseen is handled within the job.
RETRY = Retry(max=4, interval=[5, 30, 120, 600])
# A job that is started afresh this often, by killed workers each time, is taken to be the killer.
MOST_ATTEMPTS = 12

SERIALIZER = JSONSerializer
_FUNCTIONS: dict[QueueName, str] = {
    "articles": "workers.jobs.process_entry",
    "deliveries": "workers.jobs.deliver",
}


@dataclass(frozen=True, slots=True)
class FailedJob:
    """A job that was given up; `args` are the job's own."""

    id: str
    queue: QueueName
    args: list[Any]
    error: str
    failed_at: datetime


@dataclass(frozen=True, slots=True)
class Depth:
    """How much work a queue holds: waiting now, waiting for a retry, owed in all, given up."""

    queued: int
    scheduled: int
    owed: int
    failed: int


class Queues:
    """RQ's queues of Presswatch."""

    def __init__(self, redis: Redis, keys: Keys) -> None:
        self._redis = redis
        self._keys = keys
        # Owed jobs that RQ did not know at the last look: a job between two steps of RQ's is
        # unknown for a moment, so it takes two looks to call one lost.
        self._missing: set[str] = set()

    @cached_property
    def rq(self) -> dict[QueueName, Queue]:
        """RQ's own queues, in the order in which workers empty them."""
        # Deliveries come first: an alert that is known shall not wait behind a thousand articles.
        names: tuple[QueueName, ...] = ("deliveries", "articles")
        return {
            name: Queue(self._keys.queue(name), connection=self._redis, serializer=SERIALIZER)
            for name in names
        }

    def enqueue_entry(
        self, feed_id: str, entry: dict[str, Any], version: str, pipe: Pipeline
    ) -> None:
        """Add to a transaction: the job that fetches and matches one version of an entry.

        The transaction must be past its MULTI, as RQ wants it.
        """
        # Entries that say the same words at different addresses are different jobs.
        address = (entry.get("url") or "", entry.get("guid") or "")
        job_id = f"entry-{content_id(feed_id, *address, version)}"
        self._enqueue("articles", job_id, [feed_id, entry], pipe)

    def enqueue_delivery(self, delivery: Delivery, pipe: Pipeline) -> None:
        """Add to a transaction: the job that brings alerts to a subscriber."""
        self._enqueue("deliveries", _delivery_id(delivery), _arguments(delivery), pipe)

    def _enqueue(self, queue: QueueName, job_id: str, args: list[Any], pipe: Pipeline) -> None:
        self._promise(queue, job_id, args, pipe)
        self._push(queue, job_id, pipe)

    def _promise(self, queue: QueueName, job_id: str, args: list[Any], pipe: Pipeline) -> None:
        pipe.hset(self._keys.outstanding(queue), job_id, json.dumps(args))

    def _push(self, queue: QueueName, job_id: str, pipe: Pipeline) -> None:
        self.rq[queue].enqueue_call(
            _FUNCTIONS[queue],
            job_id=job_id,
            timeout=int(JOB_TIMEOUT.total_seconds()),
            result_ttl=int(RESULT_TTL.total_seconds()),
            failure_ttl=int(FAILURE_TTL.total_seconds()),
            retry=RETRY,
            # RQ's own description holds all arguments, and goes to its log.
            description=job_id,
            pipeline=pipe,
        )

    def begin(self, queue: QueueName, job_id: str) -> int:
        """Note that a job is begun; returns how often it was begun before."""
        return int(self._redis.hincrby(self._keys.attempts(queue), job_id, 1)) - 1

    def attempts(self, queue: QueueName, job_id: str) -> int:
        """How often a job was begun."""
        return int(self._redis.hget(self._keys.attempts(queue), job_id) or 0)

    def postpone(self, queue: QueueName, job_id: str) -> None:
        """Note that a job that was begun could not even be tried."""
        self._redis.hincrby(self._keys.attempts(queue), job_id, -1)

    def owed(self, queue: QueueName, job_id: str) -> list[Any] | None:
        """The arguments of a job that has still to be done, None where it has been.

        RQ's own copy of a job carries none: what is left to do may change between two attempts.
        """
        stored = self._redis.hget(self._keys.outstanding(queue), job_id)
        return list(json.loads(stored)) if stored else None

    def owes(self, delivery: Delivery) -> bool:
        """Whether this delivery has still to be made, as far as it is not held."""
        return self.owed("deliveries", _delivery_id(delivery)) is not None

    def narrow(self, job_id: str, left: Delivery, pipe: Pipeline) -> None:
        """Add to a transaction: of this delivery, only so much is still to be made."""
        self._promise("deliveries", job_id, _arguments(left), pipe)

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
        self._fail("deliveries", _delivery_id(delivery), _arguments(delivery), error, pipe)

    def _fail(
        self, queue: QueueName, job_id: str, args: list[Any], error: str, pipe: Pipeline
    ) -> None:
        failed_at = datetime.now(UTC).isoformat()
        record = {"args": args, "error": error, "failed_at": failed_at}
        pipe.hset(self._keys.failed(queue), job_id, json.dumps(record))

    def retry(self, job: FailedJob) -> None:
        """Owe a job again that was given up, and begin to count anew."""
        with self._redis.pipeline() as pipe:
            pipe.multi()
            self.drop(job, pipe)
            pipe.hdel(self._keys.attempts(job.queue), job.id)
            self._enqueue(job.queue, job.id, job.args, pipe)
            pipe.execute()

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
        """The jobs of all queues that were given up, newest first."""
        found = [job for name in self.rq for job in self.failed(name)]
        return sorted(found, key=attrgetter("failed_at"), reverse=True)

    def depths(self) -> dict[QueueName, Depth]:
        """How much work there is."""
        return {
            name: Depth(
                queued=queue.count,
                scheduled=len(queue.scheduled_job_registry),
                owed=int(self._redis.hlen(self._keys.outstanding(name))),
                failed=int(self._redis.hlen(self._keys.failed(name))),
            )
            for name, queue in self.rq.items()
        }

    def waiting(self, queue: QueueName) -> int:
        """How many jobs are to run again at a time that is set."""
        return len(self.rq[queue].scheduled_job_registry)

    def enqueue_due(self) -> None:
        """Enqueue the jobs that are to be tried again, and whose time has come.

        RQ's workers would do it, but where the one that has the lock for it is killed, the others
        take a minute or two to notice. To be called every second, by one process.
        """
        self._rq_scheduler.enqueue_scheduled_jobs()  # type: ignore[no-untyped-call]

    @cached_property
    def _rq_scheduler(self) -> RQScheduler:
        names = [queue.name for queue in self.rq.values()]
        scheduler = RQScheduler(names, connection=self._redis, serializer=SERIALIZER)
        scheduler.prepare_registries(names)
        return scheduler

    def recover(self) -> list[str]:
        """Enqueue again what is owed and was lost, give up what failed; returns these jobs' ids.

        To be called every few seconds, by one process.
        """
        recovered: list[str] = []
        missing: set[str] = set()
        for name in self.rq:
            # What is owed is read first: a job enqueued afterwards cannot be taken for lost.
            owed = {text(job) for job in self._redis.hkeys(self._keys.outstanding(name))}
            lost = owed - self._known(name) if owed else set()
            missing |= lost
            for job_id in sorted(lost & self._missing):
                self._recover(name, job_id)
                recovered.append(job_id)
        self._missing = missing
        return recovered

    def _known(self, name: QueueName) -> set[str]:
        """The ids of jobs that RQ will run or is running."""
        queue = self.rq[name]
        running = {
            execution.job_id
            for worker in living(self._redis)
            for execution in worker.get_current_executions(refresh=True)
        }
        return running | set(queue.scheduled_job_registry.get_job_ids()) | set(queue.get_job_ids())

    def _recover(self, name: QueueName, job_id: str) -> None:
        try:
            job = Job.fetch(job_id, connection=self._redis, serializer=SERIALIZER)
            failed = job.get_status(refresh=False) == JobStatus.FAILED
        except NoSuchJobError:
            failed = False
        if failed:
            result = job.latest_result()
            lines = (result.exc_string if result and result.exc_string else "").strip().splitlines()
            self.give_up(name, job_id, lines[-1] if lines else "failed for no known reason")
            return
        attempts = int(self._redis.hget(self._keys.attempts(name), job_id) or 0)
        if attempts >= MOST_ATTEMPTS:
            self.give_up(name, job_id, f"begun {attempts} times, never ended")
            return

        outstanding = self._keys.outstanding(name)

        def push(pipe: Pipeline) -> None:
            is_owed = pipe.hexists(outstanding, job_id)
            pipe.multi()
            if is_owed:
                self._push(name, job_id, pipe)

        self._redis.transaction(push, outstanding)


def _delivery_id(delivery: Delivery) -> str:
    return f"delivery-{content_id(delivery.subscriber, delivery.id, *delivery.to)}"


def _arguments(delivery: Delivery) -> list[Any]:
    return [as_plain(delivery)]
