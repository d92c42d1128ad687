"""Simulates polling over publishing times: how late entries are found, and what that costs.

    python tests/bench/cadence.py [DAYS]

Each feed is polled by the rule that the scheduler follows, and at fixed intervals. It lists its
latest entries; those that leave it between two polls are never found, unless it has older pages.
The first week, in which rhythms are learned, does not count. Recorded times are those of feeds in
the corpora, whose gaps are repeated until the time is full.
"""

import random
import sys
from bisect import bisect_left, bisect_right
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import cycle, pairwise

from corpora import CORPORA
from table import quantile

from monitor.config import PollSettings
from monitor.errors import FeedError
from monitor.feeds.cadence import next_poll
from monitor.feeds.document import read
from monitor.feeds.gaps import after_poll
from monitor.feeds.rhythm import rhythm_after
from monitor.model import Feed, FeedState

START = datetime(2026, 3, 2, tzinfo=UTC)
DAYS = 35
LEARNING = timedelta(days=7)
LISTED = 20
FEEDS_EACH = 5
FEWEST_DATES = 5
FEED = Feed("https://a.example/feed")
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
OFFICE = [0.1] * 7 + [1, 3, 4, 4, 4, 3, 3, 4, 4, 3, 1] + [0.2] * 6
PAPER = [0.3] * 5 + [2, 3, 3, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 1.5, 1, 1, 0.6, 0.4]
ALWAYS = [1.0] * 24
WORKDAYS, EVERY_DAY = [1, 1, 1, 1, 1, 0.1, 0.1], [1] * 7


def generated(rng, days, per_day, hours=ALWAYS, weekdays=EVERY_DAY):
    """Returns publishing times at random, with this daily and weekly profile."""
    times = []
    for number in range(24 * days):
        moment = START + number * HOUR
        pace = per_day * hours[moment.hour] / sum(hours) * weekdays[moment.weekday()] * 7
        pace /= sum(weekdays)
        at = rng.expovariate(pace)
        while at < 1:
            times.append(moment + at * HOUR)
            at += rng.expovariate(pace)
    return times


def bursts(rng, days):
    """Returns the times of a feed that is quiet, but for some hours every few days."""
    times = generated(rng, days, 0.5)
    for begin in generated(rng, days, 0.3):
        times += [begin + rng.random() * 3 * HOUR for _ in range(25)]
    return sorted(times)


def batches(rng, days):
    """Returns the times of a feed that publishes twelve entries at once, each morning."""
    return [
        START + day * DAY + 6 * HOUR + rng.random() * 0.1 * HOUR
        for day in range(days)
        for _ in range(12)
    ]


KINDS = {
    "a wire, 500 a day": lambda rng, days: generated(rng, days, 500, PAPER),
    "a newspaper, 100 a day": lambda rng, days: generated(rng, days, 100, PAPER),
    "a magazine, 12 a day": lambda rng, days: generated(rng, days, 12, OFFICE, WORKDAYS),
    "a ministry, 3 a day": lambda rng, days: generated(rng, days, 3, OFFICE, WORKDAYS),
    "a blog, 2 a week": lambda rng, days: generated(rng, days, 2 / 7),
    "quiet, with bursts": bursts,
    "12 at once each morning": batches,
}


