"""Turns a query into a filter of the index of words that is never narrower than the query. Pure.

The index knows which words an article has, not where. What it cannot decide is left out: the
matcher decides then. A filter that decides alone is exact, as for words joined by AND, OR and NOT.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from monitor.archive.words import ANY_WORD, fact_lexeme, field_lexeme, is_whole, text_lexeme
from monitor.watchlists.syntax import (
    TEXT_FIELDS,
    WILDCARDS,
    And,
    AtLeast,
    Fact,
    Near,
    Node,
    Not,
    Or,
    Phrase,
    Same,
    children,
)

# Shorter beginnings of words select most articles, and take long to look up.
_MIN_PREFIX = 2


@dataclass(frozen=True, slots=True)
class Has:
    """The article has a lexeme or, if `is_prefix`, one that begins so."""

    lexeme: str
    is_prefix: bool = False


@dataclass(frozen=True, slots=True)
class All:
    """All parts hold, and none of `without`."""

    parts: tuple[Filter, ...]
    without: tuple[Filter, ...] = ()


@dataclass(frozen=True, slots=True)
class Some:
    """At least one part holds."""

    parts: tuple[Filter, ...]


Filter = Has | All | Some

# Selects the articles of which the index knows no words, and which may match any query.
UNKNOWN_WORDS = Has(ANY_WORD)


@dataclass(frozen=True, slots=True)
class Narrowing:
    """A filter, or None if every article may match; `is_exact` if it selects just what matches."""

    filter: Filter | None
    is_exact: bool = False


def narrow(node: Node) -> Narrowing:
    """Returns a filter that selects every article that a query matches."""
    match node:
        case Phrase():
            return _phrase(node)
        case Fact():
            lexeme = fact_lexeme(node)
            return Narrowing(Has(lexeme), is_whole(lexeme))
        case And(parts):
            return _and(parts)
        case Or(parts):
            return _or(list(map(narrow, parts)))
        case AtLeast(1, part):
            return narrow(part)
    # NEAR and the like need all their parts; ATLEAST and OUTSIDE the first.
    parts = children(node) if isinstance(node, Near | Same) else children(node)[:1]
    return Narrowing(_and(parts).filter)


def _phrase(phrase: Phrase) -> Narrowing:
    if phrase.otherwise is not None:
        other = replace(phrase.otherwise, fields=phrase.fields)
        return _or([_phrase(replace(phrase, otherwise=None)), _phrase(other)])
    parts = [part for word in dict.fromkeys(phrase.words) if (part := _word(phrase.fields, word))]
    is_exact = (
        len(phrase.words) == 1
        and phrase.loose is None
        and not phrase.needs_original
        and not phrase.has_wildcard
        # Words of the title count as words of the text.
        and phrase.fields not in {("body",), ("lead",)}
        and all(is_whole(part.lexeme) for part in parts)
    )
    return Narrowing(_all(parts), is_exact)


def _word(fields: tuple[str, ...], word: str) -> Has | None:
    wildcard = WILDCARDS.search(word)
    fixed = word[: wildcard.start()] if wildcard else word
    if wildcard and len(fixed) < _MIN_PREFIX:
        return None
    in_text = fields in {TEXT_FIELDS, ("body",), ("lead",)}
    lexeme = text_lexeme(fixed) if in_text else field_lexeme(fields[0], fixed)
    return Has(lexeme, is_prefix=wildcard is not None)


def _and(parts: Iterable[Node]) -> Narrowing:
    required: list[Filter] = []
    excluded: list[Filter] = []
    is_exact = True
    for part in parts:
        inner = narrow(part.part if isinstance(part, Not) else part)
        is_exact = is_exact and inner.is_exact
        if inner.filter is None:
            continue
        if not isinstance(part, Not):
            required.append(inner.filter)
        elif inner.is_exact:
            excluded.append(inner.filter)
    if not required:
        return Narrowing(None)
    if excluded:
        return Narrowing(All(tuple(required), tuple(excluded)), is_exact)
    return Narrowing(_all(required), is_exact)


def _or(choices: list[Narrowing]) -> Narrowing:
    parts = [choice.filter for choice in choices if choice.filter is not None]
    if len(parts) < len(choices):
        return Narrowing(None)
    return Narrowing(Some(tuple(parts)), all(choice.is_exact for choice in choices))


def _all(parts: Sequence[Filter]) -> Filter | None:
    return All(tuple(parts)) if len(parts) > 1 else next(iter(parts), None)


def fts5(part: Filter) -> str:
    """Spells a filter as SQLite's full-text index reads it."""
    if isinstance(part, Has):
        quoted = part.lexeme.replace('"', '""')
        return f'"{quoted}"{"*" if part.is_prefix else ""}'
    operator = " AND " if isinstance(part, All) else " OR "
    spelt = f"({operator.join(map(fts5, part.parts))})"
    if isinstance(part, All) and part.without:
        return f"({spelt} NOT ({' OR '.join(map(fts5, part.without))}))"
    return spelt


def tsquery(part: Filter) -> str:
    """Spells a filter as PostgreSQL's type `tsquery`."""
    if isinstance(part, Has):
        quoted = part.lexeme.replace("\\", "\\\\").replace("'", "''")
        return f"'{quoted}'{':*' if part.is_prefix else ''}"
    spelt = list(map(tsquery, part.parts))
    if isinstance(part, All):
        spelt += [f"!{tsquery(excluded)}" for excluded in part.without]
        return f"({' & '.join(spelt)})"
    return f"({' | '.join(spelt)})"
