"""What RQ calls, by name: thin, with JSON arguments, and idempotent."""

from __future__ import annotations

import asyncio
from typing import Any

import structlog
from rq import Retry, get_current_job

from monitor.model import Entry, from_plain
from monitor.process import Again
from workers import context, delivery

# Our own count of attempts decides when to give up, not RQ's.
_ENDLESS = 1_000_000


def process_entry(feed_id: str, entry: dict[str, Any]) -> Retry | None:
    """Fetch, clean, match and publish one version of an entry."""
    job_id = _job_id()
    with structlog.contextvars.bound_contextvars(job=job_id, feed=feed_id, entry=entry.get("url")):
        processor = context.get().processor
        outcome = asyncio.run(processor.process(job_id, feed_id, from_plain(Entry, entry)))
    return Retry(max=_ENDLESS, interval=outcome.pause_s) if isinstance(outcome, Again) else None


def deliver(alert_id: str, subscriber: str) -> Retry | None:
    """Bring one alert to one subscriber."""
    job_id = _job_id()
    with structlog.contextvars.bound_contextvars(job=job_id, alert=alert_id, subscriber=subscriber):
        outcome = asyncio.run(delivery.deliver(context.get(), job_id, alert_id, subscriber))
    return Retry(max=_ENDLESS, interval=outcome.pause_s) if isinstance(outcome, Again) else None


def _job_id() -> str:
    job = get_current_job()
    if job is None:
        raise RuntimeError("jobs are called by RQ workers alone")
    return job.id
