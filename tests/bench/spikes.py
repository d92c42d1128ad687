"""Measures spikes and silences on simulated coverage: what is told for nothing, and how late.

python tests/bench/spikes.py [--months N]

Hours of a day and days of a week differ, and articles come alone (Poisson) or in groups, as copies
of one story do: the size of a group is geometric, with a mean of 3.
"""

import argparse
import math
import random
import statistics
from datetime import UTC, datetime, timedelta

from monitor.alerts.spikes import HOUR, SpikeState, decide
from monitor.model import Spike

RATES = (0.2, 2, 20, 200)
FACTORS = (3, 5, 10)
HISTORY = timedelta(days=28)
MONTH = timedelta(days=30)
BEGINNING = datetime(2026, 1, 1, tzinfo=UTC)
EVERY_H = 3


def shape(hour):
    """How busy an hour of the week is; 1 on average."""
    day = 1 + 0.8 * math.sin((hour % 24 - 8) * math.pi / 12)
    return day * (0.4 if hour // 24 % 7 in {2, 3} else 1.24)


def poisson(rng, mean):
    if mean > 30:
        return max(0, round(rng.gauss(mean, math.sqrt(mean))))
    count, product, limit = 0, rng.random(), math.exp(-mean)
    while product > limit:
        count, product = count + 1, product * rng.random()
    return count


def hourly(rng, a_day, hour, grouped, factor=1.0):
    mean = a_day / 24 * shape(hour) * factor
    if not grouped:
        return poisson(rng, mean)
    groups = poisson(rng, mean / 3)
    return sum(1 + int(math.log(rng.random()) / math.log(2 / 3)) for _ in range(groups))


def run(seed, a_day, grouped, factor=None, hours=MONTH // HOUR):
    """Yields what is told after the history, with the hours since; `factor` begins at once."""
    rng = random.Random(seed)
    first, past = int(BEGINNING.timestamp()) // 3600, HISTORY // HOUR
    counts = [hourly(rng, a_day, first + hour, grouped) for hour in range(past)]
    state = SpikeState("", BEGINNING)
    for hour in range(past, past + hours):
        usual = 1.0 if factor is None else factor
        counts.append(hourly(rng, a_day, first + hour, grouped, usual) if usual else 0)
        if hour % EVERY_H == 0 or factor is not None:
            state, event = decide(state, counts, Spike(over=HISTORY), BEGINNING + (hour + 1) * HOUR)
            if event:
                yield event.kind, hour + 1 - past


def delay(kind, a_day, grouped, factor, runs, hours):
    """The median hours until something true is told; "-" if most are not told."""
    delays = [
        next((at for told, at in run(seed, a_day, grouped, factor, hours) if told == kind), None)
        for seed in range(runs)
    ]
    told = sorted(math.inf if value is None else value for value in delays)
    middle = statistics.median_low(told)
    return "-" if middle == math.inf else f"{middle} h"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--months", type=int, default=40)
    months = parser.parse_args().months
    print(
        "| articles a day | come | false spikes a month | false silences a month | "
        + " | ".join(f"×{factor}" for factor in FACTORS)
        + " | silence |"
    )
    print("|" + "---|" * (5 + len(FACTORS)))
    for a_day in RATES:
        for grouped in (False, True):
            told = [kind for seed in range(months) for kind, _ in run(seed, a_day, grouped)]
            delays = [delay("spike", a_day, grouped, factor, 9, 72) for factor in FACTORS]
            delays.append(delay("silence", a_day, grouped, 0, 5, 24 * 45 if a_day < 2 else 240))
            print(
                f"| {a_day} | {'in groups' if grouped else 'alone'} "
                f"| {told.count('spike') / months:.2f} | {told.count('silence') / months:.2f} | "
                + " | ".join(delays)
                + " |",
                flush=True,
            )


if __name__ == "__main__":
    main()
