"""Describes what the answers of several routes hold, and what programs send to log in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any

from fastapi import Depends
from fastapi.security import APIKeyCookie, APIKeyQuery, HTTPBearer
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from monitor.hiding import without_userinfo
from monitor.model import Priority, Quality, TextSource
from monitor.web.access import SESSION_COOKIE, TOKEN_PARAMETER

# The archive may hold addresses that an earlier version took as they were.
PublicUrl = Annotated[str, AfterValidator(without_userinfo)]
# How long a period is, counted back from now.
PERIOD_PATTERN = "^[1-9][0-9]{0,3}[hd]$"
ID_PATTERN = "^[0-9a-f]{32}$"

_SESSION = APIKeyCookie(
    name=SESSION_COOKIE, scheme_name="session", description="A login", auto_error=False
)
# `access.Gate` decides who may read. These describe to programs what it looks at, each of which
# suffices.
READERS: Sequence[Any] = (
    Depends(
        HTTPBearer(scheme_name="token", description="One of settings.web.tokens", auto_error=False)
    ),
    Depends(
        APIKeyQuery(
            name=TOKEN_PARAMETER,
            scheme_name="tokenInAddress",
            description="The same, for programs that cannot send headers",
            auto_error=False,
        )
    ),
    Depends(_SESSION),
)
VISITORS: Sequence[Any] = (Depends(_SESSION),)


class Problem(BaseModel):
    """What is wrong with a request, or with Presswatch, and what to do."""

    detail: str


def problem(description: str) -> dict[str, Any]:
    """Describes an answer that says what is wrong."""
    return {"model": Problem, "description": description}


PROBLEMS: dict[int | str, dict[str, Any]] = {
    401: problem("Neither logged in nor a valid token"),
    421: problem("This host is not served"),
    422: problem("A parameter is not valid"),
    503: problem("The archive or Redis does not answer"),
}
NOT_FOUND: dict[int | str, dict[str, Any]] = {404: problem("There is none")}


def beside_other_media(answers: Mapping[int | str, dict[str, Any]]) -> dict[int | str, Any]:
    """Returns the same descriptions for a route that answers with something else than JSON."""
    content = {"application/json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {
        status: {"description": answer["description"], "content": content}
        for status, answer in answers.items()
    }


class _Open(BaseModel):
    """A part of an alert; later versions may add fields."""

    model_config = ConfigDict(extra="allow")


class AlertArticle(_Open):
    """The article that an alert is about."""

    id: str
    url: str
    title: str
    source: str
    feed_url: str
    authors: list[str]
    published_at: str | None
    language: str | None


class MatchedTerm(_Open):
    """A term that matched, and how often."""

    term: str
    field: str
    count: int


class Passage(_Open):
    """A passage that shows a match; `highlights` are half-open ranges of code points."""

    text: str
    highlights: list[tuple[int, int]]


class AlertStory(_Open):
    """The story that an alert is about, and how often it was told."""

    id: str
    articles: int
    sites: int = Field(
        1, description="On how many sites; alerts of earlier versions do not say so."
    )


class AlertDocument(_Open):
    """An alert as subscribers get it, version 1."""

    v: int = 1
    id: str
    watchlist: str
    priority: Priority
    detected_at: str
    article: AlertArticle
    matches: list[MatchedTerm]
    snippets: list[Passage]
    story: AlertStory


class ArticleSummary(BaseModel):
    """An article without its text."""

    model_config = ConfigDict(from_attributes=True)

    id: str
    url: PublicUrl
    title: str
    source: str
    feed_url: PublicUrl
    tags: list[str]
    authors: list[str]
    published_at: datetime | None
    language: str | None
    text_from: TextSource
    quality: Quality
    paywalled: bool
    story: str = Field(description="The id of the story.")
