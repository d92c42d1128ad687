"""The state of a running daemon, as `presswatch status` shows it."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from monitor.articles.fragments import clean_fragment
from monitor.jobs.liveness import living
from monitor.model import Feed, FeedState, Subscriber
from monitor.scheduler.leadership import has_leader
from monitor.untrusted import one_line

if TYPE_CHECKING:
    from monitor.runtime.composition import Runtime
    from monitor.store import Store
    from monitor.store.unarchived import Backlog

LATEST_ALERTS = 5
MAX_FAILED_JOBS = 20


def health(state: FeedState) -> str:
    """Returns a feed's health in one word: new, ok, doubtful or failing.

    A doubtful feed answers, but some of it cannot be read, or entries are held back.
    """
    if state.failures:
        return "failing"
    if state.problem or state.held_back:
        return "doubtful"
    return "ok" if state.succeeded_at else "new"


def collect(runtime: Runtime) -> dict[str, Any]:
    """Returns everything that `presswatch status` shows, as values that JSON can hold."""
    store, queues = runtime.store, runtime.queues
    return {
        "at": _iso(datetime.now(UTC)),
        "scheduler": has_leader(runtime.redis, store.keys.leader),
        "workers": len(living(runtime.redis)),
        "feeds": [_feed(feed, store) for feed in runtime.config.feeds],
        "subscribers": [
            _subscriber(subscriber, store) for subscriber in runtime.config.subscribers
        ],
        "queues": {name: asdict(depth) for name, depth in queues.depths().items()},
        "archive": _archive(store.unarchived.backlog()),
        "alerts": store.alerts.count(),
        "last_alerts": store.alerts.latest(limit=LATEST_ALERTS),
        "failed": [
            {"id": job.id, "queue": job.queue, "error": job.error, "at": _iso(job.failed_at)}
            for job in queues.all_failed()[:MAX_FAILED_JOBS]
        ],
    }


def _archive(backlog: Backlog) -> dict[str, Any]:
    return {
        "to_write": backlog.records,
        "behind_since": _iso(backlog.oldest),
        "refused": backlog.refused,
    }


def _feed(feed: Feed, store: Store) -> dict[str, Any]:
    state = store.feeds.state(feed.id)
    return {
        "id": feed.id,
        "url": feed.public_url,
        "name": feed.name or title_text(state.title),
        "health": health(state),
        "error": state.error,
        "problem": state.problem,
        "failures": state.failures,
        "entries": state.entries,
        "held_back": state.held_back,
        "polled_at": _iso(state.polled_at),
        "changed_at": _iso(state.changed_at),
        "due_at": _iso(store.feeds.due_at(feed.id)),
    }


def _subscriber(subscriber: Subscriber, store: Store) -> dict[str, Any]:
    state = store.subscribers.state(subscriber.name)
    return {
        "name": subscriber.name,
        "kind": subscriber.kind,
        "failures": state.failures,
        "error": state.error,
        "paused_at": _iso(state.paused_at),
        "probe_at": _iso(state.probe_at),
        "held": store.subscribers.held(subscriber.name),
    }


def title_text(title: str | None) -> str | None:
    """Returns a feed's title as plain text on one line; some feeds put markup into it."""
    if not title:
        return None
    return one_line(clean_fragment(title)) or None


def _iso(moment: datetime | None) -> str | None:
    return moment.astimezone(UTC).isoformat(timespec="seconds") if moment else None
