"""The parts of a query, and how they are spelt. Pure.

Positional parts are those that have occurrences, rather than only being true or false: terms,
groups of them joined by OR, and terms that count only outside others.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, NamedTuple

Mode = Literal["folded", "case", "exact"]
Scope = Literal["sentence", "paragraph"]

TEXT_FIELDS = ("title", "body")
# The lead is the first words of the body.
FIELDS = (*TEXT_FIELDS, "author", "source", "url", "lead")
FACTS = ("site", "lang", "tag")
MODES = ("case", "exact")
LEAD_WORDS = 100

# Signs that join two words to one name, without white space: AT&T, F-16.
JOINING_SIGNS = "&@$-"

# In a phrase's word: a Korean particle may follow. A character that no text has.
PARTICLE = "\ue000"
WILDCARDS = re.compile(rf"[*?{PARTICLE}]")


class Signs(NamedTuple):
    """The signs that the original text must have right before and after a phrase's nth word."""

    number: int
    before: str
    after: str


@dataclass(frozen=True, slots=True, eq=False)
class Phrase:
    """Words side by side or, with `loose`, in any order with at most `loose` others between.

    `text` is the phrase as the query spells it, `raw` the same without quotes and prefix. `words`
    are folded and may hold the wildcards `*` (any letters) and `?` (one letter), and `PARTICLE`.
    `signs` are those that belong to a name, as in C++. `otherwise` is another spelling that counts
    as well, such as F16 for F-16; it is looked for in the same fields.
    """

    text: str
    words: tuple[str, ...]
    raw: str = ""
    fields: tuple[str, ...] = TEXT_FIELDS
    mode: Mode = "folded"
    loose: int | None = None
    signs: tuple[Signs, ...] = ()
    otherwise: Phrase | None = None
    # A string that must be in a text's joined words for the phrase to occur there, and the number
    # of the phrase's word that it ends in. Needed for every article, hence computed once.
    key: str = field(init=False)
    key_word: int = field(init=False)

    def __post_init__(self) -> None:
        words = (max(self.words, key=len),) if self.loose is not None else self.words
        key, key_word = _anchor(joined(words))
        object.__setattr__(self, "key", key)
        object.__setattr__(self, "key_word", key_word)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Phrase) and self._identity() == other._identity()

    def __hash__(self) -> int:
        return hash(self.key)

    def _identity(self) -> tuple[object, ...]:
        what = (self.text, self.words, self.raw, self.signs, self.otherwise)
        return (*what, self.fields, self.mode, self.loose)

    @property
    def needs_original(self) -> bool:
        """Returns whether folded words do not decide: capitals, spelling or signs count."""
        other = self.otherwise
        is_spelt = self.mode != "folded" or bool(self.signs)
        return is_spelt or (other is not None and other.needs_original)

    @property
    def has_wildcard(self) -> bool:
        """Returns whether any word is a pattern."""
        return any(map(WILDCARDS.search, self.words))


@dataclass(frozen=True, slots=True)
class Fact:
    """A fact about the whole article: its site, its language, or a tag of its feed."""

    kind: str
    value: str


@dataclass(frozen=True, slots=True)
class And:
    """All parts match."""

    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Or:
    """At least one part matches."""

    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """The part does not match; occurs only inside And, beside a part that is not negated."""

    part: Node


@dataclass(frozen=True, slots=True)
class Near:
    """Two positional parts with at most `words` words between; if `ordered`, left comes first."""

    left: Node
    right: Node
    words: int
    ordered: bool


@dataclass(frozen=True, slots=True)
class Same:
    """Positional parts that all occur in one sentence, or in one paragraph."""

    scope: Scope
    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class AtLeast:
    """A positional part that occurs at least `count` times."""

    count: int
    part: Node


@dataclass(frozen=True, slots=True)
class Outside:
    """A positional part that counts only where it does not lie within another."""

    part: Node
    within: Node


Node = Phrase | Fact | And | Or | Not | Near | Same | AtLeast | Outside


def joined(words: Iterable[str]) -> str:
    """Puts a space on either side of each word, so that only whole words match."""
    return f" {' '.join(words)} "


