"""Lines in which the jobs of entries wait: for their host's turn, or for a crowded feed's.

A job in a line is in no queue, and no process holds it: one that waits costs nothing. Its attempt,
counted when it was taken from a queue, goes on. A line is looked at when its turn has come. Every
step is a script, so that the limits hold, and the order is kept, across all processes and machines.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from monitor.jobs.own_jobs import LANES, Lane
from monitor.jobs.runner import Runner, Taken
from monitor.store.hosts import HOST_LINE, HOST_STATE, NEXT, POLL_WAS_LAST
from monitor.store.replies import text

if TYPE_CHECKING:
    from redis import Redis
    from redis.client import Pipeline

    from monitor.store import Keys

# This many jobs leave the line of a crowded feed at once.
FROM_FEED = 8

# A job's score in a line is the moment at which it came, plus this for each lane before its own.
_LANE = 10**10

# The names of lines are those of hosts and feeds, after one of these.
_HOST, _FEED = HOST_LINE, "feed:"
# A poll that waits for the last place of its host is claimed within a second.
POLL_FIRST_S = 0.25
# What `enter` decides; otherwise, for how many seconds the host wants to be left alone.
_START, _WAIT = "start", "wait"

# Gives pages the places of a host.
_PAGES = f"""{HOST_STATE}
local function occupy(host, state, job, now, delay, lease)
  local place = {{moment(now + lease), job}}
  delay = math.max(delay, state.delay)
  if delay > 0 then
    state.start = now + delay
    place[3], place[4] = moment(state.start), '{NEXT}'
  end
  redis.call('ZADD', host, unpack(place))
  if state.poll_was_last then redis.call('ZREM', host, '{POLL_WAS_LAST}') end
  state.poll_was_last = false
  state.busy = state.busy + 1
  state.first_end = math.min(state.first_end, now + lease)
  keep(host, state, now, math.max(now + lease, state.start))
end
-- How many pages may start, apart from the delay between them.
local function free_of(state, at_once, in_all)
  local free = math.min(at_once + state.polls, in_all) - state.busy
  local is_polls_turn = state.polls_wait and not state.poll_was_last
  if is_polls_turn and free > 0 and state.busy + free == in_all then free = free - 1 end
  return free
end
-- When to look at a line again: when a place expires (`leave` sees to it earlier), at the start, or
-- soon, if a poll is to have the last place first.
local function turn_of(state, at_once, in_all, now)
  local turn = state.first_end
  if free_of(state, at_once, in_all) > 0 then turn = 0
  elseif state.polls_wait and state.busy < in_all then turn = now + {POLL_FIRST_S} end
  return math.max(state.start, turn)
end
"""
_ENTER = f"""{_PAGES}
local host, line = KEYS[1], KEYS[2]
local job, now, name = ARGV[1], tonumber(ARGV[2]), ARGV[3]
local at_once, in_all = tonumber(ARGV[4]), tonumber(ARGV[5])
local delay, lease = tonumber(ARGV[6]), tonumber(ARGV[7])
local state = state_of(host, now)
if state.has_place[job] then
  redis.call('ZADD', host, moment(now + lease), job)
  return '{_START}'
end
if state.closed > 0 then
  redis.call('HINCRBY', KEYS[5], job, -1)
  return moment(state.closed)
end
local is_free = state.start <= now and free_of(state, at_once, in_all) > 0
if is_free and redis.call('EXISTS', line) == 0 then
  occupy(host, state, job, now, delay, lease)
  return '{_START}'
