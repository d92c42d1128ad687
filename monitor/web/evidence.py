"""Finds what a watchlist matched in an article, as the pages highlight it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from monitor.watchlists.matcher import Matcher

if TYPE_CHECKING:
    from monitor.model import Article, Match
    from monitor.web.backend import Backend

# A range of code points to highlight.
Span = tuple[int, int]


def match_of(served: Backend, name: str, article: Article | None) -> Match | None:
    """Returns the evidence in an article, by the watchlist as it is now."""
    config = served.runtime.config
    watchlists = [each for each in config.watchlists if each.name == name]
    if article is None or not watchlists:
        return None
    found = Matcher(watchlists, config.definitions).match(article)
    return found[0] if found else None


def spans(match: Match | None, field: str) -> tuple[Span, ...]:
    """Returns the ranges of a field that matched, in order."""
    terms = match.terms if match else ()
    return tuple(sorted({span for term in terms if term.field == field for span in term.spans}))


def paragraphs(
    article: Article | None, match: Match | None
) -> tuple[tuple[str, tuple[Span, ...]], ...]:
    """Returns the paragraphs of an article, each with the ranges in it that matched."""
    if article is None:
        return ()
    found = spans(match, "body")
    divided = []
    start = 0
    for text in article.text.split("\n"):
        end = start + len(text)
        inside = tuple(
            (max(first, start) - start, min(last, end) - start)
            for first, last in found
            if first < end and start < last
        )
        divided.append((text, inside))
        start = end + 1
    return tuple(divided)
