"""The functions that RQ calls by name: thin and idempotent. The ledger holds their arguments."""

from __future__ import annotations

import math
from collections.abc import Callable

import structlog
from redis.exceptions import RedisError
from rq import Retry, get_current_job

from monitor.jobs.outcome import Again, Done
from monitor.jobs.own_jobs import FUNCTIONS, OwnJob, QueueName
from monitor.jobs.runner import LEASE
from workers import context
from workers.deliveries import attempt

# Our count of attempts decides when to give up, not RQ's.
_ENDLESS = 1_000_000


def process_entry() -> Retry | None:
    """Fetches, cleans, matches and publishes one version of an entry."""
    return _run("articles", lambda job_id: asyncio.run(context.get().processor.process(job_id)))


def deliver() -> Retry | None:
    """Delivers alerts to a subscriber."""
    return _run("deliveries", lambda job_id: attempt.deliver(context.get().runtime, job_id))


class RunnableJob(OwnJob):
    """A job as workers run it: its function comes from a list, not from Redis."""

    @property
    def func(self) -> Callable[[], object]:
        """Returns the job's function; raises KeyError if it is not one of ours."""
        return _JOB_FUNCTIONS[self.func_name]


_JOB_FUNCTIONS: dict[str | None, Callable[[], object]] = {
    FUNCTIONS["articles"]: process_entry,
    FUNCTIONS["deliveries"]: deliver,
}


def _run(kind: QueueName, work: Callable[[str], Again | Done]) -> Retry | None:
    """Does a job's work and claims the job meanwhile, which shows that it is under way."""
    job = get_current_job()
    if job is None:
        raise RuntimeError("jobs can only be called by RQ workers")
    queues = context.get().runtime.queues
    with (
        structlog.contextvars.bound_contextvars(job=job.id),
        queues.running(kind, job.id) as acquired,
    ):
        if not acquired:
            # Another worker is running it, or was killed a moment ago.
            return _again(math.ceil(LEASE.total_seconds()))
        try:
            outcome = work(job.id)
        except RedisError:
            # Not the job's fault: it stays in the ledger until Redis accepts its result.
            raise
        except Exception as error:
            if not job.retries_left:
                queues.give_up(kind, job.id, f"{type(error).__name__}: {error}")
            raise
        return _again(outcome.pause_s) if isinstance(outcome, Again) else None


def _again(pause_s: int) -> Retry:
    """Returns RQ's order to run a job again, after at least the given pause.

    A pause of a second or less, for a job that merely checks again, may be shorter.
    """
    # RQ truncates the time to seconds, and might ask a host earlier than the host wants.
    return Retry(max=_ENDLESS, interval=pause_s + 1 if pause_s > 1 else pause_s)
