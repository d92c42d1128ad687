"""Shows alerts that a plan gains or loses, with the reasons."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Engine

from monitor.alerts.build import evidence_of, termed
from monitor.alerts.document import whole
from monitor.alerts.plan import ArchivedArticle, Coverage, PlannedChange, spread
from monitor.archive.read import read_articles
from monitor.archive.recorded import alert_documents
from monitor.hiding import without_userinfo
from monitor.model import Article, FeedFilter, Watchlist
from monitor.watchlists.matcher import Matcher


@dataclass(frozen=True, slots=True)
class Sample:
    """An alert gained or lost: its article, the evidence, and why the other side has no alert.

    `matches` and `snippets` are as in an alert's document.
    """

    found_at: datetime
    title: str
    url: str
    source: str
    matches: list[dict[str, Any]]
    snippets: list[dict[str, Any]]
    reason: str


class _Side:
    """A watchlist before or after a change, with its coverage."""

    def __init__(
        self, watchlist: Watchlist | None, definitions: Mapping[str, str], coverage: Coverage
    ) -> None:
        self.watchlist = watchlist
        self.coverage = coverage
        self._definitions = definitions

    def matcher(self, **other: Any) -> Matcher | None:
        """Returns the watchlist's matcher, perhaps with other fields; None without a watchlist."""
        if self.watchlist is None:
            return None
        return Matcher([replace(self.watchlist, **other)], self._definitions)

    def why_not(self, article: Article) -> str:
        """Returns why the side has no alert on an article; empty if that is not known."""
        if article.id in self.coverage.articles:
            return "matches as well, without an alert of its own"
        matcher = self.matcher(feeds=FeedFilter())
        if matcher is None or self.watchlist is None:
            return ""
        if matcher.match(article):
            return "its feed is not covered"
        return f"no match because of {', '.join(matcher.decisive(self.watchlist.name, article))}"


class Samples:
    """Reads the samples of one planned change."""

    def __init__(
        self,
        engine: Engine,
        planned: PlannedChange,
        before: Mapping[str, str],
        after: Mapping[str, str],
    ) -> None:
        """Takes the definitions before and after."""
        self._engine = engine
        self._planned = planned
        self._before = _Side(planned.change.before, before, planned.before)
        self._after = _Side(planned.change.after, after, planned.after)

    def gained(self, most: int) -> list[Sample]:
        """Returns at most so many of the alerts gained, spread over the period, newest first."""
        return self._samples(spread(self._planned.gained, most), self._after, self._before)

    def lost(self, most: int) -> list[Sample]:
        """Returns at most so many of the alerts lost, in the same way."""
        return self._samples(spread(self._planned.lost, most), self._before, self._after)

    def _samples(self, chosen: list[ArchivedArticle], side: _Side, other: _Side) -> list[Sample]:
        if not chosen:
            return []
        numbers = [each.number for each in chosen]
        articles = {
            stored.article.id: stored.article for _, stored in read_articles(self._engine, numbers)
        }
        matcher = side.matcher()
        # The query of a recorded alert is not known, but its evidence was recorded.
        documents = (
            {}
            if matcher
            else alert_documents(self._engine, self._planned.change.name, list(articles))
        )
        samples = []
        for each in chosen:
            article = articles.get(each.id)
            if article is None:
                continue
            matches: list[dict[str, Any]] = []
            snippets: list[dict[str, Any]] = []
            if matcher:
                for match in matcher.match(article):
                    matches, snippets = termed(match), evidence_of(article, match)
            elif each.id in documents:
                document = whole(documents[each.id])
                matches, snippets = document["matches"], document["snippets"]
            samples.append(
                Sample(
                    each.found_at, article.title, without_userinfo(article.url), article.source,
                    matches, snippets, other.why_not(article),
                )
            )  # fmt: skip
        return samples
