"""Decides by the matcher which stored articles a query matches, on all cores if they are many."""

from __future__ import annotations

import gc
import os
import signal
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from itertools import islice
from multiprocessing import get_context
from pathlib import Path

from sqlalchemy import Engine

from monitor.archive.database import read_archive, read_file, shown
from monitor.archive.read import read_articles
from monitor.model import Watchlist
from monitor.watchlists.evaluate import holds
from monitor.watchlists.matcher import Matcher, triggers_of
from monitor.watchlists.syntax import Node, Phrase, Same, children

# The name of the watchlist that holds the query.
SEARCHED = "query"
BATCH = 500
# One process decides on so many articles in the time in which others start.
FEW = 20_000
MAX_PROCESSES = 8
_COLLECT_AFTER = 500_000
# To look for so many keys one by one is quicker than to look for all at once.
_FEW_KEYS = 3

Numbers = Sequence[int]


class Scanner:
    """Decides about articles by their numbers."""

    def __init__(
        self,
        engine: Engine,
        query: str,
        definitions: Mapping[str, str],
        most_processes: int = MAX_PROCESSES,
    ) -> None:
        """Raises QueryError for a broken query."""
        self.engine = engine
        self.query = query
        self.definitions = dict(definitions)
        self._most_processes = most_processes
        self.matcher = Matcher([Watchlist(SEARCHED, query)], definitions)
        triggers = triggers_of(self.matcher.root(0))
        keys = [trigger for trigger in triggers if isinstance(trigger, str)]
        # One of them is in every article that matches.
        self._keys = keys if len(keys) == len(triggers) <= _FEW_KEYS else None
        self._words_only = not _asks_for_originals(self.matcher.root(0))

    def matching(self, numbers: Numbers) -> set[int]:
        """Returns the numbers of the articles that the query matches."""
        root = self.matcher.root(0)
        return {
            row.number
            for row, article in read_articles(self.engine, numbers, words_only=self._words_only)
            if (self._keys is None or article.has_any(self._keys))
            and holds(root, self.matcher.scan(article))
        }

    def matching_in_batches(self, numbers: Numbers) -> Iterator[tuple[Numbers, set[int]]]:
        """Yields batches of the numbers, in order, with those that match."""
        batches = (numbers[at : at + BATCH] for at in range(0, len(numbers), BATCH))
        processes = min(os.cpu_count() or 1, self._most_processes)
        if len(numbers) <= FEW or processes == 1:
            for batch in batches:
                yield batch, self.matching(batch)
            return
        # Not forked: a fork copies locks that other threads hold.
        pool = ProcessPoolExecutor(
            processes,
            get_context("spawn"),
            _start,
            (_address(self.engine), self.query, self.definitions),
        )
        try:
            yield from _in_order(pool, batches, ahead=4 * processes)
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _in_order(
    pool: ProcessPoolExecutor, batches: Iterator[Numbers], ahead: int
) -> Iterator[tuple[Numbers, set[int]]]:
    """Yields results in the order of the batches, of which few wait at a time."""
    waiting: deque[tuple[Numbers, Future[set[int]]]] = deque()
    for batch in islice(batches, ahead):
        waiting.append((batch, pool.submit(_matching, batch)))
    while waiting:
        batch, future = waiting.popleft()
        yield batch, future.result()
        for following in islice(batches, 1):
            waiting.append((following, pool.submit(_matching, following)))


# Of a process in the pool.
_scanner: Scanner


def _start(address: str, query: str, definitions: dict[str, str]) -> None:
    global _scanner  # noqa: PLW0603 - a pool has no other place for what its processes keep
    # Ctrl-C reaches all processes; the first one ends the others.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # Articles come and go without cycles: to look for those takes a third of the time.
    gc.freeze()
    gc.set_threshold(_COLLECT_AFTER)
    is_url = address.startswith("postgresql")
    engine = read_archive(address, Path()) if is_url else read_file(Path(address))
    _scanner = Scanner(engine, query, definitions)


def _matching(numbers: Numbers) -> set[int]:
    return _scanner.matching(numbers)


def _address(engine: Engine) -> str:
    if engine.dialect.name == "sqlite":
        return shown(engine)
    return engine.url.render_as_string(hide_password=False)


def _asks_for_originals(node: Node) -> bool:
    """Returns whether folded words do not suffice: spelling, sentences or paragraphs matter."""
    if isinstance(node, Phrase):
        return node.mode != "folded"
    return isinstance(node, Same) or any(map(_asks_for_originals, children(node)))
