"""Lists what mutes have held back: matches that led to no alert."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import func, select

from monitor.archive.browse import Telling
from monitor.archive.database import begin
from monitor.archive.schema import articles, matches

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from monitor.alerts.mutes import Mute


@dataclass(frozen=True, slots=True)
class HeldBack:
    """The articles that a mute has held back so far: how many, and the newest of them."""

    total: int
    newest: tuple[Telling, ...]


def held_back(engine: Engine, mute: Mute, most: int) -> HeldBack:
    """Returns the articles that matched since a mute began, and led to no alert."""
    column = articles.c.story if mute.kind == "story" else articles.c.source
    condition = (
        matches.c.watchlist == mute.watchlist,
        matches.c.matched_at >= mute.since,
        matches.c.alert.is_(None),
        matches.c.later.is_(False),
        column == mute.subject,
    )
    newest = (
        select(*(articles.c[name] for name in Telling.__dataclass_fields__))
        .join(matches, matches.c.article == articles.c.id)
        .where(*condition)
        .order_by(matches.c.matched_at.desc(), articles.c.id)
        .limit(most)
    )
    counted = (
        select(func.count()).select_from(matches).join(articles, articles.c.id == matches.c.article)
    )
    with begin(engine) as connection:
        total = connection.scalar(counted.where(*condition)) or 0
        return HeldBack(total, tuple(Telling(*row) for row in connection.execute(newest)))
