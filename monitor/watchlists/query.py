"""Parses queries: from what an analyst types to a tree that means exactly one thing. Pure.

The grammar, and what each part means to an author of queries, are in docs/queries.md.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count

from monitor.errors import QueryError
from monitor.watchlists.foreign import doubt_about
from monitor.watchlists.lexer import Lexeme, lex
from monitor.watchlists.refusals import Refusing
from monitor.watchlists.syntax import (
    FACTS,
    And,
    AtLeast,
    Near,
    Node,
    Not,
    Or,
    Outside,
    Phrase,
    Same,
    contradict,
    fields_of,
    is_positional,
    spell,
)
from monitor.watchlists.terms import fact, phrase, restricted

MAX_LENGTH = 20_000
# How many mistakes at once a proposal mends: each takes further attempts to read the query.
MAX_STEPS = 2
MAX_DEPTH = 50
# Definitions that use others multiply: twenty lines can expand to a million terms.
MAX_TERMS = 10_000

# Messages that begin so are about all definitions, and do not name each definition on the way.
_DEFINITIONS = "definitions"

_SOMETHING_TO_FIND = "also say what to look for, such as: summit AND NOT sports"


@dataclass(frozen=True, slots=True)
class Query:
    """A query, as written and as read; `warnings` name what is allowed but probably not meant."""

    text: str
    root: Node
    warnings: tuple[str, ...] = ()

    @property
    def reading(self) -> str:
        """Returns how the query was read: fully parenthesised, its words folded."""
        return spell(self.root)


def parse(query: str, definitions: Mapping[str, str] | None = None) -> Query:
    """Parses a query; raises QueryError if it could mean two things, or nothing.

    `definitions` maps each name to the query that `@name` stands for.
    """
    known = definitions or {}
    try:
        return _Parser(query, known).query()
    except QueryError as error:
        error.instead = tuple(dict.fromkeys(_sound(error.instead, known)))
        raise


def _sound(
    queries: Sequence[str], definitions: Mapping[str, str], steps: int = MAX_STEPS
) -> Iterator[str]:
    """Yields those of some queries that can be read; if none can, what they might mean."""
    refused: list[QueryError] = []
    for query in queries:
        try:
            _Parser(query, definitions).query()
        except QueryError as error:
            refused.append(error)
        else:
            yield query
    if len(refused) == len(queries) and steps:
        for each in refused:
            yield from _sound(each.instead, definitions, steps - 1)


class _Parser(Refusing):
    """A recursive-descent parser over lexemes; `_at` is the index of the next one."""

    def __init__(
        self,
        query: str,
        definitions: Mapping[str, str],
        inside: tuple[str, ...] = (),
        depth: int = 0,
        terms: Iterator[int] | None = None,
    ) -> None:
        """Begins with a query, or with a definition used inside other definitions.

        `inside` names those definitions, `depth` is the nesting depth of the reference, and `terms`
        counts the terms of the whole query.
        """
        super().__init__(query)
        self._definitions = definitions
        self._inside = inside
        self._depth = depth
        self._terms = count(1) if terms is None else terms
        self._at = 0

    def query(self) -> Query:
        if len(self._query) > MAX_LENGTH:
            self._fail(
                f"the query is longer than {MAX_LENGTH} characters",
                MAX_LENGTH,
                len(self._query),
                "split it into several watchlists",
            )
        self._lexemes = list(lex(self._query))
        if not self._lexemes:
            self._fail("the query is empty", 0, 1, 'write what to look for, such as "NATO summit"')
        warnings: list[str] = []
        if all(lexeme.kind == "word" for lexeme in self._lexemes):
            start, end = self._lexemes[0].start, self._lexemes[-1].end
            root: Node = phrase(self._query, start, end, self._query[start:end])
            for lexeme in self._lexemes:
                place = {"is_first": lexeme.start == start, "is_last": lexeme.end == end}
                if doubt := doubt_about(lexeme.text, **place):
                    warnings.append(f"column {lexeme.start + 1}: {doubt}")
            if start < self._lexemes[-1].start and self._query[:end].endswith("?"):
                # A pasted headline.
                warnings.append(f"column {end}: ? stands for any one letter; leave it out")
        else:
            root = self._expression(self._depth)
            if self._next is not None:
                self._fail_at(
                    self._next,
                    "this parenthesis was never opened",
                    "remove it, or add the missing (",
                    self._replaced(self._next.start, self._next.end, ""),
                    f"({self._query}",
                )
        if isinstance(root, Not):
            self._fail(
                "NOT alone matches nearly every article", 0, len(self._query), _SOMETHING_TO_FIND
            )
        return Query(self._query, root, tuple(warnings))

    def _is_query(self, text: str) -> bool:
        try:
            _Parser(text, self._definitions).query()
        except QueryError:
            return False
        return True

    @property
    def _next(self) -> Lexeme | None:
        return self._lexemes[self._at] if self._at < len(self._lexemes) else None

    def _expression(self, depth: int) -> Node:
        """Parses operands joined by one kind of operator: all AND (or NOT), or all OR."""
        first = self._at
        parts = [self._operand(depth)]
        if (lexeme := self._next) is None or lexeme.kind == "close":
            return parts[0]
        operator = ""
        sources = [(first, self._at)]
        while (lexeme := self._next) is not None and lexeme.kind != "close":
            if lexeme.kind not in {"boolean", "minus"}:
                self._side_by_side(sources[-1], lexeme)
            joint = "OR" if lexeme.text == "OR" else "AND"
            if lexeme.text in {"AND", "OR"}:
                self._at += 1
            begun = self._at
            parts.append(self._operand(depth))
            sources.append((begun, self._at))
            if operator and joint != operator:
                self._ambiguous(operator, joint, sources)
            operator = joint
        span = self._lexemes[first].start, self._lexemes[self._at - 1].end
        if operator == "OR":
            if any(isinstance(part, Not) for part in parts):
                self._fail(
                    "OR with NOT matches nearly every article",
                    *span,
                    "use AND NOT for what must be absent",
                )
            self._refuse_near_beside_or(sources)
            return Or(tuple(parts))
        if all(isinstance(part, Not) for part in parts):
            self._fail("NOTs alone match nearly every article", *span, _SOMETHING_TO_FIND)
        if contradict(parts):
            self._fail(
                "this can never match: it requires and excludes the same term",
                *span,
                "remove one of the two",
            )
        return And(tuple(parts))

    def _operand(self, depth: int) -> Node:
        """Parses a term or group, negated or not, with what must be near it, if anything."""
        if depth > MAX_DEPTH:
            self._fail(
                f"nested deeper than {MAX_DEPTH} levels", 0, 1, "remove some parentheses or NOTs"
            )
        lexeme = self._next
        if lexeme is not None and (lexeme.kind == "minus" or lexeme.text == "NOT"):
            self._at += 1
            part = self._operand(depth + 1)
            return part.part if isinstance(part, Not) else Not(part)
        begun = self._at
        left = self._primary(depth)
        operator = self._next
        if operator is None or operator.kind != "near":
            return left
        self._refuse_unless_positional(left, (begun, self._at), operator)
        parts = [left]
        while (lexeme := self._next) is not None and lexeme.kind == "near":
            chained = len(parts) > 1
            if chained and (lexeme.text != operator.text or not operator.text.startswith("SAME")):
                self._fail(
                    f"{operator.text} and {lexeme.text} side by side can be read in two ways",
                    self._lexemes[begun].start,
                    lexeme.end,
                    "put each pair in parentheses and join them with AND",
                )
            self._at += 1
            right = self._at
            parts.append(self._primary(depth))
            self._refuse_unless_positional(parts[-1], (right, self._at), operator)
        return self._joined(operator, parts, begun)

    def _joined(self, operator: Lexeme, parts: list[Node], begun: int) -> Node:
        if operator.text == "OUTSIDE":
            return Outside(parts[0], parts[1])
        common = frozenset.intersection(*map(fields_of, parts))
        if not common:
            self._fail(
                "this can never match: the two sides look in different fields",
                self._lexemes[begun].start,
                self._lexemes[self._at - 1].end,
                "join them with AND",
            )
        if operator.text == "SAMESENTENCE":
            return Same("sentence", tuple(parts))
        if operator.text == "SAMEPARA":
            return Same("paragraph", tuple(parts))
        ordered = operator.text.startswith(("ONEAR", "PRE"))
        return Near(parts[0], parts[1], operator.number or 0, ordered)

    def _primary(self, depth: int) -> Node:
        lexeme = self._next
        if lexeme is None or lexeme.kind == "close":
            before = self._lexemes[self._at - 1]
            self._fail_at(
                before,
                f"nothing follows {before.text}",
                "write a word, a phrase or a group there",
                self._replaced(before.start, before.end, "").rstrip(),
            )
        self._at += 1
        match lexeme.kind:
            case "open":
                return self._group(lexeme, depth)
            case "atleast":
                part = self._primary(depth + 1)
                if not is_positional(part) or not lexeme.number:
                    self._fail_at(
                        lexeme,
                        "ATLEAST counts words, phrases and OR groups, and needs a number above 0",
                        'write for example ATLEAST/3("sanctions" OR embargo)',
                    )
                return AtLeast(lexeme.number, part)
            case "prefix":
                return self._prefixed(lexeme, depth)
            case "reference":
                return self._definition(lexeme, depth)
            case "boolean" | "near":
                hint = f'remove it, or put the word in quotes: "{lexeme.text}"'
                self._fail_at(
                    lexeme,
                    f"{lexeme.text} has nothing before it",
                    hint,
                    self._replaced(lexeme.start, lexeme.end, "").lstrip(),
                    self._replaced(lexeme.start, lexeme.end, f'"{lexeme.text}"'),
                )
        if next(self._terms) > MAX_TERMS:
            self._fail_at(
                lexeme, f"{_DEFINITIONS} expand to more than {MAX_TERMS} terms", "use fewer of them"
            )
        return phrase(
            self._query, lexeme.start, lexeme.end, lexeme.inside, lexeme.text, lexeme.number
        )

    def _group(self, opened: Lexeme, depth: int) -> Node:
        inner = self._expression(depth + 1)
        if self._next is None:
            self._fail_at(
                opened, "this parenthesis is never closed", "close it with )", f"{self._query})"
            )
        self._at += 1
        return inner

    def _prefixed(self, prefix: Lexeme, depth: int) -> Node:
        """Parses what follows `title:` and the like."""
        name = prefix.text.removesuffix(":")
        begun = self._at
        if depth > MAX_DEPTH:
            self._fail(
                f"nested deeper than {MAX_DEPTH} levels", 0, 1, "remove some parentheses or NOTs"
            )
        part = self._primary(depth + 1)
        start, end = prefix.start, self._lexemes[self._at - 1].end
        if name in FACTS:
            asked = self._lexemes[begun : self._at]
            if len(asked) == 1 and isinstance(part, Phrase):
                return fact(self._query, name, asked[0])
            self._fail(f"{name}: takes one value", start, end, f"write {name}:a OR {name}:b")
        return restricted(self._query, part, name, start, end)

    def _definition(self, lexeme: Lexeme, depth: int) -> Node:
        name = lexeme.text[1:]
        if name in self._inside:
            circle = " → ".join(f"@{link}" for link in (*self._inside, name))
            self._fail_at(lexeme, f"{_DEFINITIONS} form a circle: {circle}")
        if depth >= MAX_DEPTH:
            self._fail_at(lexeme, f"{_DEFINITIONS} are nested deeper than {MAX_DEPTH} levels")
        if name not in self._definitions:
            known = ", ".join(f"@{name}" for name in sorted(self._definitions)) or "none"
            self._fail_at(
                lexeme,
                f"{lexeme.text} is not defined",
                f"known definitions: {known}; or put it in quotes",
                self._replaced(lexeme.start, lexeme.end, f'"{lexeme.text}"'),
            )
        inside = (*self._inside, name)
        text = self._definitions[name]
        inner = _Parser(text, self._definitions, inside, depth + 1, self._terms)
        try:
            return inner.query().root
        except QueryError as error:
            if error.message.startswith(_DEFINITIONS):
                self._fail_at(lexeme, error.message, error.hint)
            self._fail_at(lexeme, f"in {lexeme.text}: {error.message}", error.hint)
