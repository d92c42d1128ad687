"""Decides when a watchlist has a spike of coverage, and when it has fallen silent. Pure.

The usual number of articles for an hour of the week is estimated from hourly counts. As in
Farrington et al. 1996 ("A statistical algorithm for the early detection of outbreaks of infectious
disease", J. R. Stat. Soc. A 159), history is compared at the same time of the period, counts may
vary more than Poisson's, earlier spikes weigh little, and a spike must be improbable as well as
large. Few counts are pulled towards the rate of all hours, as a gamma prior does; the tail is then
that of a negative binomial distribution.

Hours are counted from the epoch, in UTC: hour `n` of the week is `n % 168`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

from monitor.model import Spike

HOUR = timedelta(hours=1)
DAY_H, WEEK_H = 24, 168
# Spikes are looked for in the last 3 hours, 6 hours, and so on.
WINDOWS_H = (3, 6, 12, 24)
# A count as high as this one must be less probable than this.
SPIKE_BOUND = 1e-5
# The copies of one text are no spike, however rare articles are.
MIN_SPIKE = 5
# Silences that are told without a reason, per watchlist and month, by the estimate.
SILENCES_A_MONTH = 0.01
# Fewer articles say little about how regularly they come.
MIN_EVENTS = 10
# A spike is over when coverage falls below this share of what made it one.
RELEASE = 0.5
# A spike that lasts for this long is the usual from then on.
LONGEST_SPIKE = timedelta(days=7)
# Without a whole week, some hours of the week are unknown.
MIN_HISTORY = timedelta(days=7)
# How much hours of the day, days of the week, and hours of the week are believed to differ: a gamma
# distribution of this shape, whose relative deviation is one divided by the shape's root.
HOUR_SHAPE, DAY_SHAPE, SLOT_SHAPE = 2.0, 8.0, 8.0
# Until about so many articles have come, they are believed to come in groups, as copies do.
DISPERSION, DISPERSION_EVENTS = 5.0, 20.0
# An hour counts as at most this many deviations more than usual, and this many articles.
CAP_DEVIATIONS, CAP_ARTICLES = 3.0, 2.0


@dataclass(frozen=True, slots=True)
class SpikeState:
    """What is remembered of a watchlist.

    `since` is where its history begins, and `subject` identifies what it looks for: a changed query
    has another usual. `window_h` are the hours in which the spike that began at `started_at` was
    seen; `ended_at` is the end of the last one. `silent_since` is the last match of a silence.
    """

    subject: str
    since: datetime
    started_at: datetime | None = None
    window_h: int = 0
    ended_at: datetime | None = None
    silent_since: datetime | None = None


SpikeKind = Literal["spike", "spike over", "silence", "silence over"]


@dataclass(frozen=True, slots=True)
class SpikeEvent:
    """What is to be told: `articles` came in the last `hours`, and `expected` are usual."""

    kind: SpikeKind
    since: datetime
    hours: int
    articles: int
    expected: float


@dataclass(frozen=True, slots=True)
class Usual:
    """What is usual for each of the 168 hours of the week.

    `rates` are articles per hour; `events` are those that each rate was estimated from.
    `dispersion` is the variance of counts divided by their mean, at least 1.
    """

    rates: tuple[float, ...]
    events: tuple[float, ...]
    dispersion: float
    total: float

    def expected(self, first: int, last: int) -> float:
        """Returns the usual number of articles from one hour up to, and without, another."""
        return math.fsum(self.rates[hour % WEEK_H] for hour in range(first, last))

    def tail(self, count: int, first: int, last: int) -> float:
        """Returns the probability of at least `count` articles in these hours."""
        mean = self.expected(first, last)
        events = math.fsum(self.events[hour % WEEK_H] for hour in range(first, last))
        # The posterior of the mean: some uncertainty about the level, and some about these hours.
        doubt = self.dispersion / (self.total + 0.5)
        doubt += 1 / (SLOT_SHAPE + events / self.dispersion)
        return tail(count, mean, self.dispersion * mean + doubt * mean * mean)

    def none(self, mean: float) -> float:
        """Returns the probability of no article where `mean` articles are usual."""
        excess = self.dispersion - 1 + mean * self.dispersion / (self.total + 0.5)
        return math.exp(-mean * (math.log1p(excess) / excess if excess > 0 else 1))


def tail(count: int, mean: float, variance: float) -> float:
    """Returns P(X >= count) of a negative binomial distribution; Poisson's if they are equal."""
    if count <= 0:
        return 1.0
    excess = max(variance / mean - 1, 1e-9)
    size, share = mean / excess, excess / (1 + excess)
    # Without differences of large numbers, which lose what matters.
    logarithms = (math.log((size + k) * share / (k + 1)) for k in range(count))
    term = math.exp(math.fsum(logarithms) - size * math.log1p(excess))
    total = 0.0
    # Terms rise up to the mean, and fall at least geometrically after it.
    while term > total * 1e-9 or count < mean:
        total += term
        term *= (size + count) / (count + 1) * share
        count += 1
    return min(total, 1.0)


