"""All watchlists in one structure: one pass over an article finds those that may match. Pure.

What the queries look for stands in one Aho-Corasick automaton (Aho and Corasick, Efficient string
matching, 1975), whose cost grows with the text and not with the number of phrases. Each query has
triggers, of which at least one must be in the article for it to match; only queries with a trigger
there are evaluated.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from operator import itemgetter

import ahocorasick

from monitor.model import Article, FeedFilter, Match, Term, Watchlist
from monitor.watchlists.article import View, keys_of, primary_subtag
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

# A query is evaluated when one of these is in the article: a key of the automaton, or a fact.
Trigger = str | Fact


class Matcher:
    """Watchlists, compiled; immutable, and safe to share with forked processes."""

    def __init__(
        self, watchlists: Iterable[Watchlist], definitions: Mapping[str, str] | None = None
    ) -> None:
        """Compile; raises QueryError for a query that `config` would have refused."""
        self._compiled: list[tuple[Watchlist, Node]] = []
        self._triggered_by: dict[Trigger, list[int]] = defaultdict(list)
        self._automaton = ahocorasick.Automaton()
        fields: set[str] = set()
        for number, watchlist in enumerate(watchlists):
            root = parse(watchlist.query, definitions).root
            self._compiled.append((watchlist, root))
            for trigger in _triggers(root):
                self._triggered_by[trigger].append(number)
            for phrase in phrases(root):
                fields.update("body" if name == "lead" else name for name in phrase.fields)
                for key in keys_of(phrase):
                    self._automaton.add_word(key, key)
        self._fields = tuple(name for name in FIELDS if name in fields)
        self._automaton.make_automaton()

    def view(self, article: Article) -> View:
        """An article, scanned for what all these queries look for."""
        return View(article, self._fields, self._automaton)

    def candidates(self, view: View) -> list[int]:
        """The numbers of the watchlists of which a trigger is in an article, in their order."""
        found: set[int] = set()
        triggers: list[Trigger] = [*view.keys, *view.facts]
        for trigger in triggers:
            found.update(self._triggered_by.get(trigger, ()))
        return sorted(found)

    def root(self, number: int) -> Node:
        """A watchlist's query, by its number."""
        return self._compiled[number][1]

    def explain(self, watchlist: str, article: Article) -> list[Part]:
        """Why a watchlist matches an article, or why not, part by part."""
        root = next(root for one, root in self._compiled if one.name == watchlist)
        return list(explain(root, self.view(article)))

    def decisive(self, watchlist: str, article: Article) -> list[str]:
        """The parts of a query, as read, that decided whether it matches."""
        root = next(root for one, root in self._compiled if one.name == watchlist)
        return list(dict.fromkeys(map(spell, culprits(root, self.view(article)))))

    def match(self, article: Article) -> list[Match]:
        """The watchlists that match an article, in their own order, with the evidence."""
        view = self.view(article)
        matches = []
        for number in self.candidates(view):
            watchlist, root = self._compiled[number]
            if holds(root, view) and applies(watchlist.feeds, article):
                matches.append(Match(watchlist.name, tuple(_terms(root, view))))
        return matches


def applies(feeds: FeedFilter, article: Article) -> bool:
    """Whether a watchlist looks at an article's feed; an unknown language passes."""
    if not (feeds.names or feeds.tags or feeds.languages):
        return True
    language = primary_subtag(article.language or "")
    return (
        (not feeds.names or article.source in feeds.names)
        and (not feeds.tags or not set(feeds.tags).isdisjoint(article.tags))
        and (
            not feeds.languages or not language or language in map(primary_subtag, feeds.languages)
        )
    )


def _triggers(node: Node) -> frozenset[Trigger]:
    """What of which at least one is there whenever the node matches; the rarer the better."""
    match node:
        case Phrase():
            return frozenset([node.key])
        case Fact():
            return frozenset([node])
        case Or(parts):
            return frozenset().union(*map(_triggers, parts))
        case Outside(part):
            return _triggers(part)
    found = [_triggers(part) for part in children(node) if not isinstance(part, Not)]
    return min(found, key=_commonness)


def _commonness(triggers: frozenset[Trigger]) -> tuple[bool, int, int]:
    """How often triggers are there: facts often, alternatives too, long phrases seldom."""
    lengths = [len(one) for one in triggers if isinstance(one, str)]
    return len(lengths) < len(triggers), len(triggers), -min(lengths, default=0)


def _terms(root: Node, view: View) -> Iterator[Term]:
    """The evidence, as terms with their fields and places in the original text; each once."""
    if isinstance(root, Phrase):
        # Most watchlists are one phrase: its places are in order, and each is there once.
        for field, some in groupby(view.places(root), key=itemgetter(0)):
            text = view.texts[field]
            there = tuple((text.span(a)[0], text.span(b)[1]) for _, a, b in some)
            yield Term(root.text, field, there)
        return
    places: dict[tuple[str, str], set[tuple[int, int]]] = defaultdict(set)
    for (field, first, last), phrase in evidence(root, view):
        text = view.texts[field]
        places[phrase.text, field].add((text.span(first)[0], text.span(last)[1]))
    for (term, field), spans in places.items():
        yield Term(term, field, tuple(sorted(spans)))
