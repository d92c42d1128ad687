"""RQ's jobs and queues as we use them: of what a job's hash may ask for, we do what is ours.

Whoever may write to Redis may put a job there that names any function, callback or address. Here
no name is imported, and callbacks, webhooks and dependencies are dropped as a job is read.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Literal

from rq import Queue
from rq.exceptions import DeserializationError
from rq.job import Job
from rq.serializers import JSONSerializer

if TYPE_CHECKING:
    from redis import Redis

QueueName = Literal["articles", "deliveries"]

SERIALIZER = JSONSerializer
# All that jobs may name.
FUNCTIONS: dict[QueueName, str] = {
    "articles": "workers.jobs.process_entry",
    "deliveries": "workers.jobs.deliver",
}


class OwnJob(Job):
    """A job that has a function and nothing else, and that nobody but a worker can run."""

    def restore(self, raw_data: Any) -> None:
        """Read the job from its hash, without what we never ask for."""
        super().restore(raw_data)
        self._success_callback_name = None
        self._failure_callback_name = None
        self._stopped_callback_name = None
        self.webhooks = []
        self._dependency_ids = []
        self.group_id = None
        self.repeats_left = None
        self.rate_limit_key = None

    @property
    def func(self) -> Callable[[], object]:
        """The function; what names it may be anybody's."""
        raise NotImplementedError("jobs are run by the workers of `presswatch worker` alone")

    def refusal(self, kind: QueueName) -> str | None:
        """Say why workers do not run this job, None for one of ours."""
        try:
            call = (self.func_name, self.instance, self.args, self.kwargs)
        except DeserializationError:
            return "not one of our jobs: its data is not what we write"
        if call == (FUNCTIONS[kind], None, [], {}):
            return None
        return f"not one of our jobs: it names {str(call[0])[:100]!r}"


class OwnQueue(Queue):
    """A queue of our jobs."""

    job_class = OwnJob

    @classmethod
    def lpop(
        cls, queue_keys: Sequence[str], timeout: int | None, connection: Redis | None = None
    ) -> Any:
        """Take a job's id off the first queue that has one, be it no id at all."""
        taken = super().lpop(queue_keys, timeout, connection)
        return taken and (taken[0], taken[1].decode("utf-8", "replace"))

    @classmethod
    def lmove(cls, connection: Redis, queue_key: str, timeout: int | None) -> Any:
        """Do the same.

        RQ keeps a second list for jobs that are lost on the way; ours are found by what is owed.
        """
        return cls.lpop([queue_key], timeout, connection)
