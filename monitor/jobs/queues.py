"""Enqueues RQ jobs; no other module does."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

import structlog
from redis.exceptions import RedisError, ResponseError
from rq import Queue, Retry
from rq.exceptions import NoSuchJobError
from rq.utils import now, utcformat

from monitor.jobs.ledger import FailedJob, Ledger, arguments, delivery_id
from monitor.jobs.limits import DELIVERY
from monitor.jobs.lines import Lines, all_waiting, count_waiting
from monitor.jobs.own_jobs import (
    DELIVER,
    LANES,
    SERIALIZER,
    EntryQueue,
    Lane,
    OwnJob,
    OwnQueue,
    QueueName,
)
from monitor.jobs.recovery import Recovery
from monitor.jobs.runner import RENEWAL, Runner
from monitor.model import Alert, Delivery, content_id
from monitor.store.replies import text
from monitor.threads import repeating

if TYPE_CHECKING:
    from redis import Redis
    from redis.client import Pipeline

    from monitor.store import Keys

# This many entries of one poll go into the ordinary queue; the others wait in the bulk queue, so
# that they do not delay the entries of later polls. Between two polls, most feeds have one or two
# new entries.
FRONT = 5
# A finished job is of no further use, but RQ needs a moment to record that it has finished.
RESULT_TTL = timedelta(minutes=1)
FAILURE_TTL = timedelta(days=7)
# So many jobs whose pause is over are enqueued at once.
MOST_DUE = 1_000
# For unforeseen errors; jobs handle the others themselves.
RETRY = Retry(max=4, interval=[5, 30, 120, 600])

__all__ = ["FRONT", "LANES", "SERIALIZER", "Depth", "FailedJob", "Lane", "QueueName", "Queues"]

log = structlog.stdlib.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Depth:
    """The amount of work of one kind, in jobs.

    `waiting` jobs wait for their turn at a host, `scheduled` ones for the time of a retry, and
    `owed` are all that are still to be done, those that are running included.
    """

    queued: int
    waiting: int
    scheduled: int
    owed: int
    failed: int


class Queues(Ledger):
    """The RQ queues of Presswatch, and the ledger of their jobs."""

    def __init__(self, redis: Redis, keys: Keys) -> None:
        super().__init__(redis, keys)
        self._recovery = Recovery(redis, self)

    @cached_property
    def rq(self) -> dict[QueueName, OwnQueue]:
        """Returns RQ's queues by the kind of job; of the lanes of entries, the ordinary one."""
        return {
            "deliveries": self._queue(OwnQueue, "deliveries"),
            "articles": self._lanes["articles"],
        }

    @cached_property
    def _lanes(self) -> dict[Lane, OwnQueue]:
        return {lane: self._queue(EntryQueue, lane) for lane in LANES}

    def _queue(self, kind: type[OwnQueue], name: str) -> OwnQueue:
        return kind(self._keys.queue(name), connection=self._redis, serializer=SERIALIZER)

    def served(self, kind: QueueName) -> list[OwnQueue]:
        """Returns the queues of one kind of job, in the order in which workers empty them."""
        return list(self._lanes.values()) if kind == "articles" else [self.rq[kind]]

    def lane_of(self, queue: Queue) -> Lane:
        """Returns the lane of a queue from which a worker took a job."""
        return next(lane for lane, own in self._lanes.items() if own.name == queue.name)

    def all_served(self) -> list[OwnQueue]:
        """Returns all queues."""
        return [queue for kind in self.rq for queue in self.served(kind)]

    def enqueue_entry(
        self,
        feed_id: str,
        entry: dict[str, Any],
        version: str,
        pipe: Pipeline,
        *,
        lane: Lane = "articles",
        polled_at: datetime | None = None,
    ) -> None:
        """Enqueues the job that fetches and matches one version of an entry, in the transaction.

        `polled_at` is when its feed was polled. The transaction must be past its MULTI.
        """
        # Entries with the same text at different addresses are different jobs.
        address = (entry.get("url") or "", entry.get("guid") or "")
        job_id = f"entry-{content_id(feed_id, *address, version)}"
        polled = [] if polled_at is None else [round(polled_at.timestamp(), 3)]
        self._owe("articles", job_id, [feed_id, entry, *polled], pipe)
        self._push(self._lanes[lane], job_id, pipe)

    def enqueue_delivery(self, delivery: Delivery, pipe: Pipeline) -> None:
        """Enqueues the job that makes a delivery, in the transaction."""
        job_id = delivery_id(delivery)
        self._owe("deliveries", job_id, arguments(delivery), pipe)
        self._push(self.rq["deliveries"], job_id, pipe)

    def enqueue_deliveries(self, alert: Alert, pipe: Pipeline) -> None:
        """Enqueues the deliveries of an alert to all of its subscribers, in the transaction."""
        for name in alert.subscribers:
            self.enqueue_delivery(Delivery(name, (alert.id,)), pipe)

    def enqueue_again(self, kind: QueueName, job_id: str) -> None:
        """Enqueues a job if it is still owed: a worker may have done it in the meantime."""
        outstanding = self._keys.outstanding(kind)

        def push(pipe: Pipeline) -> None:
            is_owed = pipe.hexists(outstanding, job_id)
            pipe.multi()
            if is_owed:
                self._push(self.rq[kind], job_id, pipe)

        self._redis.transaction(push, outstanding)

    def again(self, job_id: str, pause_s: float, pipe: Pipeline) -> None:
        """Lets the job of an entry run again after a pause, in the given transaction.

        This process then no longer has it. The job waits in bulk: what the feed says has been
        matched, and the pages of a site that fails must not delay the entries of others.
        """
        # RQ's times are whole seconds; rounded down, a host would be asked before it wants to be.
        due = math.ceil(time.time() + pause_s)
        pipe.zadd(self._due_again, {job_id: due})
        pipe.hdel(self._keys.running("articles"), job_id)

    @property
    def _due_again(self) -> str:
        """Returns the key of RQ's registry that holds the jobs of entries that run again."""
        return str(self._lanes["bulk"].scheduled_job_registry.key)

    def runner(self) -> Runner:
        """Returns a new runner, by which the other processes see what this one runs."""
        return Runner(self._redis, self._keys, self._discard)

    @contextmanager
    def running(self, kind: QueueName, job_id: str) -> Iterator[bool]:
        """Claims a job while the block runs; yields False if another process has it."""
        runner = self.runner()
        try:
            if not runner.claim(kind, job_id):
                yield False
                return
            with repeating(runner.renew, RENEWAL, "runner", despite=RedisError):
                yield True
        finally:
            with suppress(RedisError):
                runner.give_back(kind, job_id)
                runner.close()

    def lines(
        self, *, at_once: int, delay: timedelta, lease: timedelta, in_all: int | None = None
    ) -> Lines:
        """Returns the lines in which jobs wait for their hosts, with the given limits."""
        return Lines(
            self._redis, self._keys, at_once=at_once, delay=delay, lease=lease, in_all=in_all
        )

    def all_waiting(self, kind: QueueName) -> set[str]:
        """Returns the ids of all jobs that wait in lines."""
        return all_waiting(self._redis, self._keys) if kind == "articles" else set()

    def retry(self, job: FailedJob) -> None:
        """Enqueues a job that was given up, and counts its attempts from zero."""
        with self._redis.pipeline() as pipe:
            pipe.multi()
            self.drop(job, pipe)
            pipe.hdel(self._keys.attempts(job.queue), job.id)
            self._owe(job.queue, job.id, job.args, pipe)
            self._push(self.rq[job.queue], job.id, pipe)
            pipe.execute()

    def _push(self, queue: OwnQueue, job_id: str, pipe: Pipeline) -> None:
        if not isinstance(queue, EntryQueue):
            moment = utcformat(now())
            # RQ's default description contains all arguments, and goes to its log.
            own = {"created_at": moment, "enqueued_at": moment, "description": job_id}
            record: Any = self._record | own
            pipe.hset(OwnJob.key_for(job_id), mapping=record)
        queue.push_job_id(job_id, pipeline=pipe)

    @cached_property
    def _record(self) -> dict[str, Any]:
        """Returns what RQ stores of every delivery; RQ would compute it again for each."""
        queue = self.rq["deliveries"]
        job = queue.create_job(
            DELIVER,
            timeout=int(DELIVERY.total_seconds()),
            result_ttl=int(RESULT_TTL.total_seconds()),
            failure_ttl=int(FAILURE_TTL.total_seconds()),
            retry=RETRY,
        )
        return {**job.to_dict(), "origin": queue.name}

    def depths(self) -> dict[QueueName, Depth]:
        """Returns how much work of each kind there is."""
        return {
            kind: Depth(
                queued=sum(queue.count for queue in self.served(kind)),
                waiting=count_waiting(self._redis, self._keys) if kind == "articles" else 0,
                scheduled=self.scheduled(kind),
                owed=self.count_owed(kind),
                failed=int(self._redis.hlen(self._keys.failed(kind))),
            )
            for kind in self.rq
        }

    def waiting_since(self, kind: QueueName) -> datetime | None:
        """Returns since when the oldest job in the queues of one kind has waited, or None.

        A delivery waits since it was enqueued, an entry since its feed was polled. Jobs that wait
        for their host's turn or for the time of a retry do not count.
        """
        first = [job_id for queue in self.served(kind) for job_id in queue.get_job_ids(0, 1)]
        moments = [self._waits_since(kind, job_id) for job_id in first]
        return min((moment for moment in moments if moment), default=None)

    def _waits_since(self, kind: QueueName, job_id: str) -> datetime | None:
        if kind == "articles":
            # Those of earlier versions do not know when.
            polled_at = (self.owed(kind, job_id) or [])[2:3]
            return datetime.fromtimestamp(polled_at[0], UTC) if polled_at else None
        enqueued_at = self._redis.hget(OwnJob.key_for(job_id), "enqueued_at")
        return datetime.fromisoformat(text(enqueued_at)) if enqueued_at else None

    def scheduled(self, kind: QueueName) -> int:
        """Returns how many jobs of one kind wait for the time of their retry."""
        return sum(len(queue.scheduled_job_registry) for queue in self.served(kind))

    def enqueue_due(self) -> None:
        """Enqueues the jobs whose retry is due.

        RQ's workers could do it, but if the one that holds the lock for it is killed, the others
        take a minute or two to notice. RQ also reads the jobs' records first: it drops jobs that
        have none, as those of entries, and fails for all of them if it cannot read one. A worker
        refuses that one alone. To be called every second, by one process.
        """
        for queue in self.all_served():
            scheduled = queue.scheduled_job_registry.key
            due: Any = self._redis.zrangebyscore(
                scheduled, "-inf", int(time.time()), start=0, num=MOST_DUE
            )
            with self._redis.pipeline() as pipe:
                for job_id in due:
                    pipe.zrem(scheduled, job_id)
                    queue.push_job_id(job_id, pipeline=pipe)
                pipe.execute()

    def recover(self) -> list[str]:
        """Enqueues lost jobs again, and gives up those that never end; returns their ids.

        To be called every few seconds, by one process.
        """
        self._redis.sadd(OwnQueue.redis_queues_keys, *(queue.key for queue in self.all_served()))
        return self._recovery.recover()

    def _discard(self, kind: QueueName, job_id: str) -> None:
        """Refuses a job that is not owed if RQ has a record of it, which none of ours has."""
        try:
            job = OwnJob(job_id, connection=self._redis, serializer=SERIALIZER)
            job.refresh()  # type: ignore[no-untyped-call]
        except NoSuchJobError:
            return
        except Exception as error:
            # Anyone can store a job, in any form, or something else in its place.
            if isinstance(error, RedisError) and not isinstance(error, ResponseError):
                raise
            reason: str | None = f"not one of our jobs: {error}"
        else:
            reason = job.refusal(kind)
        if reason:
            log.error("job refused", job=job_id, queue=kind, reason=reason)
            self.refuse_job(kind, job_id, reason)

    def refuse_job(self, kind: QueueName, job_id: str, why: str) -> None:
        """Moves a job that is not one of ours to those failed, which operators see."""
        with self._redis.pipeline() as pipe:
            self.refuse(kind, job_id, why, pipe)
            pipe.delete(OwnJob.key_for(job_id))
            pipe.execute()