def recorded(days):
    """Yields the name and the times of each feed of the corpora that has enough dates."""
    folder = CORPORA / "feeds"
    for path in sorted(folder.glob("*")):
        if path.suffix == ".json" and path.name == "gold.json":
            continue
        try:
            document = read(path.read_bytes(), url=FEED.url, headers={}, now=datetime.now(UTC))
        except FeedError:
            continue
        dates = sorted(entry.dated for entry in document.entries if entry.dated)
        if len(set(dates)) < FEWEST_DATES:
            continue
        # The oldest entries of some feeds are pinned there.
        dates = dates[len(dates) // 4 :]
        # From the same hour and weekday.
        moment = START + timedelta(days=dates[0].weekday(), seconds=dates[0].timestamp() % 86400)
        times = []
        for earlier, later in cycle(pairwise(dates)):
            if moment >= START + days * DAY:
                break
            times.append(moment)
            moment += max(
                later - earlier, timedelta(minutes=1) if later == dates[-1] else timedelta(0)
            )
        yield path.name, times


@dataclass
class Result:
    """What came of polling some feeds; delays are in minutes, and None is an entry never found."""

    delays: list[float | None] = field(default_factory=list)
    polls: int = 0
    feed_days: float = 0
    gaps: int = 0

    def add(self, other):
        self.delays += other.delays
        self.polls += other.polls
        self.feed_days += other.feed_days
        self.gaps += other.gaps

    def shown(self):
        p50, p95 = (
            quantile([each for each in self.delays if each is not None], share)
            for share in (0.5, 0.95)
        )
        lost = sum(each is None for each in self.delays)
        return f"{p50:8.1f} {p95:8.1f} {self.polls / self.feed_days:10.1f} {lost:7d} {self.gaps:6d}"


def simulate(times, days, settings, every=None, seed=1):
    """Polls a feed for some days, at a fixed interval if `every` is one; returns the Result."""
    rng = random.Random(seed)
    end, counted_from = START + days * DAY, START + LEARNING
    feed, state = replace(FEED, every=every), FeedState()
    now = START + rng.random() * timedelta(minutes=15)
    found_at = {}
    polls = known = gaps = 0
    while now < end:
        polls += now >= counted_from
        first, last = max(0, bisect_right(times, now) - LISTED), bisect_right(times, now)
        new = range(max(first, known), last)
        found_at |= dict.fromkeys(new, now)
        known = max(known, last)
        is_first = state.succeeded_at is None
        is_gap = first > 0 and not is_first and len(new) == last - first
        gaps += is_gap and now >= counted_from
        if new and every is None:
            elapsed = now - (state.succeeded_at or now)
            state = replace(
                state, gaps=after_poll(state.gaps, is_gap=is_gap, elapsed=elapsed, now=now)
            )
        if new or is_first:
            listed = times[first:last]
            rhythm = rhythm_after(
                state.rhythm,
                state.succeeded_at,
                listed=listed,
                new=[times[number] for number in new],
                now=now,
            )
            state = replace(state, changed_at=now, rhythm=rhythm.pack())
        state = replace(state, polled_at=now, succeeded_at=now)
        now = next_poll(feed, state, settings, now=now, rng=rng, is_first=is_first)
    numbers = range(bisect_left(times, counted_from), bisect_left(times, end - DAY / 4))
    delays = [
        (found_at[number] - times[number]) / timedelta(minutes=1) if number in found_at else None
        for number in numbers
    ]
    return Result(delays, polls, (end - counted_from) / DAY, gaps)


RULES = {
    "by rhythm": (PollSettings(), None),
    "each 15 min": (PollSettings(), timedelta(minutes=15)),
    "each 60 min": (PollSettings(), timedelta(minutes=60)),
}


def table(heading, feeds, days):
    """Prints a line for each kind of feed and each rule; `feeds` maps a kind to lists of times."""
    print(
        f"\n{heading:<28} {'rule':<12} {'p50 min':>8} {'p95 min':>8} {'polls/day':>10} {'lost':>7} {'gaps':>6}"
    )
    totals = {rule: Result() for rule in RULES}
    for kind, all_times in feeds.items():
        for rule, (settings, every) in RULES.items():
            result = Result()
            for seed, times in enumerate(all_times):
                result.add(simulate(times, days, settings, every, seed))
            totals[rule].add(result)
            if result.delays:
                print(f"{kind:<28} {rule:<12} {result.shown()}")
    for rule, result in totals.items():
        print(f"{'all':<28} {rule:<12} {result.shown()}")


def main():
    """Prints both tables."""
    days = int(sys.argv[1]) if len(sys.argv) > 1 else DAYS
    rng = random.Random(1)
    table(
        "generated",
        {kind: [make(rng, days) for _ in range(FEEDS_EACH)] for kind, make in KINDS.items()},
        days,
    )
    if (CORPORA / "feeds").is_dir():
        table("recorded", {name: [times] for name, times in recorded(days)}, days)
    else:
        print(f"\nno recorded feeds in {CORPORA}; set PRESSWATCH_CORPORA to their folder")


if __name__ == "__main__":
    main()
