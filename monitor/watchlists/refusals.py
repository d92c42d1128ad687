"""Refusals of a query: where, why, both readings, and what to write instead. Pure."""

from __future__ import annotations

from typing import NoReturn

import regex

from monitor.errors import QueryError
from monitor.watchlists.lexer import QUOTES, Lexeme
from monitor.watchlists.syntax import Node, is_positional


class Refusing:
    """A query that is being read, and the ways to refuse it; operands are ranges of lexemes."""

    def __init__(self, query: str) -> None:
        """Begins with a query that is still unread."""
        self._query = query
        self._lexemes: list[Lexeme] = []

    def _refuse_near_beside_or(self, sources: list[tuple[int, int]]) -> None:
        """Refuses `a NEAR/5 b OR c`, which could be (a NEAR/5 b) OR c, or a NEAR/5 (b OR c)."""
        for first, last in sources:
            depth = 0
            for lexeme in self._lexemes[first:last]:
                depth += (lexeme.kind == "open") - (lexeme.kind == "close")
                if lexeme.kind == "near" and depth == 0:
                    self._ambiguous(lexeme.text, "OR", sources)

    def _refuse_unless_positional(
        self, node: Node, source: tuple[int, int], operator: Lexeme
    ) -> None:
        """Refuses an operand that has no occurrences beside an operator that needs them."""
        if not is_positional(node):
            self._fail(
                f"{operator.text} joins words, phrases and OR groups",
                self._lexemes[source[0]].start,
                self._lexemes[source[1] - 1].end,
                f"write for example (a OR b) {operator.text} c, and add the rest with AND",
            )

    def _side_by_side(self, before: tuple[int, int], lexeme: Lexeme) -> NoReturn:
        """Refuses operands without an operator between them: AND or a phrase could be meant."""
        left, both = self._source(before), f"{self._source(before)} {lexeme.text}"
        if lexeme.text.lower() in {"and", "or", "not"}:
            self._fail_at(
                lexeme,
                f"{lexeme.text} in small letters is a word, not an operator",
                f"write {lexeme.text.upper()} to join two terms",
                self._replaced(lexeme.start, lexeme.end, lexeme.text.upper()),
            )
        message = f"there is no operator before {lexeme.text}"
        hint = "write AND or OR there"
        joint = "AND " if self._query[lexeme.start - 1].isspace() else " AND "
        instead = [self._replaced(lexeme.start, lexeme.start, joint)]
        if {self._lexemes[before[1] - 1].kind, lexeme.kind} <= {"word", "quoted"}:
            message = f"{both} could mean a phrase, or both terms anywhere"
            both_anywhere = f"({left} AND {lexeme.text})"
            phrase = '"' + regex.sub(f"[{QUOTES}]", "", both) + '"'
            start = self._lexemes[before[0]].start
            instead = [
                self._replaced(start, lexeme.end, phrase),
                self._replaced(start, lexeme.end, both_anywhere),
            ]
            hint = self._choice(phrase, both_anywhere)
        self._fail(message, self._lexemes[before[0]].start, lexeme.end, hint, *instead)

    def _ambiguous(self, first: str, second: str, sources: list[tuple[int, int]]) -> NoReturn:
        """Refuses two operators side by side, since programs differ on which binds tighter."""
        start, end = self._lexemes[sources[0][0]].start, self._lexemes[sources[-1][1] - 1].end
        instead: list[str] = []
        if first in {"AND", "OR"}:
            names = [self._source(source) for source in sources[-3:]]
            head = f"({names[0]} {first} {names[1]}) {second} {names[2]}"
            tail = f"{names[0]} {first} ({names[1]} {second} {names[2]})"
            left, middle, right = sources[-3:]
            instead = [
                self._grouped(left[0], middle[1]),
                self._grouped(middle[0], right[1]),
            ]
        else:
            head, tail = f"(a {first} b) {second} c", f"a {first} (b {second} c)"
        message = f"{first} beside {second} can be read in two ways"
        self._fail(message, start, end, self._choice(head, tail), *instead)

    def _choice(self, *queries: str) -> str:
        """Returns what to write: those of these queries that are not refused themselves."""
        sound = list(filter(self._is_query, queries))
        return (
            f"write {' or '.join(sound)}" if sound else "put what belongs together in parentheses"
        )

    def _is_query(self, text: str) -> bool:
        """Returns whether a text can be read as a query."""
        raise NotImplementedError

    def _source(self, lexemes: tuple[int, int]) -> str:
        start, end = self._lexemes[lexemes[0]].start, self._lexemes[lexemes[1] - 1].end
        return self._query[start:end]

    def _replaced(self, start: int, end: int, text: str) -> str:
        """Returns the query with another text from one offset to another."""
        return self._query[:start] + text + self._query[end:]

    def _grouped(self, first: int, last: int) -> str:
        """Returns the query with these lexemes in parentheses."""
        start, end = self._lexemes[first].start, self._lexemes[last - 1].end
        return self._replaced(start, end, f"({self._query[start:end]})")

    def _fail_at(self, lexeme: Lexeme, message: str, hint: str = "", *instead: str) -> NoReturn:
        self._fail(message, lexeme.start, lexeme.end, hint, *instead)

    def _fail(self, message: str, start: int, end: int, hint: str = "", *instead: str) -> NoReturn:
        raise QueryError(
            message, query=self._query, column=start + 1, length=max(1, end - start), hint=hint,
            instead=instead,
        )  # fmt: skip
