"""RQ's workers as we use them: they run only our jobs, send heartbeats, and die with their pool."""

from __future__ import annotations

import os
import signal
import threading
import time
from datetime import timedelta

import structlog
from redis.client import Pipeline
from redis.exceptions import RedisError
from rq import Queue, SimpleWorker, Worker
from rq.job import Job
from rq.worker import BaseWorker

from monitor import threads
from monitor.jobs import liveness
from monitor.jobs.liveness import HEARTBEAT, WORKER_TTL
from monitor.jobs.own_jobs import SERIALIZER, OwnQueue, QueueName
from monitor.runtime.composition import Runtime
from monitor.runtime.lifeline import Tether
from monitor.runtime.logs import library_level
from workers.jobs import RunnableJob

log = structlog.stdlib.get_logger(__name__)

# A job that has not ended by then is interrupted, and another worker does it again.
DRAIN = timedelta(seconds=4)
# The longest wait of a worker between attempts to reach Redis.
LONGEST_WAIT_S = 5.0
# Libraries in C leak memory: after this many jobs a worker is replaced by a fresh one.
MOST_JOBS = 2000


class OwnWorker(BaseWorker):
    """The base of both kinds of workers."""

    kind: QueueName
    job_class = RunnableJob
    queue_class = OwnQueue
    max_connection_wait_time = LONGEST_WAIT_S

    def __init__(self, name: str, runtime: Runtime, tether: Tether) -> None:
        self._queues = runtime.queues
        self._tether = tether
        super().__init__(
            runtime.queues.served(self.kind),
            name=name,
            connection=runtime.redis,
            serializer=SERIALIZER,
            worker_ttl=int(WORKER_TTL.total_seconds()),
            job_monitoring_interval=int(HEARTBEAT.total_seconds()),
            # RQ's log line for each job contains its arguments.
            log_job_description=False,
        )

    def subscribe(self) -> None:
        """Starts RQ's thread for commands, which must not receive signals."""
        with threads.deaf():
            super().subscribe()  # type: ignore[no-untyped-call]

    def run_maintenance_tasks(self) -> None:
        """Does nothing: leases show which jobs are lost, and the scheduler recovers them."""

    @property
    def should_run_maintenance_tasks(self) -> bool:
        """Returns False; see `run_maintenance_tasks`."""
        return False

    def heartbeat(self, timeout: int | None = None, pipeline: Pipeline | None = None) -> None:
        """Sends a heartbeat, and registers the worker: RQ does so once, and Redis may lose it."""
        if pipeline is None:
            with self.connection.pipeline() as new_pipeline:
                self.heartbeat(timeout, new_pipeline)
                new_pipeline.execute()
            return
        super().heartbeat(timeout, pipeline)
        liveness.register(self, pipeline)

    def dequeue_job_and_maintain_ttl(
        self, timeout: int | None, max_idle_time: int | None = None
    ) -> tuple[Job, Queue] | None:
        """Takes the next job, and refuses those that cannot be read."""
        while True:
            try:
                return super().dequeue_job_and_maintain_ttl(timeout, max_idle_time)
            except Exception as error:
                job_id = getattr(error, "job_id", None)
                if job_id is None:
                    raise
                self._refuse(job_id, f"not one of our jobs: {error}")

    def execute_job(self, job: Job, queue: Queue) -> None:
        """Runs a job if it is one of ours, and refuses any other."""
        reason = job.refusal(self.kind) if isinstance(job, RunnableJob) else "not one of our jobs"
        if reason:
            self._refuse(job.id, reason)
            return
        # The process that enqueued it may have an older configuration.
        job.timeout = self._queues.limit_s(self.kind)
        super().execute_job(job, queue)

    def _refuse(self, job_id: str, reason: str) -> None:
        log.error("job refused", job=job_id, queue=self.kind, reason=reason)
        self._queues.refuse_job(self.kind, job_id, reason)


class ArticleWorker(OwnWorker, Worker):
    """Reads articles, each in a process of its own, since a page may crash it."""

    kind = "articles"

    def main_work_horse(self, job: Job, queue: Queue) -> None:
        """Runs a job in the process that was forked for it, which dies with the pool, too."""
        self._tether.watch(_end_soon)
        super().main_work_horse(job, queue)


class DeliveryWorker(OwnWorker, SimpleWorker):
    """Makes deliveries in one process, and keeps its connections from one to the next."""

    kind = "deliveries"

    def execute_job(self, job: Job, queue: Queue) -> None:
        """Runs a job with heartbeats, which RQ sends only in workers that fork."""
        with threads.repeating(self.heartbeat, HEARTBEAT, "heartbeat", despite=RedisError):
            super().execute_job(job, queue)


def run_worker(kind: type[OwnWorker], name: str, runtime: Runtime, tether: Tether) -> None:
    """Runs a worker in a process of its own, until it is told to stop."""
    # The process inherits the pool's handlers.
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    worker = kind(name, runtime, tether)
    tether.watch(lambda: _stop(worker))
    # The leading scheduler enqueues the jobs to be tried again.
    worker.work(with_scheduler=False, max_jobs=MOST_JOBS, logging_level=library_level())


def _stop(worker: OwnWorker) -> None:
    """Stops the worker as SIGTERM does: after its job, or after `DRAIN` in the middle of it."""
    main_thread = threading.main_thread().ident
    log.warning("worker stops: its pool is gone")
    for _ in range(2):
        signal.pthread_kill(main_thread or 0, signal.SIGTERM)
        time.sleep(DRAIN.total_seconds())
    worker.kill_horse()
    os.kill(os.getpid(), signal.SIGKILL)


def _end_soon() -> None:
    """Ends this process after its job has had time to end."""
    time.sleep(DRAIN.total_seconds())
    os.kill(os.getpid(), signal.SIGKILL)
