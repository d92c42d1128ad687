"""Decides which matches are muted: archived, but alerted on to nobody."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from monitor.model import Article, content_id

MuteKind = Literal["story", "source"]


@dataclass(frozen=True, slots=True)
class Mute:
    """Keeps a watchlist from alerting on a story or a source, until a moment or for good.

    `subject` is the id of a story, or the name of a source as alerts show it; `title` says to
    people what it is. `by` is who muted it, empty if nobody can say.
    """

    watchlist: str
    kind: MuteKind
    subject: str
    title: str
    since: datetime
    until: datetime | None = None
    by: str = ""

    @property
    def id(self) -> str:
        """Returns the id: to mute the same again replaces what was there."""
        return content_id(self.watchlist, self.kind, self.subject)

    def holds(self, now: datetime) -> bool:
        """Returns whether the mute has not ended."""
        return self.until is None or now < self.until

    def covers(self, watchlist: str, article: Article) -> bool:
        """Returns whether this concerns a watchlist's match of an article."""
        of_article = article.story if self.kind == "story" else article.source
        return self.watchlist == watchlist and self.subject == of_article


def is_muted(mutes: Iterable[Mute], watchlist: str, article: Article, now: datetime) -> bool:
    """Returns whether a watchlist's match of an article is muted."""
    return any(mute.covers(watchlist, article) and mute.holds(now) for mute in mutes)


def mute_of(
    document: Mapping[str, Any],
    kind: MuteKind,
    *,
    now: datetime,
    length: timedelta | None,
    by: str = "",
) -> Mute:
    """Returns the mute of an alert's story or source, for its watchlist.

    `document` is the alert's (JSON, version 1); without a `length` the mute holds for good. Raises
    ValueError for an alert that no article caused: nothing would be muted.
    """
    if not document["matches"]:
        raise ValueError("an alert about the coverage as a whole cannot be muted")
    article = document["article"]
    if kind == "story":
        subject, title = document["story"]["id"], article["title"] or article["url"]
    else:
        subject = title = article["source"]
    until = None if length is None else now + length
    return Mute(document["watchlist"], kind, subject, title, now, until, by)
