"""All watchlists in one structure: one pass over an article finds those that may match. Pure.

An Aho-Corasick automaton (Aho and Corasick, Efficient string matching, 1975) holds everything that
the queries look for; its cost grows with the text, not with the number of phrases. Each query has
triggers, at least one of which is in every article that it matches; only queries with a trigger in
the article are evaluated.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from operator import itemgetter

import ahocorasick

from monitor.model import Article, FeedFilter, Match, Term, Watchlist
from monitor.watchlists.article import ScannedArticle, StoredArticle, keys_of, primary_subtag
from monitor.watchlists.evaluate import evidence, holds
from monitor.watchlists.explain import Part, culprits, explain
from monitor.watchlists.query import parse
from monitor.watchlists.syntax import (
    FIELDS,
    Fact,
    Node,
    Not,
    Or,
    Outside,
    Phrase,
    children,
    phrases,
    spell,
)

# A key of the automaton, or a fact: a query is evaluated if one of its triggers is in the article.
Trigger = str | Fact


class Matcher:
    """Compiled watchlists; immutable, and safe to share with forked processes."""

    def __init__(
        self,
        watchlists: Iterable[Watchlist],
        definitions: Mapping[str, str] | None = None,
        *,
        roots: Sequence[Node] | None = None,
    ) -> None:
        """Compiles the queries; raises QueryError for one that `config` would have refused.

        `roots` are the parsed queries, if each was read with definitions of its own.
        """
        self._compiled: list[tuple[Watchlist, Node]] = []
        self._triggered_by: dict[Trigger, list[int]] = defaultdict(list)
        self._automaton = ahocorasick.Automaton()
        fields: set[str] = set()
        for number, watchlist in enumerate(watchlists):
            root = parse(watchlist.query, definitions).root if roots is None else roots[number]
            self._compiled.append((watchlist, root))
            for trigger in triggers_of(root):
                self._triggered_by[trigger].append(number)
            for phrase in phrases(root):
                fields.update("body" if name == "lead" else name for name in phrase.fields)
                for key in keys_of(phrase):
                    self._automaton.add_word(key, key)
        # Few queries need them, and a stored article takes long to read them.
        self._has_facts = any(isinstance(trigger, Fact) for trigger in self._triggered_by)
        self._fields = tuple(name for name in FIELDS if name in fields)
        self._automaton.make_automaton()

    def scan(self, article: Article | StoredArticle) -> ScannedArticle:
        """Scans an article for everything that these queries look for."""
        return ScannedArticle(article, self._fields, self._automaton)

    def candidates(self, scanned: ScannedArticle) -> list[int]:
        """Returns the numbers of the watchlists with a trigger in an article, in order."""
        numbers: set[int] = set()
        triggers: list[Trigger] = [*scanned.keys]
        if self._has_facts:
            triggers += scanned.facts
        for trigger in triggers:
            numbers.update(self._triggered_by.get(trigger, ()))
        return sorted(numbers)

    def root(self, number: int) -> Node:
        """Returns a watchlist's parsed query, by its number."""
        return self._compiled[number][1]

    def explain(self, watchlist: str, article: Article) -> list[Part]:
        """Explains part by part why a watchlist matches an article or does not."""
        return list(explain(self._root_of(watchlist), self.scan(article)))

    def decisive(self, watchlist: str, article: Article) -> list[str]:
        """Returns the parts of a query, as read, that decided whether it matches."""
        decisive = culprits(self._root_of(watchlist), self.scan(article))
        return list(dict.fromkeys(map(spell, decisive)))

    def _root_of(self, name: str) -> Node:
        return next(root for watchlist, root in self._compiled if watchlist.name == name)

    def match(self, article: Article | StoredArticle) -> list[Match]:
        """Returns the watchlists that match an article, in their order, with the evidence."""
        scanned = self.scan(article)
        matches = []
        for number in self.candidates(scanned):
            watchlist, root = self._compiled[number]
            if holds(root, scanned) and applies(watchlist.feeds, scanned.article):
                matches.append(Match(watchlist.name, tuple(_terms(root, scanned))))
        return matches

    def terms(
        self, article: Article | StoredArticle, described: Article
    ) -> list[tuple[int, tuple[str, ...]]]:
        """Returns the watchlists that match, by their numbers, with the terms that do.

        `described` is the same article, perhaps without its text. Nothing is located, so the
        original text of a stored article is only read if a query asks for it.
        """
        scanned = self.scan(article)
        found = []
        for number in self.candidates(scanned):
            watchlist, root = self._compiled[number]
            if applies(watchlist.feeds, described) and holds(root, scanned):
                terms = {phrase.text for _, phrase in evidence(root, scanned)}
                found.append((number, tuple(sorted(terms))))
        return found


def applies(feeds: FeedFilter, article: Article) -> bool:
    """Returns whether a watchlist covers an article's feed; an unknown language passes."""
    return covers(feeds, article.source, article.tags, article.language)


def covers(feeds: FeedFilter, source: str, tags: Iterable[str], language: str | None) -> bool:
    """Returns whether a filter lets articles of this feed pass; see `applies`."""
    if not (feeds.names or feeds.tags or feeds.languages):
        return True
    code = primary_subtag(language or "")
    return (
        (not feeds.names or source in feeds.names)
        and (not feeds.tags or not set(feeds.tags).isdisjoint(tags))
        and (not feeds.languages or not code or code in map(primary_subtag, feeds.languages))
    )


def triggers_of(node: Node) -> frozenset[Trigger]:
    """Returns triggers, one of which is in every article that matches; prefers rare ones."""
    match node:
        case Phrase():
            return frozenset([node.key] if node.loose is not None else keys_of(node))
        case Fact():
            return frozenset([node])
        case Or(parts):
            return frozenset().union(*map(triggers_of, parts))
        case Outside(part):
            return triggers_of(part)
    choices = [triggers_of(part) for part in children(node) if not isinstance(part, Not)]
    return min(choices, key=_commonness)


def _commonness(triggers: frozenset[Trigger]) -> tuple[bool, int, int]:
    """Ranks triggers by how often they occur: facts are common, long phrases are rare."""
    lengths = [len(trigger) for trigger in triggers if isinstance(trigger, str)]
    return len(lengths) < len(triggers), len(triggers), -min(lengths, default=0)


def _terms(root: Node, scanned: ScannedArticle) -> Iterator[Term]:
    """Yields the evidence: a term for each field that has it, with its spans in the original."""
    if isinstance(root, Phrase):
        # Most watchlists are one phrase, whose occurrences are sorted and unique already.
        for field, occurrences in groupby(scanned.occurrences(root), key=itemgetter(0)):
            text = scanned.texts[field]
            spans = ((text.span(first)[0], text.span(last)[1]) for _, first, last in occurrences)
            yield Term(root.text, field, tuple(spans))
        return
    spans_by_term: dict[tuple[str, str], set[tuple[int, int]]] = defaultdict(set)
    for (field, first, last), phrase in evidence(root, scanned):
        text = scanned.texts[field]
        spans_by_term[phrase.text, field].add((text.span(first)[0], text.span(last)[1]))
    for (term, field), term_spans in spans_by_term.items():
        yield Term(term, field, tuple(sorted(term_spans)))
