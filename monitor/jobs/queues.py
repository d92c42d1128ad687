"""The only place that enqueues RQ jobs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

from rq import Retry
from rq.scheduler import RQScheduler

from monitor.jobs.ledger import FailedJob, Ledger, arguments, delivery_id
from monitor.jobs.limits import DELIVERY, entry_limit
from monitor.jobs.own_jobs import FUNCTIONS, SERIALIZER, OwnJob, OwnQueue, QueueName
from monitor.jobs.recovery import Recovery
from monitor.model import Delivery, content_id

if TYPE_CHECKING:
    from redis import Redis
    from redis.client import Pipeline

    from monitor.store import Keys

# Of the entries that one poll finds, so many are read before those of others that come later.
FRONT = 20
# A finished job is of no use to anybody; RQ wants a moment to write that it has finished.
RESULT_TTL = timedelta(minutes=1)
FAILURE_TTL = timedelta(days=7)
# For errors that nobody foresaw; what is foreseen is handled within the job.
RETRY = Retry(max=4, interval=[5, 30, 120, 600])

__all__ = ["FRONT", "SERIALIZER", "Depth", "FailedJob", "QueueName", "Queues"]


@dataclass(frozen=True, slots=True)
class Depth:
    """How much work there is of a kind: waiting now, for a retry, owed in all, given up."""

    queued: int
    scheduled: int
    owed: int
    failed: int


class Queues(Ledger):
    """RQ's queues of Presswatch, and the ledger of what they owe."""

    def __init__(self, redis: Redis, keys: Keys, *, fetch: timedelta) -> None:
        """Let the job of an entry take as long as it needs where fetching takes up to `fetch`."""
        super().__init__(redis, keys)
        self._limits: dict[QueueName, timedelta] = {
            "articles": entry_limit(fetch),
            "deliveries": DELIVERY,
        }
        self._recovery = Recovery(redis, self)

    @cached_property
    def rq(self) -> dict[QueueName, OwnQueue]:
        """RQ's own queues, by the kind of job, in the order in which workers empty them."""
        # Deliveries come first: an alert that is known shall not wait behind a thousand articles.
        return {"deliveries": self._queue("deliveries"), "articles": self._queue("articles")}

    @cached_property
    def _bulk(self) -> OwnQueue:
        return self._queue("bulk")

    def _queue(self, name: str) -> OwnQueue:
        return OwnQueue(self._keys.queue(name), connection=self._redis, serializer=SERIALIZER)

    def served(self, kind: QueueName) -> list[OwnQueue]:
        """The queues that hold jobs of a kind; a worker takes from one what those before lack."""
        return [self.rq[kind], self._bulk] if kind == "articles" else [self.rq[kind]]

    def all_served(self) -> list[OwnQueue]:
        """All queues."""
        return [queue for kind in self.rq for queue in self.served(kind)]

    def limit_s(self, kind: QueueName) -> int:
        """How long a job of this kind may run, in seconds."""
        return int(self._limits[kind].total_seconds())

    def enqueue_entry(
        self,
        feed_id: str,
        entry: dict[str, Any],
        version: str,
        pipe: Pipeline,
        *,
        bulk: bool = False,
    ) -> None:
        """Add to a transaction: the job that fetches and matches one version of an entry.

        It waits for all that are not `bulk`. The transaction must be past its MULTI, as RQ wants
        it.
        """
        # Entries that say the same words at different addresses are different jobs.
        address = (entry.get("url") or "", entry.get("guid") or "")
        job_id = f"entry-{content_id(feed_id, *address, version)}"
        self._promise("articles", job_id, [feed_id, entry], pipe)
        self._push("articles", job_id, pipe, self._bulk if bulk else None)

    def enqueue_delivery(self, delivery: Delivery, pipe: Pipeline) -> None:
        """Add to a transaction: the job that brings alerts to a subscriber."""
        job_id = delivery_id(delivery)
        self._promise("deliveries", job_id, arguments(delivery), pipe)
        self._push("deliveries", job_id, pipe)

    def enqueue_again(self, kind: QueueName, job_id: str) -> None:
        """Enqueue a job that is owed; not one that somebody has done in this moment."""
        outstanding = self._keys.outstanding(kind)

        def push(pipe: Pipeline) -> None:
            is_owed = pipe.hexists(outstanding, job_id)
            pipe.multi()
            if is_owed:
                self._push(kind, job_id, pipe)

        self._redis.transaction(push, outstanding)

    def retry(self, job: FailedJob) -> None:
        """Owe a job again that was given up, and begin to count anew."""
        with self._redis.pipeline() as pipe:
            pipe.multi()
            self.drop(job, pipe)
            pipe.hdel(self._keys.attempts(job.queue), job.id)
            self._promise(job.queue, job.id, job.args, pipe)
            self._push(job.queue, job.id, pipe)
            pipe.execute()

    def _push(
        self, kind: QueueName, job_id: str, pipe: Pipeline, queue: OwnQueue | None = None
    ) -> None:
        (queue or self.rq[kind]).enqueue_call(
            FUNCTIONS[kind],
            job_id=job_id,
            timeout=self.limit_s(kind),
            result_ttl=int(RESULT_TTL.total_seconds()),
            failure_ttl=int(FAILURE_TTL.total_seconds()),
            retry=RETRY,
            # RQ's own description holds all arguments, and goes to its log.
            description=job_id,
            pipeline=pipe,
        )

    def depths(self) -> dict[QueueName, Depth]:
        """How much work there is."""
        return {
            kind: Depth(
                queued=sum(queue.count for queue in self.served(kind)),
                scheduled=self.waiting(kind),
                owed=int(self._redis.hlen(self._keys.outstanding(kind))),
                failed=int(self._redis.hlen(self._keys.failed(kind))),
            )
            for kind in self.rq
        }

    def waiting(self, kind: QueueName) -> int:
        """How many jobs are to run again at a time that is set."""
        return sum(len(queue.scheduled_job_registry) for queue in self.served(kind))

    def enqueue_due(self) -> None:
        """Enqueue the jobs that are to be tried again, and whose time has come.

        RQ's workers would do it, but where the one that has the lock for it is killed, the others
        take a minute or two to notice. To be called every second, by one process.
        """
        self._rq_scheduler.enqueue_scheduled_jobs()  # type: ignore[no-untyped-call]

    @cached_property
    def _rq_scheduler(self) -> RQScheduler:
        names = [queue.name for queue in self.all_served()]
        scheduler = RQScheduler(names, connection=self._redis, serializer=SERIALIZER)
        scheduler.prepare_registries(names)
        return scheduler

    def recover(self) -> list[str]:
        """Enqueue again what is owed and was lost, give up what never ends; returns the ids.

        To be called every few seconds, by one process.
        """
        return self._recovery.recover()

    def refuse_job(self, kind: QueueName, job_id: str, why: str) -> None:
        """Move a job that is not one of ours to those that failed, where an operator sees it."""
        with self._redis.pipeline() as pipe:
            self.refuse(kind, job_id, why, pipe)
            pipe.delete(OwnJob.key_for(job_id))
            pipe.execute()