end
redis.call('ZADD', line, 'NX', ARGV[8], job)
redis.call('ZADD', KEYS[3], 'NX', moment(turn_of(state, at_once, in_all, now)), name)
redis.call('HDEL', KEYS[4], job)
return '{_WAIT}'
"""
_RELEASE = f"""{_PAGES}
local turns, running, outstanding, attempts = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local now, most, token = tonumber(ARGV[1]), tonumber(ARGV[2]), ARGV[3]
local at_once, in_all = tonumber(ARGV[4]), tonumber(ARGV[5])
local delay, lease = tonumber(ARGV[6]), tonumber(ARGV[7])
local hosts, lines = ARGV[8], ARGV[9]
local taken = {{}}
for _, name in ipairs(redis.call('ZRANGEBYSCORE', turns, '-inf', now, 'LIMIT', 0, most)) do
  local line, host, state, free = lines .. name, nil, nil, {FROM_FEED}
  if string.sub(name, 1, {len(_HOST)}) == '{_HOST}' then
    host = hosts .. string.sub(name, {len(_HOST)} + 1)
    state = state_of(host, now)
    if state.closed > 0 then
      -- The feed's words are matched now, and the pages tried again when the host is open.
      host, free = nil, most
    else
      free = state.start > now and 0 or free_of(state, at_once, in_all)
      if math.max(delay, state.delay) > 0 then free = math.min(free, 1) end
    end
  end
  while free > 0 and #taken < most do
    local job, score = unpack(redis.call('ZPOPMIN', line))
    if not job then break end
    local args = redis.call('HGET', outstanding, job)
    -- A job that was settled or dropped while it waited gives its turn to the next.
    if args then
      redis.call('HSET', running, job, token)
      taken[#taken + 1] = {{job, args, redis.call('HGET', attempts, job), score, host and 1 or 0}}
      free = free - 1
      if host then occupy(host, state, job, now, delay, lease) end
    end
  end
  if redis.call('EXISTS', line) == 0 then
    redis.call('ZREM', turns, name)
  else
    local turn = host and turn_of(state, at_once, in_all, now) or 0
    redis.call('ZADD', turns, moment(math.max(now, turn)), name)
  end
end
return taken
"""


class Admission(NamedTuple):
    """Whether a request may start, and otherwise for how long its host is closed, if it is."""

    may_start: bool
    closed_for_s: float = 0


class Lines:
    """Lets jobs ask their hosts for pages: some at once, and one after another.

    At most `at_once` pages of one host are under way, each for up to `lease`, and they start at
    least `delay` apart. With the polls of feeds, at most `in_all` requests to a host are under way;
    the last place is given to polls and pages in turn while both wait.
    """

    def __init__(
        self,
        redis: Redis,
        keys: Keys,
        *,
        at_once: int,
        delay: timedelta,
        lease: timedelta,
        in_all: int | None = None,
    ) -> None:
        self._redis = redis
        self._keys = keys
        self._limits = [at_once, in_all or at_once, delay.total_seconds(), lease.total_seconds()]
        self._enter = redis.register_script(_ENTER)
        self._release = redis.register_script(_RELEASE)

    def enter(self, host: str, job_id: str, now: datetime, lane: Lane = "articles") -> Admission:
        """Decides whether a job that this process took may send its request to a host.

        If it may start, the request is under way until `leave`. If the host is closed, the job
        stays with this process, but this is not counted as an attempt. Otherwise the job waits in
        the host's line, behind those of its lane and before those of later lanes; no request starts
        past the line. This process then no longer has the job.
        """
        name = _HOST + host
        decision = text(
            self._enter(
                keys=[
                    self._keys.host(host),
                    self._keys.line(name),
                    self._keys.turns,
                    self._keys.running("articles"),
                    self._keys.attempts("articles"),
                ],
                args=[job_id, now.timestamp(), name, *self._limits, _score(now, lane)],
            )
        )
        if decision in (_START, _WAIT):
            return Admission(may_start=decision == _START)
        return Admission(may_start=False, closed_for_s=float(decision))

    def leave(self, host: str, job_id: str, now: datetime, pipe: Pipeline) -> None:
        """Ends a job's request, in the given transaction; the next in the line may start."""
        pipe.zrem(self._keys.host(host), job_id)
        pipe.zadd(self._keys.turns, {_HOST + host: now.timestamp()}, xx=True, lt=True)

    def park(
        self,
        feed_id: str,
        job_id: str,
        now: datetime,
        pause: timedelta,
        lane: Lane = "articles",
    ) -> None:
        """Puts a job that this process took into the line of its crowded feed; see `enter`.

        The line's turn comes after the pause, or earlier if others wait in it.
        """
        name = _FEED + feed_id
        with self._redis.pipeline() as pipe:
            pipe.zadd(self._keys.line(name), {job_id: _score(now, lane)}, nx=True)
            pipe.zadd(self._keys.turns, {name: (now + pause).timestamp()}, nx=True)
            pipe.hdel(self._keys.running("articles"), job_id)
            pipe.execute()

    def release(self, runner: Runner, now: datetime, most: int) -> list[Taken]:
        """Takes up to `most` jobs whose turn has come, for this process to run.

        Jobs from a host's line have their place: their requests are under way. If the host is
        closed, they have none, and leave the line at once: `enter` says for how long it is closed.
        To be called several times a second by every process that has room.
        """
        # Mostly no turn has come, and a script would be one more command.
        if not self._redis.zcount(self._keys.turns, "-inf", now.timestamp()):
            return []
        taken = self._release(
            keys=[
                self._keys.turns,
                self._keys.running("articles"),
                self._keys.outstanding("articles"),
                self._keys.attempts("articles"),
            ],
            args=[
                now.timestamp(),
                most,
                runner.token,
                *self._limits,
                self._keys.host(""),
                self._keys.line(""),
            ],
        )
        return [
            Taken(
                text(job_id),
                stored,
                int(attempts or 1) - 1,
                LANES[int(float(score) // _LANE)],
                in_turn=bool(in_turn),
            )
            for job_id, stored, attempts, score, in_turn in taken
        ]


def _score(now: datetime, lane: Lane) -> float:
    return LANES.index(lane) * _LANE + now.timestamp()


def all_waiting(redis: Redis, keys: Keys) -> set[str]:
    """Returns the ids of all jobs that wait in lines."""
    with redis.pipeline(transaction=False) as pipe:
        for name in redis.zrange(keys.turns, 0, -1):
            pipe.zrange(keys.line(text(name)), 0, -1)
        return {text(job_id) for line in pipe.execute() for job_id in line}


def count_waiting(redis: Redis, keys: Keys) -> int:
    """Returns how many jobs wait in lines."""
    with redis.pipeline(transaction=False) as pipe:
        for name in redis.zrange(keys.turns, 0, -1):
            pipe.zcard(keys.line(text(name)))
        return sum(pipe.execute())
