"""The state of a running daemon, as `presswatch status` shows it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from monitor.errors import PresswatchError
from monitor.jobs.liveness import living
from monitor.model import FeedGaps, Subscriber, Watchlist
from monitor.overview.concerns import told_concerns
from monitor.overview.feeds import FeedOverview, feed_overviews
from monitor.overview.readiness import has_leader, idle_reasons
from monitor.untrusted import printable

if TYPE_CHECKING:
    from pathlib import Path

    from monitor.alerts.concerns import KnownConcern
    from monitor.archive.activity import WatchlistActivity
    from monitor.runtime.composition import Runtime
    from monitor.store import Store
    from monitor.store.unarchived import Backlog

LATEST_ALERTS = 5
MAX_FAILED_JOBS = 20
# Watchlists are shown with their alerts of this time.
ACTIVITY = timedelta(hours=24)


def collect(runtime: Runtime, data: Path) -> dict[str, Any]:
    """Returns everything that `presswatch status` shows, as values that JSON can hold."""
    store, queues = runtime.store, runtime.queues
    now = datetime.now(UTC)
    activity, error = _activity(runtime, data, now)
    return {
        "at": _iso(now),
        "idle": idle_reasons(runtime),
        "concerns": list(map(_concern, told_concerns(store))),
        "scheduler": has_leader(runtime),
        "workers": len(living(runtime.redis)),
        "feeds": feed_states(runtime),
        "watchlists": [_watchlist(watchlist, activity) for watchlist in runtime.config.watchlists],
        "subscribers": [
            _subscriber(subscriber, store) for subscriber in runtime.config.subscribers
        ],
        "queues": {name: asdict(depth) for name, depth in queues.depths().items()},
        "archive": _archive(store.unarchived.backlog()) | {"error": error},
        "alerts": store.alerts.count(),
        "last_alerts": store.alerts.latest(limit=LATEST_ALERTS),
        "failed": [
            {"id": job.id, "queue": job.queue, "error": job.error, "at": _iso(job.failed_at)}
            for job in queues.all_failed()[:MAX_FAILED_JOBS]
        ],
    }


def _concern(known: KnownConcern) -> dict[str, Any]:
    concern = known.concern
    return {
        "key": concern.key,
        "title": concern.title,
        "advice": concern.advice,
        "since": _iso(known.since),
    }


def feed_states(runtime: Runtime) -> list[dict[str, Any]]:
    """Returns the feeds of the configuration with their health, as values that JSON can hold."""
    return list(map(_feed, feed_overviews(runtime.config.feeds, runtime.store)))


def _activity(
    runtime: Runtime, data: Path, now: datetime
) -> tuple[dict[str, WatchlistActivity] | None, str | None]:
    """Returns the activity of all watchlists, or None and why the archive cannot be read."""
    from monitor.archive.activity import watchlist_activity
    from monitor.archive.database import read_archive

    try:
        engine = read_archive(runtime.config.settings.archive.url, data)
        return watchlist_activity(engine, now - ACTIVITY), None
    except PresswatchError as error:
        return None, str(error)


def _watchlist(
    watchlist: Watchlist, activity: dict[str, WatchlistActivity] | None
) -> dict[str, Any]:
    names = {"name": watchlist.name, "title": watchlist.title}
    if activity is None:
        return {**names, "alerts": None, "last_alert_at": None}
    known = activity.get(watchlist.name)
    return {
        **names,
        "alerts": known.alerts if known else 0,
        "last_alert_at": _iso(known.last) if known else None,
    }


def _archive(backlog: Backlog) -> dict[str, Any]:
    return {
        "to_write": backlog.records,
        "behind_since": _iso(backlog.oldest),
        "refused": backlog.refused,
    }


def _feed(overview: FeedOverview) -> dict[str, Any]:
    state = overview.state
    return {
        "id": overview.feed.id,
        "url": overview.feed.public_url,
        "moved_to": overview.address,
        "name": overview.title,
        "health": overview.health,
        "error": state.error,
        "problem": overview.problem,
        "failures": state.failures,
        "entries": state.entries,
        "entries_a_day": state.entries_a_day,
        "held_back": state.held_back,
        "gaps": _gaps(state.gaps),
        "pushing": overview.pushing,
        "pushed_at": _iso(overview.push.pushed_at),
        "polled_at": _iso(state.polled_at),
        "succeeded_at": _iso(state.succeeded_at),
        "changed_at": _iso(state.changed_at),
        "due_at": _iso(overview.due_at),
        "stopped_at": _iso(state.stopped_at),
    }


def _gaps(gaps: FeedGaps | None) -> dict[str, Any]:
    gaps = gaps or FeedGaps()
    return {"found": gaps.found, "filled": gaps.filled, "last_at": _iso(gaps.last_at)}


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


def watchlist_lines(watchlists: Iterable[dict[str, Any]]) -> list[str]:
    """Returns a line for each watchlist, those that alerted last first."""
    last_first = sorted(watchlists, key=lambda each: each["last_alert_at"] or "", reverse=True)
    return [
        f"watchlist  {printable(each['title'] or each['name'])}: {_alerts_in_words(each)}"
        for each in last_first
    ]


def _alerts_in_words(watchlist: dict[str, Any]) -> str:
    if watchlist["alerts"] is None:
        return "unknown, since the archive cannot be read"
    if watchlist["last_alert_at"] is None:
        return "no alert yet"
    count = watchlist["alerts"]
    hours = int(ACTIVITY.total_seconds() // 3600)
    return (
        f"{count} alert{'' if count == 1 else 's'} in {hours} h, "
        f"the last at {watchlist['last_alert_at']}"
    )


def _iso(moment: datetime | None) -> str | None:
    return moment.astimezone(UTC).isoformat(timespec="seconds") if moment else None
