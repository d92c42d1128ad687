"""Splits a query into lexemes. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from monitor.errors import QueryError
from monitor.watchlists.foreign import check_word
from monitor.watchlists.syntax import FACTS, FIELDS, MODES

QUOTES = '"\u201c\u201d\u201e\u201f\u00ab\u00bb\uff02'
PREFIXES = (*FIELDS, *FACTS, *MODES)

# Every character but white space begins a lexeme: if nothing else, a word.
_LEXEME = re.compile(
    rf"""
      (?P<quoted>[{QUOTES}] (?P<inside>[^{QUOTES}]*)
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
    re.VERBOSE,
)


class Lexeme(NamedTuple):
    """A piece of a query: its kind, its text, and its position."""

    kind: str
    text: str
    start: int
    inside: str = ""
    number: int | None = None

    @property
    def end(self) -> int:
        """Returns the offset of its end."""
        return self.start + len(self.text)


def lex(query: str) -> Iterator[Lexeme]:
    """Splits a query into lexemes; raises QueryError, such as for an unclosed quotation mark."""
    for match in _LEXEME.finditer(query):
        kind, text, start = match.lastgroup or "", match[0], match.start()
        inside, number = text, None
        if kind == "quoted":
            inside, closed, number = match.group("inside", "closed", "loose")
            if not closed:
                hint = 'close it with another "'
                message = "this quotation mark is never closed"
                raise QueryError(
                    message, query=query, column=start + 1, hint=hint, instead=(f'{query}"',)
                )
        elif kind == "word":
            check_word(query, text, start)
        elif kind in {"near", "atleast"}:
            number = match["distance"] or match["count"]
            text = text.rstrip()
        yield Lexeme(kind, text, start, inside, None if number is None else int(number))
