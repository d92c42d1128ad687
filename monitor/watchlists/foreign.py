"""Refuses words that mean something to other programs, and would be plain words here. Pure.

Authors bring queries from Meltwater, Cision, Factiva, Lexis, ProQuest, Talkwalker, Brandwatch,
Google and Lucene. What is an operator there must not be read as a word without a word. Sources:
the vendors' guides to their query languages, and Lucene's "query parser syntax".
"""

from __future__ import annotations

import unicodedata
from difflib import get_close_matches
from typing import NoReturn

import regex

from monitor.errors import QueryError
from monitor.watchlists.syntax import FACTS, FIELDS, MODES

_FIELD = regex.compile(r"(_?\p{L}{3,}(?:_\p{L}*)*)[:=](?=\S)")
_BARE_NEAR = regex.compile(r"(?:O?NEAR|ATLEAST)(?:/\D*)?")
_BARE_PREFIX = regex.compile(rf"(?:{'|'.join((*FIELDS, *FACTS, *MODES))}):", regex.IGNORECASE)

_MEANT = {
    "&&": "AND", "&": "AND", "+": "AND", "ANDNOT": "AND NOT", "XOR": "OR", ";": "OR",
    "AND": "AND", "OR": "OR", "NOT": "NOT", "and/or": "OR", "AND/OR": "OR",
    "SENTENCE": "SAMESENTENCE", "w/s": "SAMESENTENCE", "/s": "SAMESENTENCE",
    "w/sent": "SAMESENTENCE", "w/sentence": "SAMESENTENCE", "+s": "SAMESENTENCE",
    "PARAGRAPH": "SAMEPARA", "SAME": "SAMEPARA", "w/p": "SAMEPARA", "/p": "SAMEPARA",
    "w/para": "SAMEPARA", "w/paragraph": "SAMEPARA", "w/seg": "AND", "+p": "SAMEPARA",
    "ADJ": "ONEAR/0", "EXCEPT": "AND NOT", "MINUS": "AND NOT",
}  # fmt: skip
# The distance is a number of words between in some programs, and of places in others.
_DISTANCE = regex.compile(
    r"(?:(?P<onear>(?:ONEAR|PRE|ADJ|BEFORE|P)/?)"
    r"|(?P<near>(?:NEAR|WITHIN|W|N|AND|AROUND)?/|NEAR:?|WITHIN|AROUND|\+)"
    r"|(?P<atleast>ATLEAST/?))(?P<n>\d+)\D*"
    r"|(?P<sentence>SAMESENTENCE)|(?P<paragraph>SAMEPARA)",
    regex.IGNORECASE,
)
# How we write each of them, and an example.
_SPELT = {
    "near": ("NEAR/", "a NEAR/5 b"),
    "onear": ("ONEAR/", "a ONEAR/5 b"),
    "atleast": ("ATLEAST/", "ATLEAST/3(sanctions)"),
    "sentence": ("SAMESENTENCE", "a SAMESENTENCE b"),
    "paragraph": ("SAMEPARA", "a SAMEPARA b"),
}
# Letters and a number may also be a name, such as N3 or W12: they are words, with a warning.
_MAY_BE_A_NAME = regex.compile(r"[NWP]\d+", regex.IGNORECASE)
# Before a parenthesis: functions of Lexis, Factiva, Google and others.
_FUNCTIONS = {
    "headline": "title:", "hlead": "lead:", "title": "title:", "intitle": "title:",
    "hd": "title:", "ti": "title:", "lead": "lead:", "lp": "lead:", "body": "body:",
    "byline": "author:", "by": "author:", "author": "author:", "source": "source:",
    "publication": "source:", "caps": "case:", "allcaps": "case:",
}  # fmt: skip
# Editors turn the minus of "NATO -football" into a dash, with the opposite meaning.
_SIGN = regex.compile(r"[+!~=\u2010-\u2015\u2212](?=\p{L})")
_AFTER = regex.compile(r"(?P<word>.*[^~^])(?P<sign>~|\^)(?:\d+(?:\.\d+)?)?")
_BRACED = regex.compile(r"\{(?P<word>.+)\}")
_PATTERN = regex.compile(r"/.{2,}/[a-z]*")
_RANGE = regex.compile(r"[\[{].*")


# Words that join two terms in other programs, and are common words as well.
_DOUBTFUL = {"and": "AND", "or": "OR", "not": "NOT", "near": "NEAR/5"}
_DOUBTFUL_IN_CAPITALS = {
    "BEFORE": "ONEAR/5", "AFTER": "NEAR/5", "FOLLOWED": "ONEAR/5", "WITHIN": "NEAR/5",
    "BUT": "AND NOT",
}  # fmt: skip
_ENDINGS = regex.compile(r"(?P<stem>\p{L}{3,})!")


class _Word:
    """A word of a query where it stands, and the ways to refuse it."""

    def __init__(self, query: str, text: str, at: int) -> None:
        self.text = text
        self.before, self.after = query[:at], query[at + len(text) :]
        # Input methods for Japanese and Chinese produce full-width letters.
        self.wide = unicodedata.normalize("NFKC", text)
        self.quoted = f'or put it in quotes: "{text}"'
        self._query = query
        self._at = at

    @property
    def is_between(self) -> bool:
        """Returns whether something stands on either side, as beside an operator."""
        return bool(self.before.strip() and self.after.strip())

    def refuse(self, message: str, hint: str, *instead: str, length: int | None = None) -> NoReturn:
        """Refuses the word; each of `instead` may be meant in its place."""
        raise QueryError(
            message, query=self._query, column=self._at + 1,
            length=len(self.text) if length is None else length, hint=hint,
            instead=tuple(
                self.before + each + self.after for each in (*instead, f'"{self.text}"')
            ),
        )  # fmt: skip


