"""The timing of alerts: when they are sent or retried, and when their subscriber is paused."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, time, timedelta
from random import Random
from zoneinfo import ZoneInfo

from monitor.model import Digest, Priority, Quiet, Subscriber, SubscriberState

# A message that was not accepted is retried after these pauses, for about a day.
PAUSES_S = (5, 30, 120, 600, 1800, 3600, 7200, 14400, 28800, 28800)
# Spreads retries, so that a subscriber that was overloaded is not hit by all of them at once.
JITTER = 0.2

# A subscriber is paused after this many failures in a row, over at least this time.
MAX_FAILURES = 5
FAILING = timedelta(minutes=2)
# Then a single alert is tried: first after this time, then at growing intervals.
FIRST_PROBE = timedelta(minutes=1)
LAST_PROBE = timedelta(minutes=30)


def release_at(
    subscriber: Subscriber, priority: Priority, now: datetime, *, released: bool = False
) -> datetime:
    """Returns when an alert of this priority may be sent: `now`, or later.

    With `released`, it has already waited for its digest. A digest due in quiet hours waits for
    their end.
    """
    moment = now
    if subscriber.digest and not released:
        moment = digest_at(subscriber.digest, now)
    if subscriber.quiet and priority != subscriber.quiet.exempt:
        moment = quiet_until(subscriber.quiet, moment)
    return moment


def digest_at(digest: Digest, now: datetime) -> datetime:
    """Returns when the digest that begins to gather at `now` is sent.

    A time that the clocks skip in spring comes later by the skipped hour; one that they repeat in
    autumn counts the first time.
    """
    if digest.every:
        return now + digest.every
    zone = ZoneInfo(digest.timezone)
    today = now.astimezone(zone).date()
    # Not APScheduler's cron trigger: called within the repeated hour, it never returns.
    moments = (
        datetime.combine(today + timedelta(days=days), time.fromisoformat(at), zone)
        for days in range(3)
        for at in digest.at
    )
    in_utc = (moment.astimezone(now.tzinfo) for moment in moments)
    return min(moment for moment in in_utc if moment >= now)


def quiet_until(quiet: Quiet, moment: datetime) -> datetime:
    """Returns the end of the quiet hours that a moment falls into, else the moment itself."""
    zone = ZoneInfo(quiet.timezone)
    local = moment.astimezone(zone)
    start, end = time.fromisoformat(quiet.start), time.fromisoformat(quiet.end)
    clock = local.time()
    over_midnight = start > end
    is_quiet = clock >= start or clock < end if over_midnight else start <= clock < end
    if not is_quiet:
        return moment
    day = local.date() + timedelta(days=over_midnight and clock >= start)
    # In the hour that the clocks repeat, the end may be the first or the second of two moments.
    ends = [datetime.combine(day, end, zone).replace(fold=fold) for fold in (0, 1)]
    candidates = [end_moment.astimezone(moment.tzinfo) for end_moment in ends]
    return next((candidate for candidate in candidates if candidate > moment), moment)


def pause_s(attempt: int, retry_after_s: float | None, random: Random) -> int | None:
    """Returns the seconds until a failed delivery is retried, or None after the last attempt.

    `attempt` counts from 0; `retry_after_s` is what the receiver asked for.
    """
    if attempt >= len(PAUSES_S):
        return None
    pause = PAUSES_S[attempt] * random.uniform(1 - JITTER, 1 + JITTER)
    return round(max(pause, min(retry_after_s or 0, PAUSES_S[-1]), 1))


def after_failure(
    state: SubscriberState, error: str, now: datetime, random: Random, *, broken: bool
) -> SubscriberState:
    """Returns a subscriber's state after one more failed delivery; `broken` pauses it at once."""
    since = state.failing_since or now
    failures = state.failures + 1
    failing = replace(state, failures=failures, failing_since=since, error=error)
    if state.paused_at is None:
        if not broken and (failures < MAX_FAILURES or now - since < FAILING):
            return failing
        return replace(failing, paused_at=now, probes=0, probe_at=now + FIRST_PROBE)
    return replace(failing, probes=state.probes + 1, probe_at=next_probe(state, now, random))


def next_probe(state: SubscriberState, now: datetime, random: Random) -> datetime:
    """Returns when a paused subscriber is tried again if the current probe fails."""
    wait = min(FIRST_PROBE * 2 ** min(state.probes + 1, 10), LAST_PROBE)
    return now + timedelta(seconds=wait.total_seconds() * random.uniform(1 - JITTER, 1 + JITTER))
