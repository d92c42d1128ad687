"""A story: who published it when, and what each outlet added or changed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException, Query, Request
from starlette.responses import HTMLResponse

from monitor.archive.stories import ArchivedTelling, count_story, story_texts
from monitor.articles.differences import TextDifference, text_difference
from monitor.web.access import from_our_pages
from monitor.web.backend import Served
from monitor.web.rendering import page

router = APIRouter(dependencies=[Depends(from_our_pages)])

PAGE_LENGTH = 20
# Sentences of each kind; a text that shares little with the one before would fill the page.
MOST_SENTENCES_SHOWN = 5
LONGEST_SHOWN = 280


@dataclass(frozen=True, slots=True)
class ComparedTelling:
    """An article of a story; `difference` is None for the first, and for one without a text."""

    telling: ArchivedTelling
    difference: TextDifference | None


@router.get("/stories/{story}")
def one_story(
    request: Request,
    served: Served,
    story: str,
    start: Annotated[int, Query(alias="from", ge=0, le=1_000_000)] = 0,
) -> HTMLResponse:
    """Shows the articles of a story in the order of publication."""
    figures = count_story(served.reader, story)
    if figures is None:
        raise HTTPException(404, "There is no such story in the archive.")
    # The one before the first on this page is what that is compared with.
    before = min(start, 1)
    tellings = story_texts(served.reader, story, start - before, PAGE_LENGTH + before)
    return page(
        request,
        "story.html",
        story=story,
        figures=figures,
        compared=list(_compared(tellings))[before:],
        start=start,
        following=start + PAGE_LENGTH if start + PAGE_LENGTH < figures.articles else None,
        preceding=max(0, start - PAGE_LENGTH) if start else None,
        most=MOST_SENTENCES_SHOWN,
        longest=LONGEST_SHOWN,
    )


def _compared(tellings: Iterable[ArchivedTelling]) -> Iterator[ComparedTelling]:
    """Compares each article with the last one before it that has a text."""
    last: ArchivedTelling | None = None
    for telling in tellings:
        difference = text_difference(last.text, telling.text) if last and telling.text else None
        yield ComparedTelling(telling, difference)
        last = telling if telling.text else last
