"""Reads a story: its articles with their texts, in the order in which they were published."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import func, select

from monitor.archive.database import begin
from monitor.archive.schema import alerts, articles

if TYPE_CHECKING:
    from sqlalchemy import Engine

_PUBLISHED = func.coalesce(articles.c.published_at, articles.c.found_at)


@dataclass(frozen=True, slots=True)
class StoryFigures:
    """How many articles and sites a story has, from when to when, and who was alerted to it."""

    articles: int
    sites: int
    first_at: datetime
    last_at: datetime
    watchlists: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ArchivedTelling:
    """An article of a story, with its text."""

    title: str
    url: str
    source: str
    site: str
    language: str | None
    published_at: datetime | None
    found_at: datetime
    text: str


def count_story(engine: Engine, story: str) -> StoryFigures | None:
    """Returns a story's figures, or None if the archive does not have it."""
    query = select(
        func.count(),
        func.count(articles.c.site.distinct()),
        func.min(articles.c.found_at),
        func.max(articles.c.found_at),
    ).where(articles.c.story == story)
    alerted = (
        select(alerts.c.watchlist)
        .join(articles, articles.c.id == alerts.c.article)
        .where(articles.c.story == story)
        .group_by(alerts.c.watchlist)
        .order_by(alerts.c.watchlist)
    )
    with begin(engine) as connection:
        count, sites, first_at, last_at = connection.execute(query).one()
        if not count:
            return None
        return StoryFigures(count, sites, first_at, last_at, tuple(connection.scalars(alerted)))


def story_texts(engine: Engine, story: str, skipped: int, most: int) -> list[ArchivedTelling]:
    """Returns at most `most` articles of a story, without the first `skipped`."""
    query = (
        select(*(articles.c[name] for name in ArchivedTelling.__dataclass_fields__))
        .where(articles.c.story == story)
        .order_by(_PUBLISHED, articles.c.found_at, articles.c.id)
        .offset(skipped)
        .limit(most)
    )
    with begin(engine) as connection:
        return [ArchivedTelling(*row) for row in connection.execute(query)]
