"""Rewrites queries of other services in our syntax. Pure.

The services differ in which operator binds tightest: in Lexis OR does, before nearness and AND
(LexisNexis, "Connectors"), and in Google OR before AND; in the others nearness does, then AND,
then OR. Words side by side are a phrase in Lexis, joined by OR in Lucene, and by AND elsewhere. The
output is fully parenthesised, so that nobody needs to know.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NoReturn

import regex

from monitor.errors import QueryError
from monitor.watchlists.dialects import Dialect
from monitor.watchlists.lexer import QUOTES
from monitor.watchlists.query import parse

_FOREIGN_LEXEME = regex.compile(
    rf"""
      \s+
    | (?P<quoted>[{QUOTES}][^{QUOTES}]*[{QUOTES}](?:~\d+)?)
    | (?P<open>\() | (?P<close>\))
    | <<<.*?>>>
    | (?P<near>(?:not\s+)?(?:(?:w|near|onear|pre|n)/?\d+f?|/\d+|w/s|w/p|w/sent|w/para|/s|/p
      |w/seg|sentence|around\(\d+\)|o?near))(?=[\s()]|$)
    | (?P<boolean>and\s+not|andnot|and|or|not|&&|\|\|?)(?=[\s({QUOTES}]|$)
    | (?P<atleast>atleast/?\d+)(?=\s*\()
    | (?P<prefix>[a-z_]+:(?=[^\s)])|[a-z]+(?=\())
    | (?P<minus>(?<![^\s(])[-!](?=[^\s-]))
    | (?P<plus>(?<![^\s(])\+(?=[^\s+]))
    | (?P<braced>\{{[^{{}}]+\}})
    | (?P<word>[^\s(){QUOTES}]+)
    """,
    regex.VERBOSE | regex.IGNORECASE,
)
_FIELDS = {
    "title": "title", "headline": "title", "hl": "title", "body": "body", "ingress": "lead",
    "lead": "lead", "hlead": "lead", "author": "author", "byline": "author", "source": "source",
    "publication": "source", "sourcename": "source", "url": "url", "site": "site", "domain": "site",
    "language": "lang", "lang": "lang", "tag": "tag", "allcaps": "case", "case": "case",
    "cs": "case", "intitle": "title", "inurl": "url", "content": "body", "raw": "exact",
}  # fmt: skip
_WEIGHED = regex.compile(r"(?P<word>[^~^]+)[~^][\d.]*")
_SEGMENTS = {
    "sentence": "SAMESENTENCE",
    "s": "SAMESENTENCE",
    "sent": "SAMESENTENCE",
    "p": "SAMEPARA",
    "para": "SAMEPARA",
}
_STRENGTH = {"OR": 1, "AND": 2, "AND NOT": 2, "near": 3}
_STRENGTHS: dict[Dialect, dict[str, int]] = {
    "lexis": {"AND NOT": 1, "AND": 2, "near": 3, "OR": 4},
    "google": {"AND": 1, "AND NOT": 1, "OR": 2, "near": 3},
}
_SIDE_BY_SIDE = "words side by side were joined with {}; put phrases in quotes"
# Where a service's nearness has no number. None of them documents the one that it uses.
_USUAL_DISTANCE = 5


@dataclass(frozen=True, slots=True)
class Converted:
    """A query in our syntax; `warnings` say where its meaning may have changed."""

    query: str
    warnings: tuple[str, ...]


def convert(query: str, dialect: Dialect) -> Converted:
    """Rewrites a query; raises QueryError if it cannot be read, or has no equivalent in ours."""
    converter = _Converter(query, dialect)
    converted = converter.convert()
    try:
        parse(converted)
    except QueryError as error:
        converter.fail(f"{error.message} (converted to: {converted})", error.hint)
    return Converted(converted, tuple(dict.fromkeys(converter.warnings)))


@dataclass(slots=True)
class _Converter:
    query: str
    dialect: Dialect
    warnings: list[str] = field(default_factory=list)
    lexemes: list[tuple[str, str]] = field(default_factory=list)
    at: int = 0

    def convert(self) -> str:
        self.lexemes = list(self._lex())
        if not self.lexemes:
            self.fail("the query is empty")
        converted = self._expression(0)
        if not converted:
            self.fail("nothing is left of the query without what has no equivalent here")
        if self.at < len(self.lexemes):
            self.fail("a parenthesis was never opened")
        # Every group has parentheses; the whole query needs none.
        return converted[1:-1] if converted.startswith("(") else converted

    def fail(self, message: str, hint: str = "") -> NoReturn:
        raise QueryError(
            message, query=self.query, column=1, length=max(1, len(self.query)), hint=hint
        )

    def _lex(self) -> Iterator[tuple[str, str]]:
        at = 0
        for match in _FOREIGN_LEXEME.finditer(self.query):
            if match.start() != at:
                break
            at = match.end()
            if match.lastgroup:
                yield str(match.lastgroup), match[0]
        if at < len(self.query):
            self.fail("a quotation mark is never closed")

    def _peek(self) -> tuple[str, str]:
        return self.lexemes[self.at] if self.at < len(self.lexemes) else ("end", "")

    def _expression(self, weakest: int) -> str:
        """Parses by precedence climbing: operators at least as strong as `weakest`."""
        strength = _STRENGTHS.get(self.dialect, _STRENGTH)
        left, joined = self._operand(), ""
        while True:
            operator, skip = self._operator()
            kind = operator if operator in strength else "near"
            if not operator or strength[kind] < weakest:
                return left
            self.at += skip
            right = self._expression(strength[kind] + 1)
            if not (left and right):
                # What has no equivalent was left out.
                left, joined = (left or right) if operator != "AND NOT" else left, ""
                continue
            if operator.startswith("NOT "):
                left, operator = self._far(left, operator.removeprefix("NOT "), right), "AND NOT"
                joined = ""
                continue
            chain = joined == operator and kind != "near"
            left = f"{left[1:-1] if chain else left} {operator} {right}"
            left, joined = f"({left})", operator

    def _operator(self) -> tuple[str, int]:
        """Returns the next operator in our spelling, and how many lexemes it takes."""
        kind, text = self._peek()
        if kind == "boolean":
            name = " ".join(text.upper().split())
            ours = {"NOT": "AND NOT", "ANDNOT": "AND NOT", "&&": "AND", "|": "OR", "||": "OR"}
            return ours.get(name, name), 1
        if kind == "minus":
            return "AND NOT", 1
        if kind == "plus":
            return "AND", 1
        if kind == "near":
            return self._nearness(text.lower()), 1
        if kind in {"end", "close"}:
            return "", 0
        joint = "OR" if self.dialect == "lucene" else "AND"
        self.warnings.append(_SIDE_BY_SIDE.format(joint))
        return joint, 0

    def _nearness(self, text: str) -> str:
        far, text = ("NOT ", text[3:].lstrip()) if text.startswith("not") else ("", text)
        segment = _SEGMENTS.get(text.rpartition("/")[2])
        if segment:
            return far + segment
        is_ordered = text.startswith(("onear", "pre")) or text.endswith("f")
        number = regex.search(r"\d+", text)
        if number is None and not text.endswith("near"):
            self.fail(f"{text} has no equivalent here")
        if number is None:
            self.warnings.append(f"{text} without a number was read with {_USUAL_DISTANCE}")
        distance = number[0] if number else _USUAL_DISTANCE
        return f"{far}{'ONEAR' if is_ordered else 'NEAR'}/{distance}"

    def _far(self, left: str, operator: str, right: str) -> str:
        """Writes `a not w/5 b`, for which we have no operator of our own."""
        self.warnings.append(
            f"not {operator} counted each place; here one place where the two are near is enough "
            "to reject an article"
        )
        return f"({left} AND NOT ({left} {operator} {right}))"

    def _operand(self) -> str:
        kind, text = self._peek()
        self.at += 1
        match kind:
            case "open":
                operand = self._group()
            case "atleast":
                self.at += 1
                count = text.lower().removeprefix("atleast").removeprefix("/")
                operand = f"ATLEAST/{count}{self._group()}"
            case "prefix":
                operand = self._prefixed(text.removesuffix(":").lower())
            case "quoted":
                operand = text
            case "braced":
                operand = f'case:"{text[1:-1]}"'
            case "plus":
                # Before the first term, it says what a term says anyway.
                operand = self._operand()
            case "word":
                operand = self._words(text)
            case _:
                self.fail(f"a word is missing before {text or 'the end'}")
        return operand

    def _group(self) -> str:
        inner = self._expression(0)
        if self._peek()[0] != "close":
            self.fail("a parenthesis is never closed")
        self.at += 1
        return inner if inner.startswith("(") or not inner else f"({inner})"

    def _prefixed(self, name: str) -> str:
        inner = self._operand()
        ours = _FIELDS.get(name)
        if ours is None:
            self.warnings.append(f"{name}:{inner} has no equivalent here and was left out")
            return ""
        if not inner:
            return ""
        if name == "allcaps":
            inner = inner.upper()
        if name == "hlead":
            self.warnings.append("hlead: covered headline and lead; here it covers the lead alone")
        bare = inner[1:-1] if regex.fullmatch(r"\([^()\s]+\)", inner) else inner
        return f"{ours}:{bare}"

    def _words(self, text: str) -> str:
        """Reads a word; in Lexis, all words up to the next operator are one phrase."""
        words = [text]
        while self.dialect == "lexis" and self._peek()[0] == "word":
            words.append(self._peek()[1])
            self.at += 1
        if self.dialect == "lexis":
            words = [word.replace("*", "?").replace("!", "*") for word in words]
        if self.dialect == "cision" and words[0].endswith("/c"):
            return f'case:"{words[0].removesuffix("/c")}"'
        if self.dialect == "lucene" and (weighed := _WEIGHED.fullmatch(words[0])):
            self.warnings.append(f"{words[0]}: weights and similar words have no equivalent here")
            words = [weighed["word"]]
        return words[0] if len(words) == 1 else f'"{" ".join(words)}"'
