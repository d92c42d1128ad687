"""Metrics in the format of Prometheus, for all processes together; docs/metrics.md explains them.

They are read from Redis when they are asked for, so every web process gives the same ones.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from fastapi import APIRouter
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector
from starlette.responses import Response

from monitor.jobs.liveness import living
from monitor.overview.concerns import told_concerns
from monitor.overview.feeds import HEALTHS, PUSHINGS, feed_overviews
from monitor.overview.readiness import has_leader
from monitor.store.counters import BEYOND, POLL_BOUNDS_S, PUBLICATION_BOUNDS_S
from monitor.web.backend import Served

if TYPE_CHECKING:
    from monitor.runtime.composition import Runtime
    from monitor.store.counters import AlertedCount, Counts

router = APIRouter()


@router.get("/metrics", include_in_schema=False)
def metrics(served: Served) -> Response:
    """Returns all metrics as text."""
    registry = CollectorRegistry()
    registry.register(StateCollector(served.runtime))
    return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)


class StateCollector(Collector):
    """Reads all metrics of a Presswatch from its Redis."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    def describe(self) -> Iterable[Metric]:
        """Returns nothing: a registry need not read everything to register this."""
        return ()

    def collect(self) -> Iterator[Metric]:
        """Yields all metrics as they are now."""
        counts = self._runtime.store.counters.read()
        yield from _events(counts)
        yield from _lags(counts.alerted)
        yield from _processes(self._runtime)
        yield from _work(self._runtime, datetime.now(UTC))
        yield from _subscribers(self._runtime)


def _events(counts: Counts) -> Iterator[Metric]:
    yield _counter("polls", "Polls of feeds", "result", counts.polls)
    yield _counter("pushes", "What hubs pushed", "result", counts.pushes)
    yield _counter("gaps", "Polls that shared no entry with those before", "result", counts.gaps)
    yield _counter("entries", "Entries that polls and pushes queued", "kind", counts.entries)
    yield _counter("articles", "Articles that were matched", "text_from", counts.articles)
    yield _counter("alerts", "Alerts that were published", "watchlist", counts.alerts)
    deliveries = CounterMetricFamily(
        "presswatch_deliveries", "Events of deliveries", labels=("channel", "event")
    )
    for (channel, event), count in sorted(counts.deliveries.items()):
        deliveries.add_metric((channel, event.replace(" ", "_")), count)
    yield deliveries
    errors = CounterMetricFamily(
        "presswatch_errors", "Polls, and attempts to read a page, that failed",
        labels=("part", "kind"),
    )  # fmt: skip
    for labels, count in sorted(counts.errors.items()):
        errors.add_metric(labels, count)
    yield errors


def _lags(alerted: Iterable[AlertedCount]) -> Iterator[Metric]:
    publication: Counter[str] = Counter()
    poll: Counter[str] = Counter()
    for each in alerted:
        if each.publication is not None:
            publication[each.publication] += each.articles
        if each.poll is not None:
            poll[each.poll] += each.articles
    yield _histogram(
        "publication_to_alert_seconds",
        "From an article's publication, as it claims, to its alerts",
        publication,
        PUBLICATION_BOUNDS_S,
    )
    yield _histogram(
        "poll_to_alert_seconds",
        "From the poll that found an article to its alerts",
        poll,
        POLL_BOUNDS_S,
    )


def _processes(runtime: Runtime) -> Iterator[Metric]:
    yield GaugeMetricFamily(
        "presswatch_leader", "1 if a scheduler leads", value=int(has_leader(runtime))
    )
    yield GaugeMetricFamily(
        "presswatch_workers", "Worker processes that live", value=len(living(runtime.redis))
    )
    overviews = feed_overviews(runtime.config.feeds, runtime.store)
    by_health = Counter(each.health for each in overviews)
    feeds = GaugeMetricFamily("presswatch_feeds", "Feeds by health", labels=("health",))
    for health in HEALTHS:
        feeds.add_metric((health,), by_health[health])
    yield feeds
    by_pushing = Counter(each.pushing for each in overviews)
    hubs = GaugeMetricFamily(
        "presswatch_feed_hubs", "Feeds by whether a hub pushes them", labels=("pushing",)
    )
    for pushing in PUSHINGS:
        hubs.add_metric((pushing,), by_pushing[pushing])
    yield hubs
    yield GaugeMetricFamily(
        "presswatch_concerns",
        "What went silent or wrong, that operators were told of",
        value=len(told_concerns(runtime.store)),
    )


def _work(runtime: Runtime, now: datetime) -> Iterator[Metric]:
    jobs = GaugeMetricFamily(
        "presswatch_jobs", "Jobs that are queued, wait, or were given up", labels=("kind", "state")
    )
    age = GaugeMetricFamily(
        "presswatch_queue_age_seconds", "Age of the oldest queued job", labels=("kind",)
    )
    for kind, depth in runtime.queues.depths().items():
        for state, count in asdict(depth).items():
            jobs.add_metric((kind, state), count)
        since = runtime.queues.waiting_since(kind)
        age.add_metric((kind,), _age_s(since, now))
    yield jobs
    yield age
    backlog = runtime.store.unarchived.backlog()
    yield GaugeMetricFamily(
        "presswatch_archive_records", "Records to be written", value=backlog.records
    )
    yield GaugeMetricFamily(
        "presswatch_archive_age_seconds",
        "Age of the oldest record to be written",
        value=_age_s(backlog.oldest, now),
    )
    yield GaugeMetricFamily(
        "presswatch_archive_refused_records",
        "Records that the archive could not write",
        value=backlog.refused,
    )


def _subscribers(runtime: Runtime) -> Iterator[Metric]:
    paused = GaugeMetricFamily(
        "presswatch_subscriber_paused", "1 if a subscriber is paused", labels=("subscriber",)
    )
    held = GaugeMetricFamily(
        "presswatch_held_alerts", "Alerts held for a subscriber", labels=("subscriber",)
    )
    store = runtime.store.subscribers
    for subscriber in runtime.config.subscribers:
        paused.add_metric((subscriber.name,), store.state(subscriber.name).paused_at is not None)
        held.add_metric((subscriber.name,), store.held(subscriber.name))
    yield paused
    yield held


def _age_s(since: datetime | None, now: datetime) -> float:
    return 0.0 if since is None else max(0.0, (now - since).total_seconds())


def _counter(name: str, help_text: str, label: str, counts: dict[str, int]) -> Metric:
    family = CounterMetricFamily(f"presswatch_{name}", help_text, labels=(label,))
    for value, count in sorted(counts.items()):
        family.add_metric((value,), count)
    return family


def _histogram(
    name: str, help_text: str, counts: Counter[str], bounds_s: tuple[float, ...]
) -> Metric:
    """Returns a histogram of counts by upper bound; it has no sum, which would cost a command."""
    buckets: list[tuple[str, float]] = []
    total = 0
    for bound in (*(f"{each:g}" for each in bounds_s), BEYOND):
        total += counts[bound]
        buckets.append(("+Inf" if bound == BEYOND else bound, total))
    family = HistogramMetricFamily(f"presswatch_{name}", help_text)
    family.add_metric((), buckets, sum_value=None)
    return family
