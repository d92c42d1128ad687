"""Explains why a query matched an article or did not: its tree, part by part. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from monitor.watchlists.article import ScannedArticle
from monitor.watchlists.evaluate import counted, holds, located
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
    children,
    spell,
)


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a query: its depth, how it was read, whether it holds, and where."""

    depth: int
    reading: str
    holds: bool
    detail: str

    def __str__(self) -> str:
        mark = "✓" if self.holds else "✗"
        detail = f"  ({self.detail})" if self.detail else ""
        return f"{'  ' * self.depth}{mark} {self.reading}{detail}"


def explain(node: Node, view: ScannedArticle, depth: int = 0) -> Iterator[Part]:
    """Yields all parts of a query, each before its own parts."""
    reading = {And: "all of", Or: "one of", Not: "not"}.get(type(node)) or spell(node)
    yield Part(depth, reading, holds(node, view), _detail(node, view))
    for child in children(node):
        yield from explain(child, view, depth + 1)


def culprits(node: Node, view: ScannedArticle) -> Iterator[Node]:
    """Yields the parts that decided: those that hold if the query matches, else those that fail."""
    held = holds(node, view)
    match node:
        case Not(part):
            yield from culprits(part, view)
        case And(parts) | Or(parts):
            for part in parts:
                if holds(part, view) == held:
                    yield from culprits(part, view)
        case _:
            yield node


def _detail(node: Node, view: ScannedArticle) -> str:
    match node:
        case Phrase():
            fields = Counter(field for field, _, _ in view.occurrences(node))
            return ", ".join(f"{count}× in {field}" for field, count in fields.items()) or "nowhere"
        case Near() | Same() if not counted(node, view):
            found = [bool(located(part, view)) for part in children(node)]
            return "all are there, but not together" if all(found) else ""
        case AtLeast(_, part):
            return f"{len({occurrence for occurrence, _ in located(part, view)})}×"
        case Outside(part) if located(part, view) and not located(node, view):
            return "only within what is excluded"
        case Fact(kind):
            known = sorted(fact.value for fact in view.facts if fact.kind == kind)
            return f"the article has {', '.join(known)}" if known else f"the article has no {kind}"
    return ""
