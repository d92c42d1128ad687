"""RQ's workers as we use them: they run our jobs alone, say that they live, die with their pool."""

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

# A job that has not ended by then is cut short, and done again by whoever comes next.
DRAIN = timedelta(seconds=4)
# After this long without Redis, a worker asks for it this often.
LONGEST_WAIT_S = 5.0
# Libraries in C leak: a worker makes room for a fresh one after this many jobs.
MOST_JOBS = 2000


class OwnWorker(BaseWorker):
    """What both kinds of workers have in common."""

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
            # RQ's line for each job holds its arguments.
            log_job_description=False,
        )

    def subscribe(self) -> None:
        """Start RQ's thread for commands, deaf to signals."""
        with threads.deaf():
            super().subscribe()  # type: ignore[no-untyped-call]

    def run_maintenance_tasks(self) -> None:
        """Leave other workers' jobs alone: which of them are lost is known by their leases."""

    @property
    def should_run_maintenance_tasks(self) -> bool:
        """Never; see above."""
        return False

    def heartbeat(self, timeout: int | None = None, pipeline: Pipeline | None = None) -> None:
        """Say that this worker lives, and register it: RQ does so once, and Redis may forget it."""
        if pipeline is None:
            with self.connection.pipeline() as own:
                self.heartbeat(timeout, own)
                own.execute()
            return
        super().heartbeat(timeout, pipeline)
        liveness.register(self, pipeline)

    def dequeue_job_and_maintain_ttl(
        self, timeout: int | None, max_idle_time: int | None = None
    ) -> tuple[Job, Queue] | None:
        """Take the next job that can be read."""
        while True:
            try:
                return super().dequeue_job_and_maintain_ttl(timeout, max_idle_time)
            except Exception as error:
                job_id = getattr(error, "job_id", None)
                if job_id is None:
                    raise
                self._refuse(job_id, f"not one of our jobs: {error}")

    def execute_job(self, job: Job, queue: Queue) -> None:
        """Run a job of ours, refuse any other."""
        why = job.refusal(self.kind) if isinstance(job, RunnableJob) else "not one of our jobs"
        if why:
            self._refuse(job.id, why)
            return
        # Who enqueued it may have an older configuration.
        job.timeout = self._queues.limit_s(self.kind)
        super().execute_job(job, queue)

    def _refuse(self, job_id: str, why: str) -> None:
        log.error("job refused", job=job_id, queue=self.kind, reason=why)
        self._queues.refuse_job(self.kind, job_id, why)


class Reader(OwnWorker, Worker):
    """Reads articles, each in a process of its own: a page may bring one down."""

    kind = "articles"

    def main_work_horse(self, job: Job, queue: Queue) -> None:
        """Run a job in the process that was forked for it, which dies with the pool as well."""
        self._tether.watch(_end_soon)
        super().main_work_horse(job, queue)


class Courier(OwnWorker, SimpleWorker):
    """Makes deliveries, and keeps its connections from one to the next."""

    kind = "deliveries"

    def execute_job(self, job: Job, queue: Queue) -> None:
        """Run a job, and beat meanwhile, which RQ does for workers that fork alone."""
        with threads.repeating(self.heartbeat, HEARTBEAT, "heartbeat", despite=RedisError):
            super().execute_job(job, queue)


def work(kind: type[OwnWorker], name: str, runtime: Runtime, tether: Tether) -> None:
    """Live the life of one worker, in a process of its own."""
    # The pool's handlers came along with the fork.
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    worker = kind(name, runtime, tether)
    tether.watch(lambda: _stop(worker))
    # The leading scheduler enqueues what is to be tried again.
    worker.work(with_scheduler=False, max_jobs=MOST_JOBS, logging_level=library_level())


def _stop(worker: OwnWorker) -> None:
    """Stop as if told by SIGTERM: once the job has ended, or in the middle of it."""
    main = threading.main_thread().ident
    log.warning("worker stops: its pool is gone")
    for _ in range(2):
        signal.pthread_kill(main or 0, signal.SIGTERM)
        time.sleep(DRAIN.total_seconds())
    worker.kill_horse()
    os.kill(os.getpid(), signal.SIGKILL)


def _end_soon() -> None:
    """End this process once its job has had some time to end."""
    time.sleep(DRAIN.total_seconds())
    os.kill(os.getpid(), signal.SIGKILL)
