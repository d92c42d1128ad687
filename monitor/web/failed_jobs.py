"""Shows jobs that were given up, tries them again, and drops them, as `presswatch failed` does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from fastapi import HTTPException

from monitor.jobs.own_jobs import QueueName
from monitor.overview.jobs import about

if TYPE_CHECKING:
    from monitor.jobs.ledger import FailedJob
    from monitor.web.backend import Backend

Action = Literal["retry", "drop"]
# Names all jobs of a kind.
ALL = "all"
MOST_SHOWN = 50


@dataclass(frozen=True, slots=True)
class FailedJobs:
    """The newest jobs of a kind that were given up, with what each was about, and how many are."""

    jobs: tuple[tuple[FailedJob, str], ...]
    total: int


def failed_jobs(served: Backend, kind: QueueName) -> FailedJobs:
    """Returns the jobs of a kind that were given up, newest first."""
    jobs = served.runtime.queues.failed(kind)
    return FailedJobs(tuple((job, about(job)) for job in jobs[:MOST_SHOWN]), len(jobs))


def settle(served: Backend, kind: QueueName, action: str, chosen: str) -> int:
    """Retries or drops one job, or `ALL` of a kind; returns how many.

    Raises HTTPException if the job is no longer among those given up, or cannot be retried.
    """
    queues = served.runtime.queues
    jobs = [job for job in queues.failed(kind) if chosen in (ALL, job.id)]
    if not jobs and chosen != ALL:
        raise HTTPException(404, "This job is no longer among those that were given up.")
    if action == "drop":
        with served.runtime.redis.pipeline() as pipe:
            for job in jobs:
                queues.drop(job, pipe)
            pipe.execute()
        return len(jobs)
    if action != "retry":
        raise HTTPException(422, f"{action!r} is neither retry nor drop.")
    ours = [job for job in jobs if job.args]
    if not ours and chosen != ALL:
        raise HTTPException(422, "This is a job of another program: it can only be dropped.")
    for job in ours:
        queues.retry(job)
    return len(ours)
