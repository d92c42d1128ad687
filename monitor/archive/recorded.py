"""Reads what the daemon recorded of watchlists: matches, alerts, and who was to receive them."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable
from typing import Any

from sqlalchemy import ColumnElement, Engine, func, select

from monitor.alerts.plan import ArchivedArticle, Coverage
from monitor.archive.database import begin
from monitor.archive.matching import WARM_UP, Period
from monitor.archive.schema import alerts, articles, deliveries, matches

_ROWS = 10_000


def recorded_coverage(engine: Engine, period: Period) -> dict[str, Coverage]:
    """Returns what each watchlist matched and alerted on, as the daemon recorded it.

    Matches found by looking back later do not count.
    """
    query = (
        select(
            matches.c.watchlist, matches.c.alert,
            articles.c.number, articles.c.id, articles.c.story, articles.c.found_at,
        )
        .join(articles, matches.c.article == articles.c.id)
        .where(*_within(period), matches.c.later.is_(False))
        .order_by(articles.c.found_at, articles.c.number)
    )  # fmt: skip
    found: defaultdict[str, Coverage] = defaultdict(lambda: Coverage({}, []))
    with begin(engine) as connection:
        for row in connection.execute(query.execution_options(yield_per=_ROWS)):
            archived = ArchivedArticle(row.number, row.id, row.story, row.found_at)
            found[row.watchlist].articles[row.id] = archived
            if row.alert is not None:
                found[row.watchlist].alerts.append(archived)
    return dict(found)


def received_alerts(engine: Engine, period: Period) -> Counter[str]:
    """Returns how many of the recorded alerts each subscriber was to receive."""
    query = (
        select(deliveries.c.subscriber, func.count(matches.c.alert.distinct()))
        .join(matches, matches.c.alert == deliveries.c.alert)
        .join(articles, matches.c.article == articles.c.id)
        .where(*_within(period), matches.c.later.is_(False))
        .group_by(deliveries.c.subscriber)
    )
    with begin(engine) as connection:
        return Counter({row[0]: row[1] for row in connection.execute(query)})


def alerting_watchlists(
    engine: Engine, period: Period, stories: Collection[str]
) -> dict[str, set[str]]:
    """Returns the names of the watchlists that alerted on each of these stories, as recorded."""
    query = select(alerts.c.watchlist, alerts.c.story).where(
        alerts.c.detected_at >= period.since - WARM_UP, alerts.c.detected_at < period.until
    )
    found: defaultdict[str, set[str]] = defaultdict(set)
    with begin(engine) as connection:
        for name, story in connection.execute(query.execution_options(yield_per=_ROWS)):
            if story in stories:
                found[story].add(name)
    return found


def alert_documents(
    engine: Engine, watchlist: str, article_ids: Iterable[str]
) -> dict[str, dict[str, Any]]:
    """Returns the documents of a watchlist's alerts (JSON, version 1), by their articles' ids."""
    query = select(alerts.c.article, alerts.c.document).where(
        alerts.c.watchlist == watchlist, alerts.c.article.in_(list(article_ids))
    )
    with begin(engine) as connection:
        return {row.article: row.document for row in connection.execute(query)}


def _within(period: Period) -> tuple[ColumnElement[bool], ...]:
    return articles.c.found_at >= period.since, articles.c.found_at < period.until
