"""The function that RQ calls by name: thin and idempotent. The ledger holds its arguments."""

from __future__ import annotations

import math
from collections.abc import Callable

import structlog
from redis.exceptions import RedisError
from rq import Retry, get_current_job

from monitor.jobs.outcome import Again
from monitor.jobs.own_jobs import DELIVER, OwnJob
from monitor.jobs.runner import LEASE
from workers import context

# Our count of attempts decides when to give up, not RQ's.
_ENDLESS = 1_000_000


def deliver() -> Retry | None:
    """Delivers alerts to a subscriber, and claims the job meanwhile, so that it runs once."""
    # Not above: the reader imports this module, too, and starts sooner without it.
    from workers.deliveries import attempt

    job = get_current_job()
    if job is None:
        raise RuntimeError("jobs can only be called by RQ workers")
    runtime = context.get()
    with (
        structlog.contextvars.bound_contextvars(job=job.id),
        runtime.queues.running("deliveries", job.id) as acquired,
    ):
        if not acquired:
            # Another worker is running it, or was killed a moment ago.
            return _again(math.ceil(LEASE.total_seconds()))
        try:
            outcome = attempt.deliver(runtime, job.id)
        except RedisError:
            # Not the job's fault: it stays in the ledger until Redis accepts its result.
            raise
        except Exception as error:
            if not job.retries_left:
                reason = f"{type(error).__name__}: {error}"
                runtime.queues.give_up("deliveries", job.id, reason)
            raise
        return _again(outcome.pause_s) if isinstance(outcome, Again) else None


class RunnableJob(OwnJob):
    """A job as workers run it: its function is known here, and not imported by name."""

    @property
    def func(self) -> Callable[[], object]:
        """Returns the job's function; raises KeyError if RQ must not call it."""
        return {DELIVER: deliver}[self.func_name or ""]


def _again(pause_s: int) -> Retry:
    """Returns RQ's order to run a job again, after at least the given pause.

    A pause of a second or less, for a job that merely checks again, may be shorter.
    """
    # RQ truncates the time to seconds, and might ask a host earlier than the host wants.
    return Retry(max=_ENDLESS, interval=pause_s + 1 if pause_s > 1 else pause_s)
