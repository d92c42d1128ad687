"""RQ's jobs and queues, restricted to what Presswatch enqueues.

Anyone who can write to Redis can store a job that names any function, callback or address. Here no
name is imported, and callbacks, webhooks and dependencies are dropped when a job is read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, Literal, get_args

from rq import Queue
from rq.exceptions import DeserializationError
from rq.job import Job
from rq.serializers import JSONSerializer

from monitor.store.replies import text

if TYPE_CHECKING:
    from redis import Redis

QueueName = Literal["articles", "deliveries"]
# The queues of entries, in the order in which workers empty them.
Lane = Literal["urgent", "articles", "bulk"]
LANES: tuple[Lane, ...] = get_args(Lane)

SERIALIZER = JSONSerializer
# The only function that jobs may name. The jobs of entries name none: RQ has only their ids.
DELIVER = "workers.jobs.deliver"


class OwnJob(Job):
    """A job that has a function and nothing else, and that only a worker can run."""

    def restore(self, raw_data: Any) -> None:
        """Reads the job from its hash, without the features of RQ that we do not use."""
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
        """Raises NotImplementedError: the stored name may be anyone's, so it is not imported."""
        raise NotImplementedError("only the workers of `presswatch worker` run jobs")

    def refusal(self, kind: QueueName) -> str | None:
        """Returns why workers do not run this job, or None if it is one of ours."""
        try:
            call = (self.func_name, self.instance, self.args, self.kwargs)
        except DeserializationError:
            return "not one of our jobs: its data is not in our format"
        if kind == "deliveries" and call == (DELIVER, None, [], {}):
            return None
        return f"not one of our jobs: it names {str(call[0])[:100]!r}"


class OwnQueue(Queue):
    """An RQ queue of our jobs."""

    job_class = OwnJob

    @classmethod
    def lpop(
        cls, queue_keys: Sequence[str], timeout: int | None, connection: Redis | None = None
    ) -> Any:
        """Takes a job's id off the first queue that has one, even if it is not valid UTF-8."""
        taken = super().lpop(queue_keys, timeout, connection)
        return taken and (taken[0], taken[1].decode("utf-8", "replace"))

    @classmethod
    def lmove(cls, connection: Redis, queue_key: str, timeout: int | None) -> Any:
        """Does the same as `lpop`.

        RQ moves the id to a second list, to find jobs that are lost on the way; we have the ledger.
        """
        return cls.lpop([queue_key], timeout, connection)


class EntryQueue(OwnQueue):
    """An RQ queue of the jobs of entries, of which RQ has no records: the ledger has them."""

    @classmethod
    def dequeue_any(  # type: ignore[override]
        cls,
        queues: Iterable[Queue],
        timeout: int | None,
        connection: Redis,
        **_: object,
    ) -> tuple[Job, Queue] | None:
        """Takes the next job off the first queue that has one; waits `timeout` seconds for it.

        If none comes, raises DequeueTimeout. Without a timeout, it does not wait but returns None.
        """
        by_key = {queue.key: queue for queue in queues}
        taken = cls.lpop(list(by_key), timeout, connection)
        if taken is None:
            return None
        queue_key, job_id = taken
        try:
            job = OwnJob(job_id, connection=connection, serializer=SERIALIZER)
        except Exception as error:
            # RQ tells its worker in this way which job cannot be read.
            error.job_id = job_id  # type: ignore[attr-defined]
            raise
        # As bytes if it was waited for.
        return job, by_key[text(queue_key)]
