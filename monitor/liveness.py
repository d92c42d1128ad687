"""Which of RQ's workers live: RQ itself takes minutes to notice that one was killed."""

from __future__ import annotations

import os
import socket
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from rq import Worker
from rq.serializers import JSONSerializer

if TYPE_CHECKING:
    from redis import Redis
    from rq.worker import BaseWorker

# A worker that is busy says so every few seconds; see `workers.pool`.
HEARTBEAT = timedelta(seconds=10)
SILENT = 6 * HEARTBEAT


def living(redis: Redis) -> list[BaseWorker]:
    """The workers that RQ knows of and that are alive."""
    known = Worker.all(connection=redis, serializer=JSONSerializer)
    return [worker for worker in known if _alive(worker)]


def _alive(worker: BaseWorker) -> bool:
    """Whether a worker lives: for one on this machine the system knows, else its heartbeat."""
    if worker.hostname == socket.gethostname() and worker.pid:
        try:
            os.kill(worker.pid, 0)
        except ProcessLookupError:
            return False
        except PermissionError:
            return True
        return True
    busy = worker.get_current_job_id() is not None
    last = worker.last_heartbeat
    return last is not None and (not busy or datetime.now(UTC) - last.astimezone(UTC) < SILENT)
