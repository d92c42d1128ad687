"""Decides when a watchlist alerts on a topic: at first, and when a later article adds to it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from monitor.model import Match

Verdict = Literal["alert", "count", "known", "muted"]


@dataclass(frozen=True, slots=True)
class TopicHistory:
    """The history of one watchlist's alerts on one topic.

    `alert` is the id of the first alert, `alerted` and `counted` are ids of articles, and `terms`
    are those that the alerts have named.
    """

    alert: str = ""
    alerted: tuple[str, ...] = ()
    counted: tuple[str, ...] = ()
    terms: tuple[str, ...] = ()


def judge(
    history: TopicHistory, article_id: str, match: Match, *, is_muted: bool = False
) -> tuple[Verdict, tuple[str, ...]]:
    """Decides whether an article deserves an alert; also returns the terms new to the topic.

    The first article does, and so does a later one that matches a term that no alert has named; all
    others are counted, once. An article that has alerted does not alert again, however it is
    edited. A muted match is not counted, so the first one after the mute alerts.
    """
    if is_muted:
        return "muted", ()
    new_terms = tuple(sorted({term.term for term in match.terms} - set(history.terms)))
    if article_id in history.alerted:
        return "known", ()
    if not history.alerted or new_terms:
        return "alert", new_terms
    return ("known" if article_id in history.counted else "count"), ()


def after_alert(
    history: TopicHistory, alert_id: str, article_id: str, new_terms: tuple[str, ...]
) -> TopicHistory:
    """Returns the history with one more alert."""
    return replace(
        history,
        alert=history.alert or alert_id,
        alerted=(*history.alerted, article_id),
        terms=(*history.terms, *new_terms),
    )


def after_count(history: TopicHistory, article_id: str) -> TopicHistory:
    """Returns the history with one more article that was only counted."""
    return replace(history, counted=(*history.counted, article_id))
