"""Reads the articles that readers marked as relevant or not, to compare queries by them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import select

from monitor.archive.database import begin
from monitor.archive.read import read_articles
from monitor.archive.schema import alerts, articles, marks
from monitor.watchlists.article import StoredArticle

if TYPE_CHECKING:
    from sqlalchemy import Engine


@dataclass(frozen=True, slots=True)
class JudgedArticles:
    """Articles that a watchlist alerted on and readers marked, the latest marks first."""

    relevant: tuple[StoredArticle, ...] = ()
    irrelevant: tuple[StoredArticle, ...] = ()


def judged_articles(engine: Engine, watchlist: str, most: int = 100) -> JudgedArticles:
    """Returns at most `most` articles of either kind."""
    kinds = (_judged(engine, watchlist, most, is_relevant=each) for each in (True, False))
    return JudgedArticles(*kinds)


def _judged(
    engine: Engine, watchlist: str, most: int, *, is_relevant: bool
) -> tuple[StoredArticle, ...]:
    query = (
        select(articles.c.number)
        .join(alerts, alerts.c.article == articles.c.id)
        .join(marks, marks.c.alert == alerts.c.id)
        .where(alerts.c.watchlist == watchlist, marks.c.relevant.is_(is_relevant))
        .order_by(marks.c.changed_at.desc(), articles.c.number)
        .limit(most)
    )
    with begin(engine) as connection:
        numbers = list(dict.fromkeys(connection.scalars(query)))
    stored = {row.number: article for row, article in read_articles(engine, numbers)}
    return tuple(stored[number] for number in numbers if number in stored)


def latest_articles(engine: Engine, most: int) -> list[StoredArticle]:
    """Returns the articles that were found last, whether or not anything matched them."""
    query = select(articles.c.number).order_by(articles.c.found_at.desc()).limit(most)
    with begin(engine) as connection:
        numbers = list(connection.scalars(query))
    return [article for _, article in read_articles(engine, numbers, words_only=True)]
