"""Decides by the matcher which stored articles a query matches."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Engine

from monitor.archive.pool import Numbers
from monitor.archive.read import read_articles
from monitor.model import Watchlist
from monitor.watchlists.evaluate import holds
from monitor.watchlists.matcher import Matcher, triggers_of
from monitor.watchlists.syntax import Node, Phrase, Same, children

# The name of the watchlist that holds the query.
SEARCHED = "query"
# To look for so many keys one by one is quicker than to look for all at once.
_FEW_KEYS = 3


class Scanner:
    """Decides about articles by their numbers."""

    def __init__(self, engine: Engine, query: str, definitions: Mapping[str, str]) -> None:
        """Raises QueryError for a broken query."""
        self.engine = engine
        self._query = query
        self._definitions = dict(definitions)
        self.matcher = Matcher([Watchlist(SEARCHED, query)], definitions)
        triggers = triggers_of(self.matcher.root(0))
        keys = [trigger for trigger in triggers if isinstance(trigger, str)]
        # One of them is in every article that matches.
        self._keys = keys if len(keys) == len(triggers) <= _FEW_KEYS else None
        self._words_only = not _asks_for_originals(self.matcher.root(0))

    @property
    def arguments(self) -> tuple[Any, ...]:
        """Returns what a scanner in another process is made from, beside the archive."""
        return self._query, self._definitions

    def matching(self, numbers: Numbers) -> set[int]:
        """Returns the numbers of the articles that the query matches."""
        root = self.matcher.root(0)
        return {
            row.number
            for row, article in read_articles(self.engine, numbers, words_only=self._words_only)
            if (self._keys is None or article.has_any(self._keys))
            and holds(root, self.matcher.scan(article))
        }


def _asks_for_originals(node: Node) -> bool:
    """Returns whether folded words do not suffice: spelling, sentences or paragraphs matter."""
    if isinstance(node, Phrase):
        return node.needs_original
    return isinstance(node, Same) or any(map(_asks_for_originals, children(node)))