def usual(counts: Sequence[int], end: int) -> Usual:
    """Estimates what is usual from hourly counts, oldest first, whose last hour is `end` - 1."""
    begin = end - len(counts)
    seen = [(begin + index, float(count)) for index, count in enumerate(counts)]
    rates, events = _rates(seen, 1.0)
    # Spikes of the past must not hide those to come.
    capped = _capped(seen, rates, 1.0)
    rates, events = _rates(capped, 1.0)
    dispersion = _dispersion(seen, rates)
    capped = _capped(seen, rates, dispersion)
    rates, events = _rates(capped, dispersion)
    return Usual(rates, events, dispersion, math.fsum(count for _, count in capped))


def _rates(
    seen: list[tuple[int, float]], dispersion: float
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Returns articles per hour for each hour of the week, and those that they come from."""
    events, hours = [0.0] * WEEK_H, [0] * WEEK_H
    for hour, count in seen:
        events[hour % WEEK_H] += count
        hours[hour % WEEK_H] += 1
    rate = (sum(events) + 0.5) / max(len(seen), 1)
    by_hour = [_factor(_near(events, at), _near(hours, at), rate, HOUR_SHAPE * dispersion)
               for at in range(DAY_H)]  # fmt: skip
    by_day = [
        _factor(
            sum(events[day * DAY_H : day * DAY_H + DAY_H]),
            sum(hours[day * DAY_H : day * DAY_H + DAY_H]),
            rate,
            DAY_SHAPE * dispersion,
        )
        for day in range(7)
    ]
    rates = []
    for slot in range(WEEK_H):
        prior = rate * by_hour[slot % DAY_H] * by_day[slot // DAY_H]
        rates.append(prior * _factor(events[slot], hours[slot], prior, SLOT_SHAPE * dispersion))
    return tuple(rates), tuple(events)


def _near(values: Sequence[float], hour: int) -> float:
    """Returns the sum for an hour of the day on all days, with the hours before and after it."""
    return sum(
        values[(day * DAY_H + hour + beside) % WEEK_H] for day in range(7) for beside in (-1, 0, 1)
    )


def _factor(events: float, hours: float, rate: float, shape: float) -> float:
    """Returns by how much these hours differ from a rate, pulled towards 1."""
    return (shape + events) / (shape + rate * hours)


def _capped(
    seen: list[tuple[int, float]], rates: Sequence[float], dispersion: float
) -> list[tuple[int, float]]:
    limits = [rate + CAP_DEVIATIONS * math.sqrt(dispersion * rate) + CAP_ARTICLES for rate in rates]
    return [(hour, min(count, limits[hour % WEEK_H])) for hour, count in seen]


def _dispersion(seen: list[tuple[int, float]], rates: Sequence[float]) -> float:
    """Returns the variance of counts in six hours divided by their mean.

    The most extreme of 50 is left out, since it may be a spike.
    """
    blocks: dict[int, list[float]] = {}
    for hour, count in seen:
        block = blocks.setdefault(hour // 6, [0.0, 0.0])
        block[0] += count
        block[1] += rates[hour % WEEK_H]
    ratios = sorted((count - mean) ** 2 / mean for count, mean in blocks.values())
    kept = ratios[: len(ratios) - len(ratios) // 50]
    measured = max(1.0, math.fsum(kept) / max(len(kept), 1))
    total = math.fsum(count for count, _ in blocks.values())
    believed = DISPERSION * DISPERSION_EVENTS
    return (believed + measured * total) / (DISPERSION_EVENTS + total)


def hours_at(moment: datetime) -> int:
    """Returns how many whole hours a moment is after the epoch."""
    return int(moment.timestamp() // HOUR.total_seconds())


def decide(
    state: SpikeState, counts: Sequence[int], spike: Spike, now: datetime
) -> tuple[SpikeState, SpikeEvent | None]:
    """Returns the state of a watchlist from now on, and what is to be told, if anything.

    `counts` are articles matched in each hour, the newest hour last and ending `now`, as far back
    as known. Deciding again in the same hour, with the state that was returned, tells nothing new.
    """
    known = min(len(counts), (now - state.since) // HOUR)
    counts, end = counts[len(counts) - known :], hours_at(now)
    if state.started_at is not None:
        return _while_spiking(state, counts, end, spike, now)
    silent_h = next((age for age, count in enumerate(reversed(counts)) if count), len(counts))
    if state.silent_since is not None:
        if silent_h == len(counts) or now - silent_h * HOUR <= state.silent_since + HOUR:
            return state, None
        event = SpikeEvent("silence over", state.silent_since, silent_h, 0, 0)
        return replace(state, silent_since=None), event
    if found := _new_spike(state, counts, end, spike, now):
        return replace(state, started_at=now, window_h=found.hours), found
    return _unless_silent(state, counts, end, spike.over // HOUR, silent_h, now)


def _new_spike(
    state: SpikeState, counts: Sequence[int], end: int, spike: Spike, now: datetime
) -> SpikeEvent | None:
    """Returns the spike in the shortest of the windows that has one."""
    longest = WINDOWS_H[-1]
    past = counts[:-longest][-(spike.over // HOUR) :]
    if len(past) * HOUR < MIN_HISTORY or sum(counts[-longest:]) < MIN_SPIKE:
        return None
    model = usual(past, end - longest)
    for window in WINDOWS_H:
        began, count = now - window * HOUR, sum(counts[-window:])
        if count < MIN_SPIKE or (state.ended_at and began < state.ended_at):
            continue
        expected = model.expected(end - window, end)
        is_high = count >= spike.times * expected
        if is_high and model.tail(count, end - window, end) < SPIKE_BOUND:
            return SpikeEvent("spike", began, window, count, expected)
    return None


def _while_spiking(
    state: SpikeState, counts: Sequence[int], end: int, spike: Spike, now: datetime
) -> tuple[SpikeState, SpikeEvent | None]:
    started_at = state.started_at or now
    lasted_h, window = (now - started_at) // HOUR, state.window_h
    before = counts[: len(counts) - window - lasted_h][-(spike.over // HOUR) :]
    model = usual(before, end - window - lasted_h)
    count, expected = sum(counts[-window:]), model.expected(end - window, end)
    stays = count >= RELEASE * spike.times * expected and count > 0
    lasts = lasted_h * HOUR >= LONGEST_SPIKE
    if stays and not lasts:
        return state, None
    event = SpikeEvent("spike over", started_at, window, count, expected)
    since = started_at if lasts else state.since
    return replace(state, since=since, started_at=None, window_h=0, ended_at=now), event


def _unless_silent(
    state: SpikeState, counts: Sequence[int], end: int, over_h: int, silent_h: int, now: datetime
) -> tuple[SpikeState, SpikeEvent | None]:
    """Tells that no article came for so long that this is improbable."""
    past = counts[: len(counts) - silent_h][-over_h:]
    if not silent_h or sum(past) < MIN_EVENTS or len(past) * HOUR < MIN_HISTORY:
        return state, None
    model = usual(past, end - silent_h)
    expected = model.expected(end - silent_h, end)
    gaps_a_month = model.total / len(past) * DAY_H * 30
    if model.none(expected) * gaps_a_month >= SILENCES_A_MONTH:
        return state, None
    since = now - silent_h * HOUR
    event = SpikeEvent("silence", since, silent_h, 0, expected)
    return replace(state, silent_since=since), event
