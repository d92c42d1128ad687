"""Tries a query over the archive: how it is read, what it finds, and what readers think of that."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from monitor.alerts.build import evidence_of
from monitor.archive.comparison import Comparison, Findings, compare
from monitor.archive.judged import judged_articles, latest_articles
from monitor.errors import QueryError
from monitor.model import Watchlist
from monitor.watchlists.evaluate import holds
from monitor.watchlists.exclusions import (
    Exclusion,
    query_terms,
    suggest_exclusions,
    with_exclusion,
)
from monitor.watchlists.matcher import Matcher
from monitor.watchlists.query import Query, parse

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from typing import Any

    from monitor.archive.database import Archive
    from monitor.archive.volumes import Buckets
    from monitor.watchlists.article import StoredArticle

# Articles of any kind, by which suggestions tell what is common in the news.
OTHERS = 150
FEW_FOUND = 20
MOST_SHOWN = 20
# How long the search may take: a longer one says how far it came.
LIMIT_S = 4.0


@dataclass(frozen=True, slots=True)
class ShownArticle:
    """An article that a query finds, with its snippets as an alert would have them."""

    title: str
    url: str
    source: str
    story: str
    found_at: datetime
    snippets: list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class ShownFindings:
    """What a query finds, to be shown."""

    total: int
    counts: tuple[int, ...]
    articles: tuple[ShownArticle, ...]


@dataclass(frozen=True, slots=True)
class SuggestedQuery:
    """An exclusion, and the query with it."""

    exclusion: Exclusion
    query: str


@dataclass(frozen=True, slots=True)
class Verdicts:
    """How many articles that readers marked there are, and how many of them a query still finds."""

    relevant: int
    irrelevant: int
    relevant_found: int
    irrelevant_found: int
    suggestions: tuple[SuggestedQuery, ...] = ()


@dataclass(frozen=True, slots=True)
class Trial:
    """A query that was tried; `error` says why it was not."""

    query: str
    error: QueryError | None = None
    parsed: Query | None = None
    is_present: bool = False
    comparison: Comparison | None = None
    found: ShownFindings | None = None
    gained: ShownFindings | None = None
    lost: ShownFindings | None = None
    verdicts: Verdicts | None = None


def try_query(
    engine: Archive,
    query: str,
    watchlist: Watchlist | None,
    definitions: Mapping[str, str],
    buckets: Buckets,
    is_cancelled: Callable[[], bool] | None = None,
) -> Trial:
    """Tries a query in place of a watchlist's, or for a new one.

    Raises ArchiveUnavailable if the archive cannot be read.
    """
    try:
        parsed = parse(query, definitions)
    except QueryError as error:
        return Trial(query, error=error)
    present = watchlist.query if watchlist else None
    is_present = present is not None and parse(present, definitions).reading == parsed.reading
    comparison = compare(
        engine,
        query,
        None if is_present else present,
        definitions,
        buckets,
        feeds=watchlist.feeds if watchlist else None,
        most=MOST_SHOWN,
        limit_s=LIMIT_S,
        is_cancelled=is_cancelled,
    )
    return Trial(
        query,
        parsed=parsed,
        is_present=is_present,
        comparison=comparison,
        found=_shown(comparison.found),
        gained=_shown(comparison.gained) if comparison.gained else None,
        lost=_shown(comparison.lost) if comparison.lost else None,
        verdicts=_verdicts(engine, query, watchlist.name, definitions) if watchlist else None,
    )


def _shown(findings: Findings) -> ShownFindings:
    return ShownFindings(
        findings.total,
        findings.counts,
        tuple(
            ShownArticle(
                title=found.article.title,
                url=found.article.url,
                source=found.article.source,
                story=found.article.story,
                found_at=found.found_at,
                snippets=evidence_of(found.article, found.match),
            )
            for found in findings.newest
        ),
    )


def _verdicts(
    engine: Archive, query: str, watchlist: str, definitions: Mapping[str, str]
) -> Verdicts | None:
    judged = judged_articles(engine, watchlist)
    if not (judged.relevant or judged.irrelevant):
        return None
    matcher = Matcher([Watchlist(watchlist, query)], definitions)
    relevant, irrelevant = (
        [article for article in articles if _finds(matcher, article)]
        for articles in (judged.relevant, judged.irrelevant)
    )
    suggestions: list[SuggestedQuery] = []
    if irrelevant:
        exclusions = suggest_exclusions(
            _texts(irrelevant),
            _texts(relevant),
            _texts(_others(engine, matcher)),
            query_terms(query, definitions),
        )
        for exclusion in exclusions:
            longer = with_exclusion(query, exclusion.phrase, definitions)
            if longer is not None:
                suggestions.append(SuggestedQuery(exclusion, longer))
    return Verdicts(
        len(judged.relevant),
        len(judged.irrelevant),
        len(relevant),
        len(irrelevant),
        tuple(suggestions),
    )


def _others(engine: Archive, matcher: Matcher) -> list[StoredArticle]:
    """Returns articles that show what is common in the news.

    What the query finds is left out, since it may be as little wanted; but a query that finds much
    of the news would leave out what is common.
    """
    latest = latest_articles(engine, OTHERS)
    others = [article for article in latest if not _finds(matcher, article)]
    is_rare = len(latest) - len(others) <= max(FEW_FOUND, len(latest) // 5)
    return others if is_rare else latest


def _finds(matcher: Matcher, article: StoredArticle) -> bool:
    return holds(matcher.root(0), matcher.scan(article))


def _texts(articles: Sequence[StoredArticle]) -> list[str]:
    return [article.text("title").joined + article.text("body").joined for article in articles]
