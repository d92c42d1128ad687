"""Jobs that RQ lost come back, by what is owed and by who runs it.

RQ may lose a job between two of its own steps when a worker is killed, and takes minutes to
notice a dead worker; what it then makes of the worker's job, a failure or another try, is not
asked for here. What is owed but neither queued, nor scheduled, nor run by anybody, is enqueued
again: every job must be idempotent.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rq.job import Job
from rq.utils import current_timestamp

from monitor.jobs.liveness import bury

if TYPE_CHECKING:
    from redis import Redis

    from monitor.jobs.own_jobs import OwnQueue, QueueName
    from monitor.jobs.queues import Queues

# A job that is started afresh this often, by killed workers each time, is taken to be the killer.
MOST_ATTEMPTS = 12


class Recovery:
    """Looks for lost jobs; one process does, again and again."""

    def __init__(self, redis: Redis, queues: Queues) -> None:
        self._redis = redis
        self._queues = queues
        # Owed jobs that nobody knew at the last look: a job between two steps of RQ's is unknown
        # for a moment, so it takes two looks to call one lost.
        self._missing: set[str] = set()

    def recover(self) -> list[str]:
        """Enqueue again what is owed and was lost, and give up what never ends; returns the ids."""
        recovered: list[str] = []
        missing: set[str] = set()
        for kind in self._queues.rq:
            # What is owed is read first: a job enqueued afterwards cannot be taken for lost.
            owed = self._queues.all_owed(kind)
            lost = self._lost(kind, owed) if owed else set()
            missing |= lost
            for job_id in sorted(lost & self._missing):
                self._recover(kind, job_id)
                recovered.append(job_id)
            for queue in self._queues.served(kind):
                self._tidy(queue, owed)
        self._missing = missing
        bury(self._redis, (queue.name for queue in self._queues.all_served()))
        return recovered

    def _lost(self, kind: QueueName, owed: set[str]) -> set[str]:
        """Those of the jobs owed that are neither queued, nor scheduled, nor run by anybody."""
        for queue in self._queues.served(kind):
            # In the order in which a job moves: one that moves meanwhile is seen in one of them.
            owed = owed - set(queue.scheduled_job_registry.get_job_ids())
            owed = owed - set(queue.get_job_ids())
        return owed - self._queues.running(kind, sorted(owed))

    def _recover(self, kind: QueueName, job_id: str) -> None:
        attempts = self._queues.begun(kind, job_id)
        if attempts >= MOST_ATTEMPTS:
            self._queues.give_up(kind, job_id, f"begun {attempts} times, never ended")
        else:
            self._queues.enqueue_again(kind, job_id)

    def _tidy(self, queue: OwnQueue, owed: set[str]) -> None:
        """Forget what RQ noted of jobs that ended long ago, or with the worker that ran them.

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
