"""Splits a query into lexemes. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from difflib import get_close_matches
from typing import NamedTuple, NoReturn

import regex

from monitor.errors import QueryError
from monitor.watchlists.syntax import FACTS, FIELDS

QUOTES = '"\u201c\u201d\u201e\u201f\u00ab\u00bb\uff02'
MODES = ("case", "exact")
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
_UNKNOWN_FIELD = regex.compile(r"(\p{L}{3,}):\S")
_BARE_NEAR = regex.compile(r"(?:O?NEAR|ATLEAST)(?:/\D*)?")
_BARE_PREFIX = regex.compile(rf"(?:{'|'.join(PREFIXES)}):", regex.IGNORECASE)

# These are meant as operators; read as words of a phrase, they would match nothing.
_MEANT = {
    "&&": "AND", "ANDNOT": "AND NOT", "AND": "AND", "OR": "OR", "NOT": "NOT",
}  # fmt: skip
_MISSPELT = regex.compile(
    r"(?P<near>(?:NEAR|W)/\d.*)|(?P<onear>(?:ONEAR|PRE)/\d.*)|(?P<atleast>ATLEAST/\d.*)"
    r"|(?P<sentence>SAMESENTENCE)|(?P<paragraph>SAMEPARA)",
    regex.IGNORECASE,
)
_EXAMPLES = {
    "near": "a NEAR/5 b",
    "onear": "a ONEAR/5 b",
    "atleast": "ATLEAST/3(sanctions)",
    "sentence": "a SAMESENTENCE b",
    "paragraph": "a SAMEPARA b",
}
# Editors turn the minus of "NATO -football" into a dash, with the opposite meaning.
_SIGN = regex.compile(r"[+!\u2010-\u2015\u2212](?=\p{L})")


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
            _check_word(query, text, start)
        elif kind in {"near", "atleast"}:
            number = match["distance"] or match["count"]
            text = text.rstrip()
        yield Lexeme(kind, text, start, inside, None if number is None else int(number))


def _check_word(query: str, word: str, at: int) -> None:
    """Refuses a word that looks like an operator or a field but would be read as a word."""
    quoted = f'or put it in quotes: "{word}"'
    before, after = query[:at], query[at + len(word) :]

    def refuse(message: str, hint: str, *instead: str, length: int = len(word)) -> NoReturn:
        """Refuses the word; each of `instead` may be meant in its place."""
        raise QueryError(
            message, query=query, column=at + 1, length=length, hint=hint,
            instead=tuple(before + each + after for each in (*instead, f'"{word}"')),
        )  # fmt: skip

    unknown = _UNKNOWN_FIELD.match(word)
    if unknown and not word.startswith(("http:", "https:")):
        known = ", ".join((*FIELDS, *FACTS))
        hint = f"the fields are {known}; {quoted}"
        known_fields = get_close_matches(unknown[1].lower(), (*FIELDS, *FACTS), n=1)
        meant_fields = [field + word[len(unknown[1]) :] for field in known_fields]
        refuse(f"there is no field {unknown[1]}", hint, *meant_fields, length=len(unknown[1]) + 1)
    if _BARE_PREFIX.fullmatch(word):
        hint = f"write {word.lower()}summit without a space, {quoted}"
        after = after.lstrip()
        refuse(f"{word} needs a term right after it", hint, word.lower())
    if _BARE_NEAR.fullmatch(word):
        operator = word.partition("/")[0]
        hint = f'write {operator}/5, or put the word in quotes: "{operator}"'
        refuse(f"{operator} needs a number", hint, f"{operator}/5")
    if misspelt := _MISSPELT.fullmatch(word):
        hint = f"write for example {_EXAMPLES[misspelt.lastgroup or '']}, {quoted}"
        refuse(f"{word} looks like a misspelt operator", hint, word.upper())
    # Input methods for Japanese and Chinese produce full-width letters.
    wide = unicodedata.normalize("NFKC", word)
    meant = "OR" if "|" in wide else _MEANT.get(wide)
    if meant and word != meant:
        spelt = " OR ".join(wide.split("|")).strip() if "|" in wide else meant
        refuse(f"{word} is not an operator", f"write {meant}", spelt)
    if sign := _SIGN.match(word):
        reading = "is not an operator" if sign[0] in "+!" else "may be a minus or a dash"
        instead = "AND" if sign[0] == "+" else "AND NOT"
        bare = word[1:]
        refuse(
            f"{sign[0]} {reading}",
            f"write {instead} before the word, {quoted}",
            f"{instead} {bare}" if before.strip() else bare,
        )
