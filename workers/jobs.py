"""What RQ calls, by name: thin, and idempotent. A job's arguments stand in the ledger of jobs."""

from __future__ import annotations

import asyncio

import structlog
from rq import Retry, get_current_job

from monitor.model import Delivery, Entry, from_plain
from monitor.process import Again, Done
from workers import context, delivery

# Our own count of attempts decides when to give up, not RQ's.
_ENDLESS = 1_000_000


def process_entry() -> Retry | None:
    """Fetch, clean, match and publish one version of an entry."""
    job_id, shared = _job_id(), context.get()
    owed = shared.runtime.queues.owed("articles", job_id)
    if owed is None:
        return None
    feed_id, entry = owed[0], from_plain(Entry, owed[1])
    with structlog.contextvars.bound_contextvars(job=job_id, feed=feed_id, entry=entry.url):
        return _next(asyncio.run(shared.processor.process(job_id, feed_id, entry)))


def deliver() -> Retry | None:
    """Bring alerts to a subscriber."""
    job_id, shared = _job_id(), context.get()
    owed = shared.runtime.queues.owed("deliveries", job_id)
    if owed is None:
        return None
    one = from_plain(Delivery, owed[0])
    with structlog.contextvars.bound_contextvars(
        job=job_id, subscriber=one.subscriber, alert=one.alerts[0], alerts=len(one.alerts)
    ):
        return _next(delivery.deliver(shared.runtime, job_id, one))


def _next(outcome: Again | Done) -> Retry | None:
    return Retry(max=_ENDLESS, interval=outcome.pause_s) if isinstance(outcome, Again) else None


def _job_id() -> str:
    job = get_current_job()
    if job is None:
        raise RuntimeError("jobs are called by RQ workers alone")
    return job.id
