"""Decides whether a query matches, and where, from its tree and its phrases' occurrences. Pure.

The meaning of each operator is defined here once, both for the verdict and for the evidence.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import accumulate
from typing import Protocol

from monitor.watchlists.syntax import (
    And,
    AtLeast,
    Fact,
    Near,
    Node,
    Not,
    Or,
    Outside,
    Phrase,
    Same,
    Scope,
)

# A field, and the numbers of the first and last word in it.
Occurrence = tuple[str, int, int]
Hit = tuple[Occurrence, Phrase]


class ArticleView(Protocol):
    """An article, as the evaluation of queries sees it."""

    def occurrences(self, phrase: Phrase) -> list[Occurrence]:
        """Returns where a phrase occurs, in the phrase's own fields."""

    def is_true(self, fact: Fact) -> bool:
        """Returns whether a fact is true of the article."""

    def segment(self, scope: Scope, field: str, word: int) -> int:
        """Returns the number of the sentence or paragraph that contains a word."""


def holds(node: Node, view: ArticleView) -> bool:
    """Returns whether a query matches."""
    match node:
        case Phrase():
            return bool(view.occurrences(node))
        case And(parts):
            return all(holds(part, view) for part in parts)
        case Or(parts):
            return any(holds(part, view) for part in parts)
        case Not(part):
            return not holds(part, view)
        case Fact():
            return view.is_true(node)
    return _is_near(node, view) if isinstance(node, Near) else bool(counted(node, view))


def _is_near(node: Near, view: ArticleView) -> bool:
    """Returns whether one side follows the other closely; it takes a third of the evidence."""
    lefts, rights = located(node.left, view), located(node.right, view)
    return any(_followed(lefts, rights, node.words)) or (
        not node.ordered and any(_followed(rights, lefts, node.words))
    )


def evidence(node: Node, view: ArticleView) -> Iterator[Hit]:
    """Yields the hits that made a query match; none from parts that fail or are negated."""
    match node:
        case Not() | Fact():
            return
        case And(parts):
            if holds(node, view):
                for part in parts:
                    yield from evidence(part, view)
        case Or(parts):
            for part in parts:
                yield from evidence(part, view)
        case _:
            yield from counted(node, view)


def counted(node: Node, view: ArticleView) -> list[Hit]:
    """Returns the hits that make a non-boolean part match, or nothing if it does not match."""
    match node:
        case Near(left, right, words, ordered):
            return _near(located(left, view), located(right, view), words, ordered=ordered)
        case Same(scope, parts):
            return _same(scope, [located(part, view) for part in parts], view)
        case AtLeast(count, part):
            hits = located(part, view)
            return hits if len({occurrence for occurrence, _ in hits}) >= count else []
    return located(node, view)


def located(node: Node, view: ArticleView) -> list[Hit]:
    """Returns the hits of a positional part."""
    match node:
        case Phrase():
            return [(occurrence, node) for occurrence in view.occurrences(node)]
        case Or(parts):
            return [hit for part in parts for hit in located(part, view)]
        case Outside(part, within):
            return _outside(located(part, view), located(within, view))
    raise AssertionError(f"the parser allows no {type(node).__name__} here")


def _by_field(hits: Iterable[Hit]) -> dict[str, list[Occurrence]]:
    by_field: dict[str, list[Occurrence]] = defaultdict(list)
    for occurrence, _ in hits:
        by_field[occurrence[0]].append(occurrence)
    return by_field


def _near(left: list[Hit], right: list[Hit], words: int, *, ordered: bool) -> list[Hit]:
    """Returns the hits on either side that have a hit of the other side close enough."""
    kept = [*_followed(left, right, words), *_preceded(right, left, words)]
    if not ordered:
        kept += [*_preceded(left, right, words), *_followed(right, left, words)]
    return list(dict.fromkeys(kept))


def _followed(hits: list[Hit], others: list[Hit], words: int) -> Iterator[Hit]:
    """Yields the hits after which another begins, with at most `words` words between."""
    starts = {
        field: sorted(first for _, first, _ in occurrences)
        for field, occurrences in _by_field(others).items()
    }
    return (
        ((field, first, last), phrase)
        for (field, first, last), phrase in hits
        if _any_between(starts.get(field, []), last + 1, last + 1 + words)
    )


def _preceded(hits: list[Hit], others: list[Hit], words: int) -> Iterator[Hit]:
    """Yields the hits before which another ends, with at most `words` words between."""
    ends = {
        field: sorted(last for _, _, last in occurrences)
        for field, occurrences in _by_field(others).items()
    }
    return (
        ((field, first, last), phrase)
        for (field, first, last), phrase in hits
        if _any_between(ends.get(field, []), first - 1 - words, first - 1)
    )


def _any_between(numbers: list[int], low: int, high: int) -> bool:
    return bisect_left(numbers, low) < bisect_right(numbers, high)


def _same(scope: Scope, sides: list[list[Hit]], view: ArticleView) -> list[Hit]:
    """Returns the hits in those sentences or paragraphs in which every side has a hit."""
    segments: list[dict[tuple[str, int], list[Hit]]] = []
    for side in sides:
        by_segment: dict[tuple[str, int], list[Hit]] = defaultdict(list)
        for (field, first, last), phrase in side:
            segment = view.segment(scope, field, first)
            if segment == view.segment(scope, field, last):
                by_segment[field, segment].append(((field, first, last), phrase))
        segments.append(by_segment)
    common = set(segments[0]).intersection(*segments[1:])
    return [hit for by_segment in segments for key in sorted(common) for hit in by_segment[key]]


def _outside(hits: list[Hit], within: list[Hit]) -> list[Hit]:
    """Returns the hits that do not lie within any of the others."""
    # For each field: where covers start, and how far any that starts there or before reaches.
    covers: dict[str, tuple[list[int], list[int]]] = {}
    for field, occurrences in _by_field(within).items():
        occurrences.sort()
        reach = list(accumulate((last for _, _, last in occurrences), max))
        covers[field] = [first for _, first, _ in occurrences], reach

    def is_covered(occurrence: Occurrence) -> bool:
        field, first, last = occurrence
        firsts, reach = covers.get(field, ([], []))
        before = bisect_right(firsts, first)
        return before > 0 and last <= reach[before - 1]

    return [(occurrence, phrase) for occurrence, phrase in hits if not is_covered(occurrence)]
