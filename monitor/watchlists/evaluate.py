"""Does a query match, and where: a function of its tree and of where each phrase stands. Pure.

A place is a field and the numbers of a phrase's first and last word in it. Each operator's meaning
stands here once, for the question whether it matches and for the evidence that it does.
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

Place = tuple[str, int, int]
Found = tuple[Place, Phrase]


class View(Protocol):
    """An article, as queries ask about it."""

    def places(self, phrase: Phrase) -> list[Place]:
        """Where a phrase stands, in its own fields."""

    def is_true(self, fact: Fact) -> bool:
        """Whether something is true of the article."""

    def segment(self, scope: Scope, field: str, word: int) -> int:
        """The number of the sentence or paragraph in which a word stands."""


def holds(node: Node, view: View) -> bool:
    """Whether a query matches."""
    match node:
        case Phrase():
            return bool(view.places(node))
        case And(parts):
            return all(holds(part, view) for part in parts)
        case Or(parts):
            return any(holds(part, view) for part in parts)
        case Not(part):
            return not holds(part, view)
        case Fact():
            return view.is_true(node)
    return bool(counted(node, view))


def evidence(node: Node, view: View) -> Iterator[Found]:
    """The places that made a query match; nothing from parts that do not match, or must not."""
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


def counted(node: Node, view: View) -> list[Found]:
    """The places that count for a part that is no boolean; none where it does not match."""
    match node:
        case Near(left, right, words, ordered):
            return _near(located(left, view), located(right, view), words, ordered=ordered)
        case Same(scope, parts):
            return _same(scope, [located(part, view) for part in parts], view)
        case AtLeast(count, part):
            found = located(part, view)
            return found if len({place for place, _ in found}) >= count else []
    return located(node, view)


def located(node: Node, view: View) -> list[Found]:
    """Where a positional part stands."""
    match node:
        case Phrase():
            return [(place, node) for place in view.places(node)]
        case Or(parts):
            return [found for part in parts for found in located(part, view)]
        case Outside(part, within):
            return _outside(located(part, view), located(within, view))
    raise AssertionError(f"the parser lets no {type(node).__name__} stand here")


def _by_field(found: Iterable[Found]) -> dict[str, list[Place]]:
    places: dict[str, list[Place]] = defaultdict(list)
    for place, _ in found:
        places[place[0]].append(place)
    return places


def _near(left: list[Found], right: list[Found], words: int, *, ordered: bool) -> list[Found]:
    """The places on either side that have one of the other side near enough."""
    kept = _followed(left, right, words) + _preceded(right, left, words)
    if not ordered:
        kept += _preceded(left, right, words) + _followed(right, left, words)
    return list(dict.fromkeys(kept))


def _followed(found: list[Found], others: list[Found], words: int) -> list[Found]:
    """Those after which one of the others begins, with at most so many words between."""
    starts = {field: sorted(p[1] for p in places) for field, places in _by_field(others).items()}
    return [
        (place, phrase)
        for place, phrase in found
        if _any_between(starts.get(place[0], []), place[2] + 1, place[2] + 1 + words)
    ]


def _preceded(found: list[Found], others: list[Found], words: int) -> list[Found]:
    """Those before which one of the others ends, with at most so many words between."""
    ends = {field: sorted(p[2] for p in places) for field, places in _by_field(others).items()}
    return [
        (place, phrase)
        for place, phrase in found
        if _any_between(ends.get(place[0], []), place[1] - 1 - words, place[1] - 1)
    ]


def _any_between(numbers: list[int], low: int, high: int) -> bool:
    return bisect_left(numbers, low) < bisect_right(numbers, high)


def _same(scope: Scope, sides: list[list[Found]], view: View) -> list[Found]:
    """The places of those sentences or paragraphs in which each side has one."""
    segments: list[dict[tuple[str, int], list[Found]]] = []
    for side in sides:
        there: dict[tuple[str, int], list[Found]] = defaultdict(list)
        for place, phrase in side:
            field, first, last = place
            segment = view.segment(scope, field, first)
            if segment == view.segment(scope, field, last):
                there[field, segment].append((place, phrase))
        segments.append(there)
    common = set(segments[0]).intersection(*segments[1:])
    return [one for there in segments for key in sorted(common) for one in there[key]]


def _outside(found: list[Found], within: list[Found]) -> list[Found]:
    """The places that do not lie within one of the others."""
    # For each field, where covers start, and how far those that start there or before reach.
    covers: dict[str, tuple[list[int], list[int]]] = {}
    for field, places in _by_field(within).items():
        places.sort()
        reach = list(accumulate((last for _, _, last in places), max))
        covers[field] = [first for _, first, _ in places], reach

    def is_covered(place: Place) -> bool:
        firsts, reach = covers.get(place[0], ([], []))
        before = bisect_right(firsts, place[1])
        return before > 0 and place[2] <= reach[before - 1]

    return [(place, phrase) for place, phrase in found if not is_covered(place)]
