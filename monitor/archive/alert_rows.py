"""Reads a selection of alerts as rows of tables, page by page in short transactions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from monitor.alerts.document import whole
from monitor.archive.browse import AlertFilter, alerts_page
from monitor.articles.sites import site
from monitor.reports.figures import MatchRow

if TYPE_CHECKING:
    from sqlalchemy import Engine

# Rows that are read at once.
PAGE = 1_000


def read_alerts(
    engine: Engine, selection: AlertFilter, definitions: Mapping[str, str]
) -> Iterator[MatchRow]:
    """Yields all alerts of a selection, newest first.

    Each page is a transaction of its own, so that a slow reader delays nobody. Raises QueryError
    for a broken query, and ArchiveUnavailable if the database fails.
    """
    after = None
    while True:
        listed = alerts_page(engine, selection, after=after, limit=PAGE, definitions=definitions)
        for each in listed.alerts:
            yield _row(each.detected_at, whole(each.document))
        after = listed.older
        if after is None:
            return


def _row(detected_at: datetime, document: Mapping[str, Any]) -> MatchRow:
    article = document["article"]
    return MatchRow(
        matched_at=detected_at,
        watchlist=document["watchlist"],
        later=False,
        title=article["title"],
        url=article["url"],
        source=article["source"],
        site=site(article["url"]),
        language=article["language"],
        authors=tuple(article["authors"]),
        published_at=_moment(article["published_at"]),
        quality=str(article.get("quality", "")),
        paywalled=article.get("paywalled") is True,
        story=document["story"]["id"],
        article=article["id"],
        alert=document["id"],
    )


def _moment(written: str | None) -> datetime | None:
    """Returns a moment that an alert names, or None if it is not one with a zone."""
    try:
        moment = datetime.fromisoformat(written or "")
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else None
