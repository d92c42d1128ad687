"""Keeps the budget of each host, which polls and pages share across all processes and machines.

A host's sorted set has a member for each request under way, which ends with its lease: the id of a
page's job, or `poll:` and the id of a feed. Members that begin with a colon hold what else is known
of the host. The scripts of `monitor.store.claims` and `monitor.jobs.lines` begin with `HOST_STATE`.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from redis import Redis

    from monitor.store.keys import Keys

# Members beside the requests under way, whose names have no colon at their beginning: when the next
# page may be asked for, until when the host is left alone, until when its own pause between two
# pages holds (`:delay:2.5`), that polls wait for a place, and that a poll had the last one.
NEXT, CLOSED, DELAY, POLLS_WAIT, POLL_WAS_LAST = ":next", ":closed", ":delay:", ":waiting", ":last"
POLL = "poll:"
# A line of jobs that wait for a host; a host may not be told from a feed by its name alone.
HOST_LINE = "host:"
# Due feeds are looked for every second, so this outlasts the time between two looks.
POLLS_WAIT_S = 3
POLL_WAS_LAST_S = 30

# Reads when a host's next page may be asked for, and until when each request has a place.
HOST_STATE = f"""
local function moment(seconds) return string.format('%.6f', seconds) end
local function state_of(host, now)
  local state = {{start = 0, closed = 0, busy = 0, polls = 0, delay = 0, has_place = {{}}}}
  state.first_end, state.last = math.huge, now
  local members, is_stale = redis.call('ZRANGE', host, 0, -1, 'WITHSCORES'), false
  for i = 1, #members, 2 do
    local name, till = members[i], tonumber(members[i + 1])
    if name == '{NEXT}' or name == '{CLOSED}' then
      state.start = math.max(state.start, till)
      if name == '{CLOSED}' then state.closed = till - now end
    elseif till <= now then
      is_stale = true
    elseif name == '{POLLS_WAIT}' then
      state.polls_wait = true
    elseif name == '{POLL_WAS_LAST}' then
      state.poll_was_last = true
    elseif string.sub(name, 1, {len(DELAY)}) == '{DELAY}' then
      state.delay = math.max(state.delay, tonumber(string.sub(name, {len(DELAY) + 1})) or 0)
    else
      state.busy = state.busy + 1
      state.has_place[name] = true
      state.first_end = math.min(state.first_end, till)
      if string.sub(name, 1, {len(POLL)}) == '{POLL}' then state.polls = state.polls + 1 end
    end
    state.last = math.max(state.last, till)
  end
  if is_stale then redis.call('ZREMRANGEBYSCORE', host, '-inf', moment(now)) end
  return state
end
local function keep(host, state, now, till)
  state.last = math.max(state.last, till)
  redis.call('EXPIRE', host, math.ceil(state.last - now) + 1)
end
"""
# Stores members of a host that never end earlier than they did.
_NOTE = """
for number = 2, #ARGV, 2 do redis.call('ZADD', KEYS[1], 'GT', ARGV[number], ARGV[number + 1]) end
local last = redis.call('ZRANGE', KEYS[1], -1, -1, 'WITHSCORES')[2]
redis.call('EXPIRE', KEYS[1], math.ceil(last - ARGV[1]) + 1)
"""


class HostStore:
    """Leaves hosts alone, and slows requests to them down."""

    def __init__(self, redis: Redis, keys: Keys) -> None:
        self._keys = keys
        self._note = redis.register_script(_NOTE)

    def close(self, name: str, pause: timedelta, now: datetime) -> None:
        """Leaves a host alone for a while; never shortens a pause that it asked for before."""
        self._notes(name, now, {CLOSED: (now + pause).timestamp()})

    def slow(self, name: str, delay_s: float, until: datetime, now: datetime) -> None:
        """Lets pages of a host be asked for at least `delay_s` seconds apart, until then."""
        notes = {f"{DELAY}{delay_s:g}": until.timestamp(), NEXT: now.timestamp() + delay_s}
        self._notes(name, now, notes)

    def _notes(self, name: str, now: datetime, notes: dict[str, float]) -> None:
        args: list[str | float] = [now.timestamp()]
        for member, until in notes.items():
            args += (until, member)
        self._note(keys=[self._keys.host(name)], args=args)
