"""All watchlists in one structure: one pass over an article finds those that may match. Pure.

The phrases of all queries stand in one Aho-Corasick automaton (Aho and Corasick, Efficient string
matching, 1975), whose cost grows with the text and not with the number of phrases. Each query has
triggers: phrases of which at least one must be there for it to match. Only queries with a trigger
in the article are evaluated.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import ahocorasick

from monitor.model import Article, FeedFilter, Match, Term, Watchlist
from monitor.watchlists.query import And, Node, Not, Or, Phrase, parse
from monitor.watchlists.text import Tokens, tokenise

Words = tuple[str, ...]
Places = list[tuple[int, int]]

FIELDS = ("title", "body")


@dataclass(frozen=True, slots=True)
class _Compiled:
    watchlist: Watchlist
    root: Node


class Matcher:
    """Watchlists, compiled; immutable, and safe to share with forked processes."""

    def __init__(self, watchlists: Iterable[Watchlist]) -> None:
        """Compile; raises QueryError for a query that `config` would have refused."""
        self._compiled = [_Compiled(one, parse(one.query).root) for one in watchlists]
        self._triggered_by: dict[Words, list[int]] = {}
        self._automaton = ahocorasick.Automaton()
        for number, compiled in enumerate(self._compiled):
            for words in _triggers(compiled.root):
                self._triggered_by.setdefault(words, []).append(number)
            for words in _phrases(compiled.root):
                self._automaton.add_word(_key(words), words)
        self._automaton.make_automaton()

    def match(self, article: Article) -> list[Match]:
        """The watchlists that match an article, in their own order, with the evidence."""
        found = {
            field: self._scan(tokenise(text))
            for field, text in zip(FIELDS, (article.title, article.text), strict=True)
        }
        present = {words for places in found.values() for words in places}
        candidates = {number for words in present for number in self._triggered_by.get(words, ())}
        matches = []
        for number in sorted(candidates):
            compiled = self._compiled[number]
            watchlist = compiled.watchlist
            if applies(watchlist.feeds, article) and _holds(compiled.root, present):
                terms = tuple(_evidence(compiled.root, found, present))
                matches.append(Match(watchlist.name, terms))
        return matches

    def _scan(self, tokens: Tokens) -> dict[Words, Places]:
        """The phrases that stand in a text, and where in the original."""
        if not len(self._automaton) or not tokens.words:
            return {}
        found: dict[Words, Places] = {}
        ends: list[int] = []
        length = 0
        for word in tokens.words:
            length += 1 + len(word)
            ends.append(length)
        for at, words in self._automaton.iter(_key(tokens.words)):
            last = bisect_left(ends, at)
            first = last - len(words) + 1
            place = (tokens.spans[first][0], tokens.spans[last][1])
            found.setdefault(words, []).append(place)
        return found


def applies(feeds: FeedFilter, article: Article) -> bool:
    """Whether a watchlist looks at an article's feed; an unknown language passes."""
    language = (article.language or "").partition("-")[0].lower()
    return (
        (not feeds.names or article.source in feeds.names)
        and (not feeds.tags or not set(feeds.tags).isdisjoint(article.tags))
        and (not feeds.languages or not language or language in map(str.lower, feeds.languages))
    )


def _key(words: Words) -> str:
    """Words with a space on either side of each, so that they match as whole words only."""
    return f" {' '.join(words)} "


def _phrases(node: Node) -> Iterator[Words]:
    match node:
        case Phrase(words=words):
            yield words
        case Not(part):
            yield from _phrases(part)
        case And(parts) | Or(parts):
            for part in parts:
                yield from _phrases(part)


def _triggers(node: Node) -> frozenset[Words]:
    """Phrases of which at least one is there whenever the node matches; the fewer the better."""
    match node:
        case Phrase(words=words):
            return frozenset([words])
        case Or(parts):
            return frozenset().union(*map(_triggers, parts))
        case And(parts):
            found = [_triggers(part) for part in parts if not isinstance(part, Not)]
            # Long phrases are rare, and alternatives make a trigger common.
            return min(found, key=lambda one: (len(one), -min(map(len, one))))
        case Not():
            raise AssertionError("NOT stands beside something that matches")


def _holds(node: Node, present: set[Words]) -> bool:
    match node:
        case Phrase(words=words):
            return words in present
        case And(parts):
            return all(_holds(part, present) for part in parts)
        case Or(parts):
            return any(_holds(part, present) for part in parts)
        case Not(part):
            return not _holds(part, present)


def _evidence(
    node: Node, found: Mapping[str, Mapping[Words, Places]], present: set[Words]
) -> Iterator[Term]:
    """The terms that made a node match, where they stand; each once."""
    seen: set[Words] = set()
    for phrase in _contributing(node, present):
        if phrase.words in seen:
            continue
        seen.add(phrase.words)
        for field in FIELDS:
            places = found[field].get(phrase.words)
            if places:
                yield Term(phrase.text, field, tuple(places))


def _contributing(node: Node, present: set[Words]) -> Iterator[Phrase]:
    if isinstance(node, Not) or not _holds(node, present):
        return
    if isinstance(node, Phrase):
        yield node
    else:
        for part in node.parts:
            yield from _contributing(part, present)