def check_word(query: str, text: str, at: int) -> None:
    """Refuses a word that looks like an operator or a field but would be read as a word."""
    word = _Word(query, text, at)
    _check_field(word)
    _check_function(word)
    _check_distance(word)
    _check_operator(word)
    _check_signs(word)


def _check_field(word: _Word) -> None:
    text = word.text
    named = _FIELD.match(text)
    if named and not text.startswith(("http:", "https:")):
        name, rest = named[1], text[len(named[1]) + 1 :]
        known = get_close_matches(name.lower(), (*FIELDS, *FACTS), n=1)
        meant = [f"{field}:{rest}" for field in known]
        if named[0].endswith("="):
            if name.lower() in {*FIELDS, *FACTS, *MODES}:
                hint = f"write {name.lower()}:{rest}, {word.quoted}"
                word.refuse("= is not an operator", hint, *meant)
            return
        hint = f"the fields are {', '.join((*FIELDS, *FACTS))}; {word.quoted}"
        word.refuse(f"there is no field {name}", hint, *meant, length=len(name) + 1)
    if _BARE_PREFIX.fullmatch(text):
        hint = f"write {text.lower()}summit without a space, {word.quoted}"
        word.after = word.after.lstrip()
        word.refuse(f"{text} needs a term right after it", hint, text.lower())


def _check_function(word: _Word) -> None:
    """Refuses `headline(…)` and the like."""
    if word.after.startswith("(") and (field := _FUNCTIONS.get(word.text.lower())):
        word.refuse(f"{word.text}( is not an operator", f"write {field}(…)", field)


def _check_distance(word: _Word) -> None:
    text = word.wide
    if _BARE_NEAR.fullmatch(text):
        operator = text.partition("/")[0]
        hint = f'write {operator}/5, or put the word in quotes: "{operator}"'
        word.refuse(f"{operator} needs a number", hint, f"{operator}/5")
    if _MAY_BE_A_NAME.fullmatch(text):
        return
    if found := _DISTANCE.fullmatch(text):
        operator, example = next(_SPELT[kind] for kind in _SPELT if found[kind])
        hint = f"write for example {example}, {word.quoted}"
        meant = operator + (found["n"] or "")
        word.refuse(f"{word.text} looks like a misspelt operator", hint, meant)


def _check_operator(word: _Word) -> None:
    text = word.wide
    if "|" in text:
        spelt = " OR ".join(part for part in text.split("|") if part) if text.strip("|") else "OR"
        word.refuse(f"{word.text} is not an operator", "write OR", spelt)
    meant = _MEANT.get(text)
    if meant and word.text != meant and (word.is_between or text in {"&&", "ANDNOT"}):
        word.refuse(f"{word.text} is not an operator", f"write {meant}, {word.quoted}", meant)


def _check_signs(word: _Word) -> None:
    text = word.text
    if sign := _SIGN.match(text):
        reading = "is not an operator" if sign[0] in "+!~=" else "may be a minus or a dash"
        bare = text[1:]
        if sign[0] in "~=":
            word.refuse(f"{sign[0]} before a word {reading}", f"leave it out, {word.quoted}", bare)
        joint = "AND" if sign[0] == "+" else "AND NOT"
        hint = f"write {joint} before the word, {word.quoted}"
        is_first = not word.before.strip()
        meant = [] if is_first and sign[0] == "!" else [bare if is_first else f"{joint} {bare}"]
        word.refuse(f"{sign[0]} {reading}", hint, *meant)
    if after := _AFTER.fullmatch(text):
        what = (
            "similar words are not looked for" if after["sign"] == "~" else "no term has a weight"
        )
        hint = f"leave {after['sign']} out, {word.quoted}"
        word.refuse(f"{text} has no meaning here: {what}", hint, after["word"])
    if braced := _BRACED.fullmatch(text):
        hint = f'write case:"{braced["word"]}" if capitals count, {word.quoted}'
        word.refuse("{} is not an operator", hint, f'case:"{braced["word"]}"')
    if _RANGE.fullmatch(text) and regex.search(r"\bTO\b", word.after):
        word.refuse("there are no ranges", "leave the range out; see --since for dates")
    if _PATTERN.fullmatch(text):
        word.refuse(
            "regular expressions are not understood",
            f"write a word with * or ?, such as wom?n or sanction*, {word.quoted}",
        )


def doubt_about(word: str, *, is_first: bool, is_last: bool) -> str:
    """Returns what a word of a phrase might have been meant as, or an empty text."""
    if not (is_first or is_last):
        meant = _DOUBTFUL.get(word.lower()) or _DOUBTFUL_IN_CAPITALS.get(word)
        if _MAY_BE_A_NAME.fullmatch(word):
            meant = f"NEAR/{word[1:]}"
        if meant:
            return f"{word} is read as a word of the phrase; write {meant} to join two terms"
        if word == "-":
            return "- between spaces is read as a dash; write AND NOT to exclude what follows"
    if not is_last and word.endswith((",", ";")):
        return f"{word[-1]} joins nothing, and is left out of the phrase; write OR between terms"
    if endings := _ENDINGS.fullmatch(word):
        return f"! is left out; write {endings['stem']}* for all endings of the word"
    return ""
