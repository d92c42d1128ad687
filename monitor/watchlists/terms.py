"""The terms of a query: words, phrases, wildcards, and facts about the article. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import NoReturn

import regex

from monitor.errors import QueryError
from monitor.watchlists.lexer import Lexeme
from monitor.watchlists.signs import other_spelling, signs_of
from monitor.watchlists.syntax import (
    MODES,
    PARTICLE,
    WILDCARDS,
    Fact,
    Mode,
    Node,
    Phrase,
    Signs,
    children,
    with_children,
)
from monitor.watchlists.text import UNSPACED_SCRIPTS, fold, with_joined_digits, words_of

MIN_LETTERS = 3

_PATTERN = regex.compile(r"[\p{L}\p{M}\p{N}*?]*[*?][\p{L}\p{M}\p{N}*?]*|[^\s*?]+")
_WILDCARD = regex.compile(r"[*?]")
_FIXED = regex.compile(r"[^*?]+")
_IN_UNSPACED_SCRIPT = regex.compile(f"[{UNSPACED_SCRIPTS}]")
# Korean writes particles (josa) right after a noun: 북한은, 북한에서도. A syllable is enough of a
# word for two letters of other scripts.
_KOREAN = regex.compile(r"[\uac00-\ud7a3]{2,}")
_MIN_SYLLABLES = 2
_LANGUAGE_CODE = regex.compile(r"[A-Za-z]{2,3}")


def phrase(
    query: str, start: int, end: int, inside: str, text: str = "", loose: int | None = None
) -> Phrase:
    """Builds the phrase at `start` of a query; `inside` holds its words, without quotes."""
    pieces = with_joined_digits(inside).split()
    words, signs = _read(query, start, end, pieces)
    if not words:
        _fail(query, start, end, "contains no word", "write at least one letter or digit")
    if signs and loose is not None:
        hint = 'leave ~n out, or write "C++" NEAR/3 developer'
        _fail(query, start, end, "~n takes no signs such as those of C++ and AT&T", hint)
    raw = " ".join(inside.split())
    others = list(map(other_spelling, pieces))
    otherwise = None
    if others != pieces and loose is None:
        other_words, other_signs = _read(query, start, end, others, dashes=True)
        otherwise = Phrase("", other_words, signs=other_signs)
    return Phrase(text or inside, words, raw, loose=loose, signs=signs, otherwise=otherwise)


def _read(
    query: str, start: int, end: int, pieces: Iterable[str], *, dashes: bool = False
) -> tuple[tuple[str, ...], tuple[Signs, ...]]:
    """Reads parts of a phrase without white space; with `dashes`, theirs belong to the names."""
    words: list[str] = []
    signs: list[Signs] = []
    for piece in pieces:
        if "*" in piece or "?" in piece:
            words += _patterns(query, start, end, piece)
        else:
            signs += signs_of(piece, len(words), dashes=dashes)
            words += map(_with_particle, words_of(piece))
    return tuple(words), tuple(signs)


def _patterns(query: str, start: int, end: int, piece: str) -> Iterator[str]:
    """Yields the words of a part of a query that has wildcards, without white space."""
    for match in _PATTERN.finditer(piece):
        if "*" in match[0] or "?" in match[0]:
            yield _wildcard(query, start, end, match[0])
        else:
            yield from words_of(match[0])


def _wildcard(query: str, start: int, end: int, word: str) -> str:
    """Folds the fixed parts of a word with wildcards."""
    if _IN_UNSPACED_SCRIPT.search(word):
        _fail(
            query,
            start,
            end,
            f"{word} needs no wildcard",
            "leave it out: in this script, terms match inside longer words, too",
            instead=query[:start] + _WILDCARD.sub("", query[start:end]) + query[end:],
        )
    fixed = "".join(_FIXED.findall(word))
    if len(fixed) < (_MIN_SYLLABLES if _KOREAN.fullmatch(fixed) else MIN_LETTERS):
        _fail(
            query,
            start,
            end,
            f"{word} matches too many words",
            f"write at least {MIN_LETTERS} letters, or leave the wildcard out",
            instead=query[:start] + _WILDCARD.sub("", query[start:end]) + query[end:],
        )
    folded: str = _FIXED.sub(lambda part: fold(part[0]), word)
    while "**" in folded:
        folded = folded.replace("**", "*")
    return folded


def _with_particle(word: str) -> str:
    """Lets a Korean noun be followed by a particle."""
    return word + PARTICLE if _KOREAN.fullmatch(word) else word


def fact(query: str, kind: str, asked: Lexeme) -> Fact:
    """Builds the fact that `site:`, `lang:` or `tag:` asks for."""
    value = asked.inside.strip()
    if kind == "lang" and not _LANGUAGE_CODE.fullmatch(value):
        _fail(
            query,
            asked.start,
            asked.end,
            f"{value} is not a language code",
            "write for example lang:en",
        )
    if "*" in value or "?" in value:
        also = "; subdomains are included" if kind == "site" else ""
        _fail(query, asked.start, asked.end, f"{kind}: takes no wildcard", f"write it out{also}")
    if kind == "site":
        value = (
            value.removeprefix("https://").removeprefix("http://").rstrip("/").removeprefix("www.")
        )
        if "/" in value or "." not in value:
            hint = "write the site alone, such as site:bbc.co.uk; for parts of an address use url:"
            _fail(query, asked.start, asked.end, f"{value} is not a site", hint)
    if regex.search(r"[\s()]", value):
        _fail(query, asked.start, asked.end, f"{kind}: takes one word", f"write {kind}:word")
    return Fact(kind, value.casefold())


def restricted(query: str, node: Node, name: str, start: int, end: int) -> Node:
    """Restricts all terms of a part to a field or a way of comparing, by the name of its prefix.

    The prefix and the part are the characters of the query from `start` to `end`.
    """
    written = query[start:end]
    match node:
        case Phrase() if name in {*MODES, "cs"}:
            mode: Mode = "exact" if name == "exact" else "case"
            words = tuple(word.removesuffix(PARTICLE) for word in node.words)
            if any(map(WILDCARDS.search, words)) or node.loose is not None:
                _fail(query, start, end, f"{mode}: takes no wildcards and no ~n", "leave them out")
            text = node.text if "(" in written else written
            return replace(node, words=words, mode=mode, text=text, otherwise=None)
        case Phrase(fields=fields):
            if fields not in {("title", "body"), (name,)}:
                _fail(
                    query,
                    start,
                    end,
                    f"this can never match: {fields[0]}: inside {name}:",
                    f"keep {fields[0]}: or {name}:",
                )
            text = f"{name}:{node.text}" if "(" in written else written
            return replace(node, fields=(name,), text=text)
        case Fact(kind):
            message = f"{kind}: has no meaning inside {name}:"
            _fail(query, start, end, message, f"move it out of {name}:")
    parts = tuple(restricted(query, part, name, start, end) for part in children(node))
    return with_children(node, parts)


def _fail(
    query: str, start: int, end: int, message: str, hint: str, instead: str | None = None
) -> NoReturn:
    raise QueryError(
        message, query=query, column=start + 1, length=max(1, end - start), hint=hint,
        instead=(instead,) if instead is not None else (),
    )  # fmt: skip
