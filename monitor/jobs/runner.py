"""Shows which process runs which job.

A process that runs jobs has a token, and renews one key for it, however many jobs it runs. A job is
claimed by writing the token beside its id; the claim is void as soon as the token's key has
expired. Only Redis's clock matters.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from monitor.store.replies import text

if TYPE_CHECKING:
    from redis import Redis

    from monitor.jobs.own_jobs import Lane, QueueName
    from monitor.store import Keys

# A process that runs jobs renews its key this often, and is presumed dead if it has not done so
# for `LEASE`.
RENEWAL = timedelta(seconds=2)
LEASE = 4 * RENEWAL

# Claims a job unless another living process has it.
_CLAIM = """
local function claim(running, job, token, runners)
  if redis.call('HSETNX', running, job, token) == 1 then return true end
  local holder = redis.call('HGET', running, job)
  if holder ~= token and redis.call('EXISTS', runners .. holder) == 1 then return false end
  redis.call('HSET', running, job, token)
  return true
end
"""
_CLAIM_ONE = f"""{_CLAIM}
return claim(KEYS[1], ARGV[1], ARGV[2], ARGV[3]) and 1 or 0
"""
_NOT_OWED = "not owed"
_TAKE = f"""{_CLAIM}
local args = redis.call('HGET', KEYS[2], ARGV[1])
if not args then return '{_NOT_OWED}' end
if not claim(KEYS[1], ARGV[1], ARGV[2], ARGV[3]) then return 'running' end
return {{args, redis.call('HINCRBY', KEYS[3], ARGV[1], 1)}}
"""
# The claim may have passed to another process while this one stood still.
_GIVE_BACK = """
if redis.call('HGET', KEYS[1], ARGV[1]) == ARGV[2] then redis.call('HDEL', KEYS[1], ARGV[1]) end
"""
_LIVING = """
local claims, lives, living = redis.call('HGETALL', KEYS[1]), {}, {}
for i = 1, #claims, 2 do
  local job, token = claims[i], claims[i + 1]
  if lives[token] == nil then lives[token] = redis.call('EXISTS', ARGV[1] .. token) == 1 end
  if lives[token] then living[#living + 1] = job else redis.call('HDEL', KEYS[1], job) end
end
return living
"""


@dataclass(frozen=True, slots=True)
class Taken:
    """A job that this process runs from now on; `begun` is how often it was begun before.

    `stored` is its arguments as the ledger has them. `in_turn` says that the job has waited for its
    host, and that its request may start. `lane` is the queue from which it was taken first.
    """

    id: str
    stored: bytes
    begun: int
    lane: Lane = "articles"
    in_turn: bool = False

    @property
    def args(self) -> list[Any]:
        """Returns the arguments; raises ValueError if they cannot be read.

        Whoever takes jobs must not fail on one of them: it would then run none of the others.
        """
        return arguments_of(self.stored)


def arguments_of(stored: str | bytes) -> list[Any]:
    """Returns the arguments that the ledger stores for a job; raises ValueError if it is broken."""
    try:
        args = json.loads(stored)
    except RecursionError as error:
        raise ValueError("too many levels") from error
    if not isinstance(args, list):
        raise ValueError("not a list")  # noqa: TRY004 - as for anything else in its place
    return args


class Runner:
    """A process that runs jobs, as the other processes see it; may be used by several threads.

    `renew` must be called every `RENEWAL`.
    """

    def __init__(self, redis: Redis, keys: Keys, discard: Callable[[QueueName, str], None]) -> None:
        """Starts to show that this process lives; `discard` is called if a job is not owed."""
        self._redis = redis
        self._keys = keys
        self._discard = discard
        self.token = uuid4().hex
        self._unknown: set[str] = set()
        self._take = redis.register_script(_TAKE)
        self._claim = redis.register_script(_CLAIM_ONE)
        self._give_back = redis.register_script(_GIVE_BACK)
        self.renew()

    def renew(self) -> None:
        """Keeps the jobs of this process claimed for another `LEASE`."""
        lease_ms = int(LEASE.total_seconds() * 1000)
        self._redis.set(self._keys.runner(self.token), "1", px=lease_ms)

    def take(self, queue: QueueName, job_id: str, lane: Lane = "articles") -> Taken | None:
        """Claims a job and counts an attempt at it; None if there is nothing to do.

        That is so if the job is not owed, or if another living process runs it: should that
        process die, the job is recovered. A process must not take a job that it is
        running: it would get it again, because a reply of Redis may be lost.
        """
        reply = self._take(
            keys=[
                self._keys.running(queue),
                self._keys.outstanding(queue),
                self._keys.attempts(queue),
            ],
            args=[job_id, self.token, self._keys.runner("")],
        )
        if isinstance(reply, list):
            stored, attempts = reply
            return Taken(job_id, stored, attempts - 1, lane)
        if text(reply) == _NOT_OWED:
            self._discard(queue, job_id)
        return None

    def claim(self, queue: QueueName, job_id: str) -> bool:
        """Claims a job without counting an attempt; False if another living process has it."""
        return bool(
            self._claim(
                keys=[self._keys.running(queue)],
                args=[job_id, self.token, self._keys.runner("")],
            )
        )

    def give_back(self, queue: QueueName, job_id: str) -> None:
        """Ends this process's claim on a job, at once and outside any transaction."""
        self._give_back(keys=[self._keys.running(queue)], args=[job_id, self.token])

    def end_unknown_claims(self, queue: QueueName, job_ids: Collection[str]) -> None:
        """Ends the claims on jobs that this process does not know of; `job_ids` are those it runs.

        A reply that brings a job may be lost, and then nobody runs it. To be called every few
        seconds: a claim that is unknown at two calls in a row is ended, and the job is recovered.
        """
        claims: Any = self._redis.hgetall(self._keys.running(queue))
        ours = {text(job_id) for job_id, token in claims.items() if text(token) == self.token}
        unknown = ours.difference(job_ids)
        for job_id in unknown & self._unknown:
            self.give_back(queue, job_id)
        self._unknown = unknown

    def close(self) -> None:
        """Ends all claims of this process."""
        self._redis.delete(self._keys.runner(self.token))


def all_running(redis: Redis, keys: Keys, queue: QueueName) -> set[str]:
    """Returns the ids of the jobs that living processes run, and removes the claims of the dead."""
    living: Any = redis.eval(_LIVING, 1, keys.running(queue), keys.runner(""))
    return {text(job_id) for job_id in living}
