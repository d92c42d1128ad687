"""What RQ calls, by name: thin, and idempotent. A job's arguments stand in the ledger of jobs."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable

import structlog
from redis.exceptions import RedisError
from rq import Retry, get_current_job

from monitor.jobs.ledger import LEASE
from monitor.jobs.outcome import Again, Done
from monitor.jobs.own_jobs import FUNCTIONS, OwnJob, QueueName
from workers import context
from workers.deliveries import attempt

# Our own count of attempts decides when to give up, not RQ's.
_ENDLESS = 1_000_000


def process_entry() -> Retry | None:
    """Fetch, clean, match and publish one version of an entry."""
    return _run("articles", lambda job_id: asyncio.run(context.get().processor.process(job_id)))


def deliver() -> Retry | None:
    """Bring alerts to a subscriber."""
    return _run("deliveries", lambda job_id: attempt.deliver(context.get().runtime, job_id))


class RunnableJob(OwnJob):
    """A job as workers run it."""

    @property
    def func(self) -> Callable[[], object]:
        """The function, from the list of all that there are."""
        return _CALLED[self.func_name]


_CALLED: dict[str | None, Callable[[], object]] = {
    FUNCTIONS["articles"]: process_entry,
    FUNCTIONS["deliveries"]: deliver,
}


def _run(kind: QueueName, work: Callable[[str], Again | Done]) -> Retry | None:
    """Do a job's work under a lease, so that it is known to be under way."""
    job = get_current_job()
    if job is None:
        raise RuntimeError("jobs are called by RQ workers alone")
    queues = context.get().runtime.queues
    with structlog.contextvars.bound_contextvars(job=job.id), queues.lease(kind, job.id) as ours:
        if not ours:
            # Somebody runs it, or was killed a moment ago.
            return _again(math.ceil(LEASE.total_seconds()))
        try:
            outcome = work(job.id)
        except RedisError:
            # No fault of the job's: it is owed until Redis takes what it has to say.
            raise
        except Exception as error:
            if not job.retries_left:
                queues.give_up(kind, job.id, f"{type(error).__name__}: {error}")
            raise
        return _again(outcome.pause_s) if isinstance(outcome, Again) else None


def _again(pause_s: int) -> Retry:
    """Run a job again, after no less than a pause, but for those that only look again soon."""
    # RQ cuts the moment to its second, and might ask a host earlier than it wants to be asked.
    return Retry(max=_ENDLESS, interval=pause_s + 1 if pause_s > 1 else pause_s)
