"""Queries: from what an analyst types to a tree that means exactly one thing. Pure.

The grammar, and what each part means to who writes queries, stand in docs/queries.md.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NoReturn

import regex

from monitor.errors import QueryError
from monitor.watchlists.text import tokenise

MAX_LENGTH = 20_000
MAX_DEPTH = 50

_QUOTES = {'"': '"', "\u201c": '"', "\u201d": '"', "\u201e": '"', "\u201f": '"', "\u00ab": '"',
           "\u00bb": '"', "\uff02": '"'}  # fmt: skip
_LEXEME = regex.compile(
    rf"""
      (?P<space>\s+)
    | (?P<quoted>[{"".join(_QUOTES)}] [^{"".join(_QUOTES)}]* (?P<closed>[{"".join(_QUOTES)}])? )
    | (?P<open>\() | (?P<close>\))
    | (?P<operator>AND|OR|NOT)(?=[\s("\u201c\u201e\u00ab)]|$)
    | (?P<word>[^\s(){"".join(_QUOTES)}]+)
    """,
    regex.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class Phrase:
    """Words that stand side by side; `text` is how the query spells them."""

    text: str
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class And:
    """All of these match."""

    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Or:
    """At least one of these matches."""

    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """The part does not match; stands only within And, beside something that does."""

    part: Node


Node = Phrase | And | Or | Not


@dataclass(frozen=True, slots=True)
class Query:
    """A query, as written and as read."""

    text: str
    root: Node

    @property
    def reading(self) -> str:
        """How the query was read: with all parentheses, and words in the form that is compared."""
        return _spell(self.root)


def parse(query: str) -> Query:
    """Read a query; raises QueryError where it could mean two things, or nothing."""
    return _Parser(query).query()


def _spell(node: Node, *, inner: bool = False) -> str:
    match node:
        case Phrase(words=words):
            return f'"{" ".join(words)}"'
        case Not(part):
            return f"NOT {_spell(part, inner=True)}"
        case And(parts) | Or(parts):
            operator = " AND " if isinstance(node, And) else " OR "
            spelt = operator.join(_spell(part, inner=True) for part in parts)
            return f"({spelt})" if inner else spelt


@dataclass(frozen=True, slots=True)
class _Lexeme:
    kind: str
    text: str
    start: int

    @property
    def end(self) -> int:
        return self.start + len(self.text)


class _Parser:
    """Recursive descent over lexemes; `_at` is the next one."""

    def __init__(self, query: str) -> None:
        self._query = query
        self._lexemes: list[_Lexeme] = []
        self._at = 0

    def query(self) -> Query:
        if len(self._query) > MAX_LENGTH:
            self._fail(f"longer than {MAX_LENGTH} characters", MAX_LENGTH, len(self._query))
        self._lexemes = list(self._lex())
        if not self._lexemes:
            self._fail("the query is empty", 0, 1, 'write what to look for, such as "NATO summit"')
        if all(lexeme.kind == "word" for lexeme in self._lexemes):
            root: Node = self._phrase(0, len(self._query.rstrip()), self._query.strip())
        else:
            root = self._expression(0)
            if self._next is not None:
                self._fail_at(self._next, "this closes nothing", "remove it, or open it before")
        if isinstance(root, Not):
            self._fail(
                "a query of NOT alone matches nearly every article",
                0,
                len(self._query),
                "say first what to look for, such as: summit AND NOT sports",
            )
        return Query(self._query, root)

    def _lex(self) -> Iterator[_Lexeme]:
        at = 0
        while at < len(self._query):
            found = _LEXEME.match(self._query, at)
            if found is None:
                self._fail("cannot be read", at, at + 1)
            kind = str(found.lastgroup if found.lastgroup != "closed" else "quoted")
            if kind == "quoted" and not found["closed"]:
                self._fail(
                    "this quotation mark is never closed", at, at + 1, 'close it with another "'
                )
            if kind != "space":
                yield _Lexeme(kind, found[0], at)
            at = found.end()

    @property
    def _next(self) -> _Lexeme | None:
        return self._lexemes[self._at] if self._at < len(self._lexemes) else None

    def _expression(self, depth: int) -> Node:
        """Operands joined by one kind of operator."""
        start = self._next
        parts = [self._operand(depth)]
        operator: _Lexeme | None = None
        while (lexeme := self._next) is not None and lexeme.kind != "close":
            if lexeme.kind != "operator":
                self._side_by_side(lexeme)
            joint = "OR" if lexeme.text == "OR" else "AND"
            if operator is not None and joint != ("OR" if operator.text == "OR" else "AND"):
                self._ambiguous(operator, lexeme)
            operator = lexeme
            if lexeme.text != "NOT":
                self._at += 1
            parts.append(self._operand(depth))
        if len(parts) == 1:
            return parts[0]
        if operator is not None and operator.text == "OR":
            if any(isinstance(part, Not) for part in parts):
                self._fail_at(
                    operator,
                    "OR with NOT matches nearly every article",
                    "join what must not be there with AND NOT",
                )
            return Or(tuple(parts))
        if start is not None and all(isinstance(part, Not) for part in parts):
            self._fail(
                "NOTs alone match nearly every article",
                start.start,
                self._lexemes[self._at - 1].end,
                "say first what to look for, such as: summit AND NOT sports",
            )
        return And(tuple(parts))

    def _operand(self, depth: int) -> Node:
        lexeme = self._next
        if depth > MAX_DEPTH:
            self._fail(f"nested deeper than {MAX_DEPTH}", 0, 1)
        if lexeme is None or lexeme.kind == "close":
            before = self._lexemes[self._at - 1] if self._at else lexeme
            if before is None:
                raise AssertionError("an empty query has been refused")
            hint = "write a word, a phrase or a group there"
            self._fail_at(before, f"nothing follows {before.text}", hint)
        self._at += 1
        match lexeme.kind:
            case "open":
                inner = self._expression(depth + 1)
                if self._next is None:
                    self._fail_at(lexeme, "this parenthesis is never closed", "close it with )")
                self._at += 1
                return inner
            case "operator" if lexeme.text == "NOT":
                part = self._operand(depth + 1)
                return part.part if isinstance(part, Not) else Not(part)
            case "operator":
                self._fail_at(
                    lexeme,
                    f"{lexeme.text} has nothing before it",
                    f'remove it, or put the word in quotes: "{lexeme.text}"',
                )
        return self._phrase(lexeme.start, lexeme.end, lexeme.text)

    def _phrase(self, start: int, end: int, text: str) -> Phrase:
        words = tokenise(text).words
        if not words:
            self._fail("holds no word", start, end, "write at least one letter or digit")
        return Phrase(text, words)

    def _side_by_side(self, lexeme: _Lexeme) -> NoReturn:
        """Refuse operands without an operator between them: is it AND, or a phrase."""
        before = self._lexemes[self._at - 1]
        both = f"{before.text} {lexeme.text}"
        phrase = both.replace('"', "")
        self._fail(
            f"{both} could mean a phrase, or both words anywhere",
            before.start,
            lexeme.end,
            f'write "{phrase}" or ({before.text} AND {lexeme.text})',
        )

    def _ambiguous(self, first: _Lexeme, second: _Lexeme) -> NoReturn:
        """Refuse AND beside OR: programs differ on which binds tighter."""
        self._fail(
            f"{first.text} and {second.text} stand side by side, and could be read in two ways",
            first.start,
            second.end,
            "write (a AND b) OR c, or a AND (b OR c)",
        )

    def _fail_at(self, lexeme: _Lexeme, message: str, hint: str = "") -> NoReturn:
        self._fail(message, lexeme.start, lexeme.end, hint)

    def _fail(self, message: str, start: int, end: int, hint: str = "") -> NoReturn:
        raise QueryError(
            message, query=self._query, column=start + 1, length=max(1, end - start), hint=hint
        )
