"""A query's text to lexemes. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import regex

from monitor.errors import QueryError
from monitor.watchlists.syntax import FACTS, FIELDS

QUOTES = '"\u201c\u201d\u201e\u201f\u00ab\u00bb\uff02'
MODES = ("case", "exact")
PREFIXES = (*FIELDS, *FACTS, *MODES)

_LEXEME = regex.compile(
    rf"""
      (?P<space>\s+)
    | (?P<quoted>[{QUOTES}] (?P<inside>[^{QUOTES}]*)
      (?:(?P<closed>[{QUOTES}])(?:~(?P<loose>\d{{1,6}}))?)?)
    | (?P<open>\() | (?P<close>\))
    | (?P<boolean>AND|OR|NOT)(?=[\s({QUOTES}]|$)
    | (?P<near>(?P<kind>NEAR|ONEAR|W|PRE)/(?P<distance>\d{{1,6}})|SAMESENTENCE|SAMEPARA|OUTSIDE)
      (?=[\s({QUOTES}]|$)
    | (?P<atleast>ATLEAST/(?P<count>\d{{1,6}})\s*(?=\())
    | (?P<prefix>(?:{"|".join(PREFIXES)}):(?=[^\s)])|cs(?=\())
    | (?P<reference>@[\w.-]+)
    | (?P<minus>(?<![^\s(])-(?=[^\s-]))
    | (?P<word>[^\s(){QUOTES}]+)
    """,
    regex.VERBOSE,
)
_UNKNOWN_FIELD = regex.compile(r"(\p{L}{3,}):\S")
_BARE_NEAR = regex.compile(r"(?:O?NEAR|ATLEAST)(?:/\D*)?")


@dataclass(frozen=True, slots=True)
class Lexeme:
    """A piece of a query: its kind, its text, and where it stands."""

    kind: str
    text: str
    start: int
    inside: str = ""
    number: int | None = None

    @property
    def end(self) -> int:
        """Where it ends."""
        return self.start + len(self.text)


def lex(query: str) -> Iterator[Lexeme]:
    """Split a query; raises QueryError for a quotation mark without its partner, and the like."""
    at = 0
    for found in _LEXEME.finditer(query):
        if found.start() != at:
            break
        start, at = found.span()
        kind, text = str(found.lastgroup), found[0]
        if kind == "space":
            continue
        inside, number = text, None
        if kind == "quoted":
            inside, number = found["inside"], found["loose"]
            if not found["closed"]:
                hint = 'close it with another "'
                message = "this quotation mark is never closed"
                raise QueryError(message, query=query, column=start + 1, hint=hint)
        elif kind == "word":
            _check_word(query, text, start)
        elif kind in {"near", "atleast"}:
            number = found["distance"] or found["count"]
            text = text.rstrip()
        yield Lexeme(kind, text, start, inside, None if number is None else int(number))
    if at < len(query):
        raise QueryError("cannot be read", query=query, column=at + 1)


def _check_word(query: str, word: str, at: int) -> None:
    unknown = _UNKNOWN_FIELD.match(word)
    if unknown and not word.startswith(("http:", "https:")):
        raise QueryError(
            f"there is no field {unknown[1]}",
            query=query,
            column=at + 1,
            length=len(unknown[1]) + 1,
            hint=f'fields are {", ".join((*FIELDS, *FACTS))}; or put it in quotes: "{word}"',
        )
    if _BARE_NEAR.fullmatch(word):
        operator = word.partition("/")[0]
        raise QueryError(
            f"{operator} needs a number",
            query=query,
            column=at + 1,
            length=len(word),
            hint=f'write {operator}/5, or put the word in quotes: "{operator}"',
        )
