"""How often a watchlist alerts on a topic: at first, and where a later article adds to it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from monitor.model import Match

Verdict = Literal["alert", "count", "known"]


@dataclass(frozen=True, slots=True)
class Told:
    """What a watchlist has made of a topic: its first alert, the articles, and the terms told."""

    alert: str = ""
    alerted: tuple[str, ...] = ()
    counted: tuple[str, ...] = ()
    terms: tuple[str, ...] = ()


def judge(told: Told, article_id: str, match: Match) -> tuple[Verdict, tuple[str, ...]]:
    """Whether an article is worth an alert, with the terms that are new to the topic.

    The first article is, and a later one that matches a term that was not told yet; others are
    counted, once. An article that has alerted does not alert again, however it is edited.
    """
    new = tuple(sorted({term.term for term in match.terms} - set(told.terms)))
    if article_id in told.alerted:
        return "known", ()
    if not told.alerted or new:
        return "alert", new
    return ("known" if article_id in told.counted else "count"), ()


def after_alert(told: Told, alert_id: str, article_id: str, new: tuple[str, ...]) -> Told:
    """What is known after an alert."""
    return replace(
        told,
        alert=told.alert or alert_id,
        alerted=(*told.alerted, article_id),
        terms=(*told.terms, *new),
    )


def after_count(told: Told, article_id: str) -> Told:
    """What is known after an article that was only counted."""
    return replace(told, counted=(*told.counted, article_id))
