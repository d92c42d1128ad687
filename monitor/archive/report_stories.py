"""Looks up what a report shows of stories, and the spikes of a period."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import case, func, select

from monitor.alerts.document import whole
from monitor.archive.schema import alerts, articles, matches
from monitor.reports.figures import Carrier, CoveredStory, ReportedSpike

if TYPE_CHECKING:
    from sqlalchemy import Connection, Row

    from monitor.reports.periods import Period

# A story's first outlets are named; the others are counted.
MOST_CARRIERS = 12
MOST_SPIKES = 20
MOST_SNIPPETS = 2
# Longer ones are nobody's; a report must fit into a mail.
MAX_TITLE, MAX_URL = 500, 2_000


def described(
    connection: Connection, period: Period, counted: Mapping[tuple[str, str], tuple[int, int]]
) -> dict[str, list[CoveredStory]]:
    """Returns the stories that were counted, by watchlist, in the same order."""
    rows = _carriers(connection, period, list(counted))
    snippets = _snippets(connection, [row.alert for each in rows.values() for row in each])
    found: dict[str, list[CoveredStory]] = defaultdict(list)
    for (watchlist, story), (count, outlets) in counted.items():
        carriers = rows[watchlist, story]
        if not carriers:
            continue
        alert = next((row.alert for row in carriers if row.alert in snippets), None)
        found[watchlist].append(
            CoveredStory(
                story,
                count,
                outlets,
                carriers[0].language,
                tuple(map(_carrier, carriers)),
                snippets.get(alert, ()),
            )
        )
    return found


def _carriers(
    connection: Connection, period: Period, stories: Sequence[tuple[str, str]]
) -> dict[tuple[str, str], list[Row[Any]]]:
    """Returns for each watchlist and story the first article of each outlet, earliest first."""
    # Nothing is published after it was found: such a date is wrong.
    published, found = articles.c.published_at, articles.c.found_at
    at = case((published <= found, published), else_=found)
    pair = (matches.c.watchlist, articles.c.story)
    in_order = (at, articles.c.id)
    of_outlet = (
        select(
            matches.c.watchlist,
            matches.c.alert,
            articles.c.story,
            articles.c.source,
            articles.c.title,
            articles.c.url,
            articles.c.language,
            articles.c.id,
            at.label("at"),
            func.row_number()
            .over(partition_by=(*pair, articles.c.site), order_by=in_order)
            .label("of_outlet"),
        )
        .join(matches, matches.c.article == articles.c.id)
        .where(
            articles.c.story.in_({story for _, story in stories}),
            matches.c.watchlist.in_({watchlist for watchlist, _ in stories}),
            matches.c.matched_at >= period.since,
            matches.c.matched_at < period.until,
        )
        .subquery()
    )
    first = (
        select(
            of_outlet,
            func.row_number()
            .over(
                partition_by=(of_outlet.c.watchlist, of_outlet.c.story),
                order_by=(of_outlet.c.at, of_outlet.c.id),
            )
            .label("rank"),
        )
        .where(of_outlet.c.of_outlet == 1)
        .subquery()
    )
    query = select(first).where(first.c.rank <= MOST_CARRIERS).order_by(first.c.rank)
    carriers: dict[tuple[str, str], list[Row[Any]]] = defaultdict(list)
    for row in connection.execute(query):
        carriers[row.watchlist, row.story].append(row)
    return carriers


def _carrier(row: Row[Any]) -> Carrier:
    url = row.url if len(row.url) <= MAX_URL else ""
    return Carrier(row.source, row.title[:MAX_TITLE], url, row.at)


def _snippets(
    connection: Connection, alert_ids: Sequence[str | None]
) -> dict[str | None, tuple[dict[str, Any], ...]]:
    query = select(alerts.c.id, alerts.c.document).where(alerts.c.id.in_(filter(None, alert_ids)))
    return {
        row.id: tuple(whole(row.document)["snippets"][:MOST_SNIPPETS])
        for row in connection.execute(query)
    }


def spikes_in(
    connection: Connection, period: Period, watchlists: Sequence[str]
) -> tuple[list[ReportedSpike], int]:
    """Returns the latest alerts about these watchlists' coverage as a whole, and their number."""
    is_spike = (
        alerts.c.watchlist.in_(watchlists),
        alerts.c.detected_at >= period.since,
        alerts.c.detected_at < period.until,
        # Such an alert has no article, and its own id in its place.
        alerts.c.article == alerts.c.id,
    )
    latest = select(alerts.c.watchlist, alerts.c.detected_at, alerts.c.document).where(*is_spike)
    found = connection.execute(latest.order_by(alerts.c.detected_at.desc()).limit(MOST_SPIKES))
    spikes = [
        ReportedSpike(row.watchlist, whole(row.document)["article"]["title"], row.detected_at)
        for row in found
    ]
    if len(spikes) < MOST_SPIKES:
        return spikes, len(spikes)
    count = connection.execute(select(func.count()).select_from(alerts).where(*is_spike)).scalar()
    return spikes, count or 0
