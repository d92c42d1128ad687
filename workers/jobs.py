"""What RQ calls, by name: thin, and idempotent. A job's arguments stand in the ledger of jobs."""

from __future__ import annotations

import asyncio

import structlog
from rq import Retry, get_current_job

from monitor.process import Again, Done
from workers import context, delivery

# Our own count of attempts decides when to give up, not RQ's.
_ENDLESS = 1_000_000


def process_entry() -> Retry | None:
    """Fetch, clean, match and publish one version of an entry."""
    job_id = _job_id()
    with structlog.contextvars.bound_contextvars(job=job_id):
        return _next(asyncio.run(context.get().processor.process(job_id)))


def deliver() -> Retry | None:
    """Bring alerts to a subscriber."""
    job_id = _job_id()
    with structlog.contextvars.bound_contextvars(job=job_id):
        return _next(delivery.deliver(context.get().runtime, job_id))


def _next(outcome: Again | Done) -> Retry | None:
    return Retry(max=_ENDLESS, interval=outcome.pause_s) if isinstance(outcome, Again) else None


def _job_id() -> str:
    job = get_current_job()
    if job is None:
        raise RuntimeError("jobs are called by RQ workers alone")
    return job.id
