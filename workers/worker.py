"""RQ's workers as we use them: they run only our jobs, send heartbeats, and die with their pool."""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from datetime import timedelta

import structlog
from redis.client import Pipeline
from redis.exceptions import RedisError
from rq import Queue, SimpleWorker
from rq.exceptions import StopRequested
from rq.job import Job
from rq.worker import BaseWorker, WorkerStatus

from monitor import threads
from monitor.jobs import liveness
from monitor.jobs.limits import DELIVERY
from monitor.jobs.liveness import HEARTBEAT, WORKER_TTL
from monitor.jobs.own_jobs import SERIALIZER, EntryQueue, OwnQueue, QueueName
from monitor.jobs.runner import RENEWAL
from monitor.runtime.composition import Runtime
from monitor.runtime.lifeline import Tether
from monitor.runtime.logs import library_level
from workers.articles.reader import Reader
from workers.jobs import RunnableJob

log = structlog.stdlib.get_logger(__name__)

# A job that has not ended by then is interrupted, and another worker does it again.
DRAIN = timedelta(seconds=4)
# The longest wait of a worker between attempts to reach Redis.
LONGEST_WAIT_S = 5.0
# Libraries in C leak memory: after this many deliveries a worker is replaced by a fresh one.
MOST_DELIVERIES = 2000


class OwnWorker(BaseWorker):
    """The base of both kinds of workers."""

    kind: QueueName
    job_class = RunnableJob
    queue_class = OwnQueue
    max_connection_wait_time = LONGEST_WAIT_S
    most_jobs: int | None = None

    def __init__(self, name: str, runtime: Runtime) -> None:
        self._own_queues = runtime.queues
        self._beating = ExitStack()
        super().__init__(
            runtime.queues.served(self.kind),
            name=name,
            connection=runtime.redis,
            serializer=SERIALIZER,
            worker_ttl=int(WORKER_TTL.total_seconds()),
            # RQ's log line for each job contains its arguments.
            log_job_description=False,
        )

    def run(self, *, burst: bool = False) -> None:
        """Runs jobs until told to stop; in a `burst`, until there are none."""
        # The leading scheduler enqueues the jobs to be tried again.
        self.work(burst, library_level(), max_jobs=self.most_jobs, with_scheduler=False)

    def _install_signal_handlers(self) -> None:
        """Does as RQ does, and accepts signals from then on; one may have come before."""
        super()._install_signal_handlers()  # type: ignore[no-untyped-call]
        try:
            threads.hear()
        except StopRequested:
            self._stop_requested = True

    def subscribe(self) -> None:
        """Starts RQ's thread for commands, which must not receive signals, and one for heartbeats.

        RQ sends several heartbeats for each job, but none in the middle of one.
        """
        with threads.deaf():
            super().subscribe()  # type: ignore[no-untyped-call]
        self._beating.enter_context(
            threads.repeating(self._beat, HEARTBEAT, "heartbeat", despite=RedisError)
        )

    def teardown(self) -> None:
        """Removes the worker from RQ's register, for good."""
        self._beating.close()
        super().teardown()  # type: ignore[no-untyped-call]

    def heartbeat(self, timeout: int | None = None, pipeline: Pipeline | None = None) -> None:
        """Does nothing; see `subscribe`."""

    def _beat(self) -> None:
        """Sends a heartbeat, and registers the worker: RQ does so once, and Redis may lose it."""
        with self.connection.pipeline() as pipe:
            super().heartbeat(None, pipe)
            liveness.register(self, pipe)
            pipe.execute()

    def run_maintenance_tasks(self) -> None:
        """Does nothing: claims show which jobs are lost, and the scheduler recovers them."""

    @property
    def should_run_maintenance_tasks(self) -> bool:
        """Returns False; see `run_maintenance_tasks`."""
        return False

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

    def _refuse(self, job_id: str, reason: str) -> None:
        log.error("job refused", job=job_id, queue=self.kind, reason=reason)
        self._own_queues.refuse_job(self.kind, job_id, reason)


class ArticleWorker(OwnWorker):
    """Takes the jobs of entries for a reader, which runs many at once.

    RQ has no records of these jobs: that would take more commands than all else, and the ledger
    tells the same.
    """

    kind = "articles"
    queue_class = EntryQueue

    def __init__(
        self, name: str, runtime: Runtime, listener: socket.socket, beat: Callable[[], None]
    ) -> None:
        super().__init__(name, runtime)
        self._runner = runtime.queues.runner()
        self._reader = Reader(runtime, self._runner, listener, beat)

    def run(self, *, burst: bool = False) -> None:
        """Does as the base does, and then lets the jobs under way end until interrupted."""
        with threads.repeating(self._runner.renew, RENEWAL, "runner", despite=RedisError):
            try:
                super().run(burst=burst)
                self._reader.drain()
            finally:
                self._reader.stop()
                with suppress(RedisError):
                    self._runner.close()

    def set_state(self, state: str, pipeline: Pipeline | None = None) -> None:  # noqa: ARG002
        """Notes whether a signal may interrupt the main thread; nobody asks Redis for it."""
        self._state = state

    def check_for_suspension(self, burst: bool) -> None:
        """Does nothing: RQ would ask before each job whether `rq suspend` was called."""

    def dequeue_job_and_maintain_ttl(
        self, timeout: int | None, max_idle_time: int | None = None
    ) -> tuple[Job, Queue] | None:
        """Takes the next job when there is room for it."""
        self._reader.wait_for_room()
        return super().dequeue_job_and_maintain_ttl(timeout, max_idle_time)

    def execute_job(self, job: Job, queue: Queue) -> None:
        """Starts a job, unless it is not one of ours."""
        self.set_state(WorkerStatus.BUSY)
        self._reader.admit(job.id, self._own_queues.lane_of(queue))
        self.set_state(WorkerStatus.IDLE)


class DeliveryWorker(OwnWorker, SimpleWorker):
    """Makes deliveries in one process, and keeps its connections from one to the next."""

    kind = "deliveries"
    most_jobs = MOST_DELIVERIES

    def execute_job(self, job: Job, queue: Queue) -> None:
        """Runs a job as RQ does if it is one of ours, and refuses any other."""
        reason = job.refusal(self.kind) if isinstance(job, RunnableJob) else "not one of our jobs"
        if reason:
            self._refuse(job.id, reason)
            return
        # Anyone can store a job, with any limit.
        job.timeout = int(DELIVERY.total_seconds())
        super().execute_job(job, queue)


def run_worker(make: Callable[[], OwnWorker], tether: Tether) -> None:
    """Runs a worker in a process of its own, until it is told to stop."""
    # The process inherits the pool's handlers.
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    worker = make()
    tether.watch(_stop)
    worker.run()


def _stop() -> None:
    """Stops the worker as SIGTERM does: after its jobs, or after `DRAIN` in the middle of them."""
    main_thread = threading.main_thread().ident
    log.warning("worker stops: its pool is gone")
    for _ in range(2):
        signal.pthread_kill(main_thread or 0, signal.SIGTERM)
        time.sleep(DRAIN.total_seconds())
    os.kill(os.getpid(), signal.SIGKILL)
