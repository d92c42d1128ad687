"""Compares two tellings of a story, sentence by sentence. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import islice

import regex

# The comparison is quadratic in the number of sentences, and in the length of each.
MOST_SENTENCES = 200
MOST_CHARACTERS = 50_000
LONGEST_SENTENCE = 500
# Two sentences that share a larger part of their words are one sentence, changed.
ALIKE = 0.5

_SENTENCE_BREAK = regex.compile(r"(?<=[.!?。！？…][\"'”’»)\]]{0,3})\s+|\n+|(?<=[。！？])")
_WORD = regex.compile(r"\w+|\W")
_LETTERS = regex.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class ChangedSentence:
    """A sentence as it is now and was before."""

    now: str
    before: str

    @property
    def spans(self) -> list[tuple[int, int]]:
        """Returns the ranges of `now` that are new; takes some milliseconds."""
        return list(_new_spans(self.before, self.now))


@dataclass(frozen=True, slots=True)
class TextDifference:
    """What a text has that another has not, in order; `kept` counts sentences that both have."""

    added: tuple[str, ...] = ()
    changed: tuple[ChangedSentence, ...] = ()
    removed: tuple[str, ...] = ()
    kept: int = 0


def text_difference(before: str, now: str) -> TextDifference:
    """Compares the first `MOST_SENTENCES` sentences; case, space and punctuation do not count."""
    old, new = list(_sentences(before)), list(_sentences(now))
    matcher = SequenceMatcher(
        None, [each.folded for each in old], [each.folded for each in new], autojunk=False
    )
    added: list[str] = []
    removed: list[str] = []
    changed: list[ChangedSentence] = []
    kept = 0
    for tag, old_from, old_to, new_from, new_to in matcher.get_opcodes():
        if tag == "equal":
            kept += new_to - new_from
            continue
        left = old[old_from:old_to]
        for sentence in new[new_from:new_to]:
            similar = _most_similar(sentence, left)
            if similar is None:
                added.append(sentence.text)
                continue
            left.remove(similar)
            changed.append(ChangedSentence(sentence.text, similar.text))
        removed += [each.text for each in left]
    return TextDifference(tuple(added), tuple(changed), tuple(removed), kept)


@dataclass(frozen=True, slots=True)
class _Sentence:
    text: str
    folded: str
    words: frozenset[str]


def _sentences(text: str) -> Iterator[_Sentence]:
    parts = (part.strip() for part in _SENTENCE_BREAK.split(text[:MOST_CHARACTERS]))
    for part in islice(filter(_LETTERS.search, parts), MOST_SENTENCES):
        words = _LETTERS.findall(part.casefold())
        yield _Sentence(part, " ".join(words), frozenset(words))


def _most_similar(sentence: _Sentence, others: Sequence[_Sentence]) -> _Sentence | None:
    """Returns the sentence that shares the largest part of its words, if that is enough."""
    best, share = None, ALIKE
    for other in others:
        common = len(sentence.words & other.words) / len(sentence.words | other.words)
        if common > share:
            best, share = other, common
    return best


def _new_spans(before: str, now: str) -> Iterator[tuple[int, int]]:
    """Yields the ranges of a sentence that an earlier version has not."""
    if len(before) > LONGEST_SENTENCE or len(now) > LONGEST_SENTENCE:
        yield 0, len(now)
        return
    old, new = _WORD.findall(before), _WORD.findall(now)
    starts = [0]
    for piece in new:
        starts.append(starts[-1] + len(piece))
    matcher = SequenceMatcher(None, old, new, autojunk=False)
    for tag, _, _, new_from, new_to in matcher.get_opcodes():
        if tag in {"replace", "insert"}:
            yield starts[new_from], starts[new_to]