def _anchor(words: str) -> tuple[str, int]:
    """Returns the longest stretch without wildcards, and the number of the word that it ends in."""
    if not WILDCARDS.search(words):
        return words, words.count(" ") - 2
    best, number, start = "", 0, 0
    for end in [*(wildcard.start() for wildcard in WILDCARDS.finditer(words)), len(words)]:
        if len(words[start:end].strip()) > len(best.strip()):
            best, number = words[start:end], words[:end].rstrip().count(" ") - 1
        start = end + 1
    return best, number


def is_positional(node: Node) -> bool:
    """Returns whether a part has occurrences."""
    match node:
        case Phrase() | Outside():
            return True
        case Or(parts):
            return all(map(is_positional, parts))
    return False


def children(node: Node) -> tuple[Node, ...]:
    """Returns the direct parts of a part."""
    match node:
        case And(parts) | Or(parts) | Same(_, parts):
            return parts
        case Not(part) | AtLeast(_, part):
            return (part,)
        case Near(left, right):
            return (left, right)
        case Outside(part, within):
            return (part, within)
    return ()


def with_children(node: Node, parts: tuple[Node, ...]) -> Node:
    """Returns a copy of a part with other direct parts."""
    match node:
        case And() | Or() | Same():
            return replace(node, parts=parts)
        case Not() | AtLeast():
            return replace(node, part=parts[0])
        case Near():
            return replace(node, left=parts[0], right=parts[1])
        case Outside():
            return replace(node, part=parts[0], within=parts[1])
    return node


def phrases(node: Node) -> Iterator[Phrase]:
    """Yields all phrases of a query, in order."""
    if isinstance(node, Phrase):
        yield node
    for child in children(node):
        yield from phrases(child)


def fields_of(node: Node) -> frozenset[str]:
    """Returns the fields in which a positional part may occur; the lead is part of the body."""
    fields: set[str] = set()
    for phrase in phrases(node):
        fields.update("body" if field == "lead" else field for field in phrase.fields)
    return frozenset(fields)


def spell(node: Node, *, inner: bool = False) -> str:
    """Spells a query with all parentheses and folded words; the result can be parsed."""
    match node:
        case Phrase():
            return _spell_phrase(node)
        case Fact(kind, value):
            return f"{kind}:{value}"
        case Not(part):
            return f"NOT {spell(part, inner=True)}"
        case AtLeast(count, part):
            return f"ATLEAST/{count}({spell(part)})"
        case Near(words=words, ordered=ordered):
            operator = f"{'O' if ordered else ''}NEAR/{words}"
        case Same(scope):
            operator = {"sentence": "SAMESENTENCE", "paragraph": "SAMEPARA"}[scope]
        case Outside():
            operator = "OUTSIDE"
        case And():
            operator = "AND"
        case Or():
            operator = "OR"
    spelt = f" {operator} ".join(spell(part, inner=True) for part in children(node))
    return f"({spelt})" if inner else spelt


def _spell_phrase(phrase: Phrase) -> str:
    words = _with_signs(phrase) if phrase.mode == "folded" else phrase.raw
    mode = "" if phrase.mode == "folded" else f"{phrase.mode}:"
    loose = "" if phrase.loose is None else f"~{phrase.loose}"
    field = "" if phrase.fields == TEXT_FIELDS else f"{phrase.fields[0]}:"
    return f'{field}{mode}"{words}"{loose}'


def _with_signs(phrase: Phrase) -> str:
    """Spells the words of a phrase with the signs that belong to them."""
    signs = {each.number: each for each in phrase.signs}
    spelt = ""
    for number, word in enumerate(phrase.words):
        _, before, after = signs.get(number, (number, "", ""))
        is_joined = not spelt or spelt[-1] in JOINING_SIGNS
        spelt += f"{'' if is_joined else ' '}{before}{word.removesuffix(PARTICLE)}{after}"
    return spelt


def contradict(parts: Sequence[Node]) -> bool:
    """Returns whether one of these parts of an AND can match only by what others exclude.

    Parts are compared by meaning, not by spelling.
    """
    excluded = {
        spell(alternative)
        for part in parts
        if isinstance(part, Not)
        for alternative in _alternatives(part.part)
    }
    return bool(excluded) and any(
        all(spell(alternative) in excluded for alternative in _alternatives(part))
        for part in parts
        if not isinstance(part, Not)
    )


def _alternatives(node: Node) -> tuple[Node, ...]:
    return node.parts if isinstance(node, Or) else (node,)
