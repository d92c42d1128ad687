"""The timing of alerts: digests, quiet hours, retries, pauses."""

from datetime import UTC, datetime, timedelta
from random import Random
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.alerts.timing import (
    FAILING,
    FIRST_PROBE,
    JITTER,
    LAST_PROBE,
    MAX_FAILURES,
    PAUSES_S,
    after_failure,
    digest_at,
    pause_s,
    quiet_until,
    release_at,
)
from monitor.model import Digest, Quiet, Subscriber, SubscriberState

BRUSSELS = ZoneInfo("Europe/Brussels")
NIGHT = Quiet("22:00", "07:00", "Europe/Brussels")
NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)


def at(text, fold=0):
    return datetime.fromisoformat(text).replace(tzinfo=BRUSSELS, fold=fold).astimezone(UTC)


@pytest.mark.parametrize(
    ("now", "goes_out"),
    [
        ("2026-11-23 07:59", "2026-11-23 08:00"),
        ("2026-11-23 08:00", "2026-11-23 08:00"),
        ("2026-11-23 08:00:01", "2026-11-23 17:00"),
        ("2026-11-23 17:30", "2026-11-24 08:00"),
        # The clocks go forward on 29 March and back on 25 October.
        ("2026-03-28 18:00", "2026-03-29 08:00"),
        ("2026-10-24 18:00", "2026-10-25 08:00"),
    ],
)
def test_a_digest_is_sent_at_the_next_of_its_times_in_local_time(now, goes_out):
    digest = Digest(("08:00", "17:00"), timezone="Europe/Brussels")
    assert digest_at(digest, at(now)) == at(goes_out)


def test_a_time_that_the_clocks_skip_comes_an_hour_later():
    digest = Digest(("02:30",), timezone="Europe/Brussels")
    assert digest_at(digest, at("2026-03-28 12:00")) == at("2026-03-29 03:30")


def test_a_time_that_the_clocks_repeat_counts_once():
    digest = Digest(("02:30",), timezone="Europe/Brussels")
    assert digest_at(digest, at("2026-10-24 12:00")) == at("2026-10-25 02:30")
    assert digest_at(digest, at("2026-10-25 02:40")) == at("2026-10-26 02:30")


def test_a_digest_by_interval_starts_with_its_first_alert():
    assert digest_at(Digest(every=timedelta(hours=1)), NOW) == NOW + timedelta(hours=1)


@pytest.mark.parametrize(
    ("now", "until"),
    [
        ("2026-11-23 21:59", "2026-11-23 21:59"),
        ("2026-11-23 22:00", "2026-11-24 07:00"),
        ("2026-11-24 06:59", "2026-11-24 07:00"),
        ("2026-11-24 07:00", "2026-11-24 07:00"),
        ("2026-03-28 23:00", "2026-03-29 07:00"),
        ("2026-10-24 23:00", "2026-10-25 07:00"),
    ],
)
def test_quiet_hours_span_midnight_and_clock_changes(now, until):
    assert quiet_until(NIGHT, at(now)) == at(until)


def test_quiet_hours_within_a_day():
    lunch = Quiet("12:00", "13:30")
    assert quiet_until(lunch, NOW.replace(hour=12)) == NOW.replace(hour=13, minute=30)
    assert quiet_until(lunch, NOW.replace(hour=14)) == NOW.replace(hour=14)


@given(
    st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
    st.times().map(lambda clock: f"{clock:%H:%M}"),
    st.times().map(lambda clock: f"{clock:%H:%M}"),
)
def test_quiet_hours_end_within_a_day_and_an_hour(moment, start, end):
    quiet = Quiet(start, end, "Europe/Brussels")
    until = quiet_until(quiet, moment)
    assert moment <= until <= moment + timedelta(hours=25)
    if start != end and until > moment:
        assert f"{until.astimezone(BRUSSELS):%H:%M}" == end or until.astimezone(BRUSSELS).month == 3


def test_a_digest_due_in_quiet_hours_waits_for_their_end():
    subscriber = Subscriber("s", "email", {}, Digest(("23:00",), timezone="Europe/Brussels"), NIGHT)
    assert release_at(subscriber, "normal", at("2026-11-23 12:00")) == at("2026-11-24 07:00")
    assert release_at(subscriber, "normal", at("2026-11-23 23:00"), released=True) == at(
        "2026-11-24 07:00"
    )


def test_alerts_of_the_exempt_priority_are_sent_in_quiet_hours():
    subscriber = Subscriber("s", "email", {}, None, Quiet("22:00", "07:00", exempt="high"))
    night = NOW.replace(hour=23)
    assert release_at(subscriber, "high", night) == night
    assert release_at(subscriber, "normal", night) > night


def test_without_digest_and_quiet_hours_an_alert_is_sent_at_once():
    assert release_at(Subscriber("s", "slack", {}), "low", NOW) == NOW


def test_pauses_between_retries_grow_for_a_day_with_jitter_and_then_end():
    pauses = [pause_s(attempt, None, Random(1)) for attempt in range(len(PAUSES_S))]
    for pause, planned in zip(pauses, PAUSES_S, strict=True):
        assert planned * (1 - JITTER) - 1 <= pause <= planned * (1 + JITTER) + 1
    assert pause_s(0, None, Random(1)) != pause_s(3, None, Random(2))
    assert timedelta(hours=20) < timedelta(seconds=sum(PAUSES_S)) < timedelta(days=2)
    assert pause_s(len(PAUSES_S), None, Random(1)) is None


def test_a_receiver_may_ask_for_a_longer_pause_up_to_a_limit():
    assert pause_s(0, 90, Random(1)) == 90
    assert pause_s(0, 10**9, Random(1)) == PAUSES_S[-1]


def fail(state, now, *, broken=False):
    return after_failure(state, "HTTP 500", now, Random(1), broken=broken)


def test_a_short_failure_pauses_nobody_however_many_deliveries_it_hits():
    state = SubscriberState()
    for second in range(3 * MAX_FAILURES):
        state = fail(state, NOW + timedelta(seconds=second))
    assert state.paused_at is None


def test_a_subscriber_that_fails_repeatedly_is_paused():
    state = SubscriberState()
    for number in range(MAX_FAILURES - 1):
        state = fail(state, NOW + number * FAILING)
        assert state.paused_at is None
    last = NOW + MAX_FAILURES * FAILING
    state = fail(state, last)
    assert state.paused_at == last
    assert state.probe_at == last + FIRST_PROBE
    assert state.failing_since == NOW


def test_a_subscriber_that_needs_repair_is_paused_at_once():
    assert fail(SubscriberState(), NOW, broken=True).paused_at == NOW


def test_probes_become_rarer_but_never_end():
    state = fail(SubscriberState(), NOW, broken=True)
    waits = []
    for _ in range(20):
        now = state.probe_at
        state = fail(state, now)
        waits.append(state.probe_at - now)
    assert waits[0] < waits[1] < waits[2]
    assert LAST_PROBE * (1 - JITTER) <= waits[-1] <= LAST_PROBE * (1 + JITTER)
    assert state.paused_at == NOW
