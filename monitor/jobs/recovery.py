"""Enqueues again the jobs that RQ lost.

RQ may lose a job between two of its own steps when a worker is killed, and takes minutes to notice
a dead worker. Whether it then calls the job failed or retries it does not matter here: a job that
is owed, but neither queued, nor scheduled, nor waiting in a line, nor running, is enqueued again.
So every job must be idempotent.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from rq.job import Job
from rq.utils import current_timestamp

from monitor.jobs.liveness import bury
from monitor.store.replies import text

if TYPE_CHECKING:
    from redis import Redis

    from monitor.jobs.own_jobs import OwnQueue, QueueName
    from monitor.jobs.queues import Queues

# A job that was begun this often without an end is assumed to kill its workers.
MAX_ATTEMPTS = 12
# So often may the job of an entry be lost before that counts: readers end for many reasons, but
# after few attempts a page is taken for one that kills its reader, and not fetched any more.
FORGIVEN = 8


class Recovery:
    """Looks for lost jobs again and again, in one process."""

    def __init__(self, redis: Redis, queues: Queues) -> None:
        self._redis = redis
        self._queues = queues
        # Owed jobs that were nowhere at the last look. A job between two steps of RQ is nowhere for
        # a moment, so only one that is nowhere at two looks is lost.
        self._missing: set[str] = set()
        # How often each owed job was lost, as far as this process knows.
        self._losses: Counter[str] = Counter()

    def recover(self) -> list[str]:
        """Enqueues lost jobs again, and gives up those that never end; returns their ids."""
        recovered: list[str] = []
        missing: set[str] = set()
        losses: Counter[str] = Counter()
        for kind in self._queues.rq:
            # The ledger is read first, so that a job enqueued afterwards is not taken for lost.
            owed = self._queues.all_owed(kind)
            lost = self._lost(kind, owed) if owed else set()
            missing |= lost - self._missing
            for job_id in sorted(lost & self._missing):
                self._recover(kind, job_id)
                recovered.append(job_id)
            losses.update({job_id: self._losses[job_id] for job_id in owed & self._losses.keys()})
            for queue in self._queues.served(kind):
                self._tidy(queue, owed)
        self._missing, self._losses = missing, losses
        bury(self._redis, (queue.name for queue in self._queues.all_served()))
        return recovered

    def _lost(self, kind: QueueName, owed: set[str]) -> set[str]:
        """Returns the owed jobs that neither RQ has, nor a line, nor a process."""
        for queue in self._queues.served(kind):
            # Read in the order in which a job moves, so that a moving job is seen at least once.
            # RQ's own methods fail for all if one id is not valid UTF-8.
            scheduled: Any = self._redis.zrange(queue.scheduled_job_registry.key, 0, -1)
            owed = owed.difference(map(text, scheduled))
            queued: Any = self._redis.lrange(queue.key, 0, -1)
            owed = owed.difference(map(text, queued))
        owed = owed - self._queues.all_waiting(kind)
        return owed - self._queues.all_running(kind)

    def _recover(self, kind: QueueName, job_id: str) -> None:
        attempts = self._queues.begun(kind, job_id)
        if attempts >= MAX_ATTEMPTS:
            self._queues.give_up(kind, job_id, f"begun {attempts} times, never ended")
            return
        self._losses[job_id] += 1
        # One attempt always counts: the next one then begins with the feed's words.
        if kind == "articles" and attempts > 1 and self._losses[job_id] <= FORGIVEN:
            self._queues.postpone(kind, job_id)
        self._queues.enqueue_again(kind, job_id)

    def _tidy(self, queue: OwnQueue, owed: set[str]) -> None:
        """Removes RQ's records of jobs that ended long ago, or when their worker was killed.

        RQ's workers would do the latter by calling these jobs failed.
        """
        now = current_timestamp()
        started = queue.started_job_registry
        with self._redis.pipeline() as pipe:
            for job_id in set(started.get_expired_job_ids(now)) - owed:
                pipe.delete(Job.key_for(job_id))
            for registry in (started, queue.finished_job_registry, queue.failed_job_registry):
                pipe.zremrangebyscore(registry.key, 0, now)
            pipe.execute()
