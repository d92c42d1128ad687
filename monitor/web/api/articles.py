"""Articles and stories for programs, and the search of the archive."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, HTTPException, Path, Query
from pydantic import BaseModel, ConfigDict, Field

from monitor.alerts.build import evidence_of
from monitor.archive.browse import archived_article, story_articles
from monitor.archive.search import FoundArticle
from monitor.archive.search_pages import search_page
from monitor.web.api.answers import (
    ID_PATTERN,
    NOT_FOUND,
    PROBLEMS,
    READERS,
    ArticleSummary,
    MatchedTerm,
    Passage,
    PublicUrl,
)
from monitor.web.api.selection import MAX_QUERY_LENGTH, Names, Since, Until
from monitor.web.backend import Served

router = APIRouter(tags=["articles"], dependencies=READERS)

MOST_TELLINGS = 200
DEFAULT_TIME = timedelta(days=7)

ArticleId = Annotated[str, Path(pattern=ID_PATTERN, description="An article's id.")]
StoryId = Annotated[str, Path(pattern=ID_PATTERN, description="A story's id.")]


class ArticleWithText(ArticleSummary):
    """An article; a line break separates the paragraphs of its text."""

    text: str


class StoryArticle(BaseModel):
    """An article of a story."""

    model_config = ConfigDict(from_attributes=True)

    id: str
    title: str
    url: PublicUrl
    source: str
    site: str
    published_at: datetime | None
    found_at: datetime


class Story(BaseModel):
    """Near-duplicate articles, in the order in which they were published."""

    id: str
    articles: list[StoryArticle]
    complete: bool = Field(description=f"Whether these are all; at most {MOST_TELLINGS} are shown.")


class MatchingArticle(BaseModel):
    """An article that a query matches, with the evidence."""

    article: ArticleSummary
    found_at: datetime
    matches: list[MatchedTerm]
    snippets: list[Passage]


class SearchResult(BaseModel):
    """A page of articles, newest first. A page may hold fewer than asked for, or none."""

    articles: list[MatchingArticle]
    reached: datetime = Field(description="Articles found after this moment have been searched.")
    older: str | None = Field(description="`before` of the next page; null at the end.")


@router.get("/articles/{article_id}", responses=PROBLEMS | NOT_FOUND)
def show_article(served: Served, article_id: ArticleId) -> ArticleWithText:
    """Shows an article with its text."""
    article = archived_article(served.reader, article_id)
    if article is None:
        raise HTTPException(404, "There is no such article in the archive.")
    return ArticleWithText.model_validate(article)


@router.get("/stories/{story_id}", responses=PROBLEMS | NOT_FOUND)
def show_story(served: Served, story_id: StoryId) -> Story:
    """Shows the articles of a story."""
    found = story_articles(served.reader, story_id, MOST_TELLINGS + 1)
    if not found:
        raise HTTPException(404, "There is no such story in the archive.")
    shown = found[:MOST_TELLINGS]
    return Story(
        id=story_id,
        articles=[StoryArticle.model_validate(each) for each in shown],
        complete=len(found) == len(shown),
    )


@router.get("/search", responses=PROBLEMS)
def search(
    served: Served,
    q: Annotated[
        str,
        Query(
            min_length=1,
            max_length=MAX_QUERY_LENGTH,
            description="A query in the language of watchlists.",
            json_schema_extra={"format": "watchlist-query"},
        ),
    ],
    since: Since = None,
    until: Until = None,
    source: Names = [],  # noqa: B006 - FastAPI copies it
    language: Names = [],  # noqa: B006
    before: Annotated[
        str | None,
        Query(pattern="^[0-9]{1,15}-[0-9]{1,18}$", description="`older` of the page before."),
    ] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> SearchResult:
    """Searches all articles of the archive, whether or not a watchlist matched them.

    Searches those found in the last seven days unless `since` says otherwise. A page ends after
    some seconds, however little was found: go on with `older` until it is null.
    """
    found = search_page(
        served.reader,
        q,
        served.runtime.config.definitions,
        since=since or datetime.now(UTC) - DEFAULT_TIME,
        until=until,
        sources=source,
        languages=language,
        after=_position(before),
        limit=limit,
    )
    return SearchResult(
        articles=[_matching(each) for each in found.articles],
        reached=found.reached,
        older=None if found.older is None else f"{found.older[0]}-{found.older[1]}",
    )


def _position(written: str | None) -> tuple[int, int] | None:
    if written is None:
        return None
    moment_ms, number = map(int, written.split("-"))
    return moment_ms, number


def _matching(found: FoundArticle) -> MatchingArticle:
    return MatchingArticle(
        article=ArticleSummary.model_validate(found.article),
        found_at=found.found_at,
        matches=[
            MatchedTerm(term=term.term, field=term.field, count=len(term.spans))
            for term in found.match.terms
        ],
        snippets=[
            Passage.model_validate(snippet) for snippet in evidence_of(found.article, found.match)
        ],
    )
