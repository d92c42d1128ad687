"""Queues for programs: whether the work is done, how much waits, and what was given up."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field
from starlette.responses import StreamingResponse

from monitor.jobs.liveness import living
from monitor.jobs.own_jobs import QueueName
from monitor.overview.readiness import unready_reasons
from monitor.web.api.answers import PROBLEMS, READERS
from monitor.web.api.files import Table, TableForm, answers_with_table, table_answer
from monitor.web.backend import Backend, Served
from monitor.web.failed_jobs import MOST_SHOWN, failed_jobs

router = APIRouter(tags=["queues"], dependencies=READERS)


class QueueDepth(BaseModel):
    """How much work of a kind there is, in jobs."""

    kind: QueueName
    queued: int
    waiting_since: datetime | None = Field(description="Since when the oldest is queued.")
    waiting: int = Field(description="Wait for their site.")
    scheduled: int = Field(description="Wait for a retry.")
    owed: int = Field(description="Are to be done in all.")
    failed: int = Field(description="Were given up.")


class GivenUpJob(BaseModel):
    """A job that was given up."""

    id: str
    kind: QueueName
    about: str
    error: str
    failed_at: datetime


class ArchiveBacklog(BaseModel):
    """The records that the archive has still to write, and those that it refused."""

    records: int
    oldest: datetime | None
    refused: int


class Operation(BaseModel):
    """Whether the work is done, how much waits, and what was given up."""

    reasons: list[str] = Field(description="What keeps Presswatch from working; normally empty.")
    workers: int = Field(description="Worker processes that live.")
    queues: list[QueueDepth]
    archive: ArchiveBacklog
    given_up: list[GivenUpJob] = Field(description=f"The newest {MOST_SHOWN} of each kind.")


@router.get("/queues", responses=PROBLEMS)
def show_queues(served: Served) -> Operation:
    """Shows whether the work is done, how much waits, and what was given up."""
    runtime = served.runtime
    given_up = [
        GivenUpJob(id=job.id, kind=kind, about=about, error=job.error, failed_at=job.failed_at)
        for kind in runtime.queues.depths()
        for job, about in failed_jobs(served, kind).jobs
    ]
    backlog = runtime.store.unarchived.backlog()
    return Operation(
        reasons=unready_reasons(runtime, datetime.now(UTC)),
        workers=len(living(runtime.redis)),
        queues=_depths(served),
        archive=ArchiveBacklog.model_validate(backlog, from_attributes=True),
        given_up=given_up,
    )


@router.get("/queues/export.{form}", **answers_with_table("A row for each kind of work"))
async def export_queues(request: Request, served: Served, form: TableForm) -> StreamingResponse:
    """Writes how much waits as a table."""
    return await table_answer(request, "queues", form, partial(_table, served))


def _table(served: Backend) -> Table:
    rows = [each.model_dump() for each in _depths(served)]
    return Table(list(QueueDepth.model_fields), [list(row.values()) for row in rows])


def _depths(served: Backend) -> list[QueueDepth]:
    queues = served.runtime.queues
    return [
        QueueDepth(
            kind=kind,
            queued=depth.queued,
            waiting_since=queues.waiting_since(kind),
            waiting=depth.waiting,
            scheduled=depth.scheduled,
            owed=depth.owed,
            failed=depth.failed,
        )
        for kind, depth in queues.depths().items()
    ]
