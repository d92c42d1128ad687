"""What is wrong with the feeds and the processes, as concerns for operators."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from monitor.alerts.concerns import Concern, KnownConcern
from monitor.feeds.refusals import WEB_PAGE
from monitor.jobs.liveness import living
from monitor.overview.readiness import NO_LEADER, NO_WORKER, has_leader
from monitor.untrusted import one_line

if TYPE_CHECKING:
    from monitor.overview.feeds import FeedOverview
    from monitor.runtime.composition import Runtime
    from monitor.store import Store

SCHEDULER, WORKER, NETWORK = "scheduler", "worker", "network"
# What keeps Presswatch from working at all: the silence of feeds and watchlists follows from it.
GENERAL = frozenset({SCHEDULER, WORKER, NETWORK})
# If all of at least so many feeds fail, it is not the feeds' fault.
MIN_FAILING = 3
# A page may stand in a feed's place for a moment, as an error.
MIN_PAGES = 3


def process_concerns(runtime: Runtime) -> Iterator[Concern]:
    """Yields a concern for each kind of process of which none lives."""
    if not has_leader(runtime):
        yield _split(SCHEDULER, NO_LEADER)
    if not living(runtime.redis):
        yield _split(WORKER, NO_WORKER)


def _split(key: str, reason: str) -> Concern:
    title, _, advice = reason.partition(": ")
    return Concern(key, title, f"{advice.capitalize()}.")


def feed_concerns(overviews: Sequence[FeedOverview]) -> Iterator[Concern]:
    """Yields the concerns about feeds that their states show; if all feeds fail, only one."""
    polled = [each for each in overviews if each.state.polled_at]
    if len(polled) >= MIN_FAILING and all(each.state.failures for each in polled):
        yield Concern(
            NETWORK,
            f"all {len(polled)} feeds fail",
            "That is rarely their fault: see whether this machine reaches the network, and whether "
            "names resolve.",
        )
        return
    for each in polled:
        state = each.state
        is_page = (state.error or "").startswith(WEB_PAGE)
        if is_page and state.succeeded_at and state.failures >= MIN_PAGES:
            yield Concern(
                f"page:{each.feed.id}",
                f"a web page is where the feed {name_of(each)} was",
                f"{state.error}.",
            )


def told_concerns(store: Store) -> list[KnownConcern]:
    """Returns what operators were told of and is still true, without the processes' own.

    Those are looked at directly: see `readiness`.
    """
    state = store.concerns.state()
    told = state.told if state else ()
    return [each for each in told if each.concern.key not in {SCHEDULER, WORKER}]


def name_of(overview: FeedOverview) -> str:
    """Returns a feed's name for a title."""
    return one_line(overview.title or overview.feed.public_url)
