"""An article as queries ask about it: its fields as tokens, and where each phrase stands. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from functools import cached_property, lru_cache
from typing import Any
from urllib.parse import urlsplit

from monitor.model import Article
from monitor.watchlists.evaluate import Place
from monitor.watchlists.syntax import LEAD_WORDS, Fact, Phrase, Scope
from monitor.watchlists.text import Text, fold


class View:
    """One article, scanned for all that the automaton knows."""

    def __init__(self, article: Article, fields: tuple[str, ...], automaton: Any) -> None:
        self._article = article
        # Key → field → the places in the field's `joined` at which the key ends.
        self.keys: dict[str, dict[str, list[int]]] = {}
        self.texts: dict[str, Text] = {}
        # By identity: the queries live longer than this, and comparing phrases takes its time.
        self._places: dict[int, list[Place]] = {}
        raw = {
            "title": article.title,
            "body": article.text,
            "author": "\n".join(article.authors),
            "source": article.source,
            "url": article.url,
        }
        for field in fields:
            text = self.texts[field] = Text(raw[field])
            if len(automaton):
                for end, key in automaton.iter(text.joined):
                    self.keys.setdefault(key, {}).setdefault(field, []).append(end)

    @cached_property
    def facts(self) -> frozenset[Fact]:
        """All facts about the article that a query may ask for."""
        host = _host(self._article.url).split(".")
        found = {Fact("site", ".".join(host[at:])) for at in range(len(host))}
        found |= {Fact("tag", tag.casefold()) for tag in self._article.tags}
        if self._article.language:
            found.add(Fact("lang", primary_subtag(self._article.language)))
        return frozenset(found)

    def is_true(self, fact: Fact) -> bool:
        """Whether something is true of the article."""
        return fact in self.facts

    def segment(self, scope: Scope, field: str, word: int) -> int:
        """The number of the sentence or paragraph in which a word stands."""
        text = self.texts[field]
        return (text.sentences if scope == "sentence" else text.paragraphs)[word]

    def places(self, phrase: Phrase) -> list[Place]:
        """Where a phrase stands, in its own fields."""
        found = self._places.get(id(phrase))
        if found is None:
            found = self._places[id(phrase)] = [
                (name, first, last)
                for field in phrase.fields
                for name in ["body" if field == "lead" else field]
                for first, last in self._in_field(phrase, name)
                if field != "lead" or last < LEAD_WORDS
            ]
        return found

    def _in_field(self, phrase: Phrase, field: str) -> list[tuple[int, int]]:
        if phrase.loose is not None:
            return self._loosely(phrase, field)
        ends = self.keys.get(phrase.key, {}).get(field)
        if not ends:
            return []
        text = self.texts[field]
        count = len(phrase.words)
        if not phrase.has_wildcard:
            lasts = map(text.word_at, ends)
            found = [(last - count + 1, last) for last in lasts]
        else:
            found = self._by_pattern(phrase, text, ends)
        if phrase.mode == "folded":
            return found
        return [place for place in found if _is_spelt(phrase, text, place)]

    def _by_pattern(self, phrase: Phrase, text: Text, ends: list[int]) -> list[tuple[int, int]]:
        """Check the words around each place where the fixed part of a phrase stands."""
        patterns = [_pattern(word) for word in phrase.words]
        firsts = {text.word_at(end) - phrase.key_word for end in ends}
        return [
            (first, first + len(patterns) - 1)
            for first in sorted(firsts)
            if first >= 0
            and first + len(patterns) <= len(text.words)
            and all(
                pattern.fullmatch(word)
                for pattern, word in zip(
                    patterns, text.words[first : first + len(patterns)], strict=True
                )
            )
        ]

    def _loosely(self, phrase: Phrase, field: str) -> list[tuple[int, int]]:
        """The smallest stretches that hold all words of a phrase, with at most so many others."""
        places = sorted(
            (place, word)
            for word in set(phrase.words)
            for place, _ in self._in_field(Phrase("", (word,)), field)
        )
        most = len(phrase.words) + (phrase.loose or 0)
        missing, found, first = Counter(phrase.words), [], 0
        for last, (end, word) in enumerate(places):
            missing[word] -= 1
            while all(count <= 0 for count in missing.values()):
                start, left = places[first]
                if missing[left] == 0:
                    if end - start < most and not _has_smaller(
                        places[first + 1 : last + 1], phrase
                    ):
                        found.append((start, end))
                    missing[left] += 1
                    first += 1
                    break
                missing[left] += 1
                first += 1
        return found


def primary_subtag(language: str) -> str:
    """A language without its region: `en` for `en-GB` (RFC 5646) and for `en_US` (some feeds)."""
    return language.strip().replace("_", "-").partition("-")[0].casefold()


def _host(url: str) -> str:
    """The host of an address, in lower case; empty where the address cannot be read."""
    try:
        return (urlsplit(url).hostname or "").rstrip(".")
    except ValueError:
        return ""


def _has_smaller(places: list[tuple[int, str]], phrase: Phrase) -> bool:
    """Whether a stretch without its first word would do."""
    return not Counter(phrase.words) - Counter(word for _, word in places)


def keys_of(phrase: Phrase) -> list[str]:
    """What the automaton looks for on behalf of a phrase."""
    if phrase.loose is not None:
        return [Phrase("", (word,)).key for word in phrase.words]
    return [phrase.key]


@lru_cache(maxsize=100_000)
def _pattern(word: str) -> re.Pattern[str]:
    """A word with wildcards as a regular expression."""
    return re.compile(re.escape(word).replace(r"\*", r"\w*").replace(r"\?", r"\w"))


def _is_spelt(phrase: Phrase, text: Text, place: tuple[int, int]) -> bool:
    """Whether the original spells a phrase just so: in its capitals, or in every respect."""
    first, last = place
    if phrase.mode == "exact":
        there = text.raw[text.span(first)[0] : text.span(last)[1]]
        return _normal(" ".join(there.split())) == _normal(phrase.raw)
    said = (text.raw[slice(*text.span(number))] for number in range(first, last + 1))
    wanted = Text(phrase.raw)
    return [fold(word, case=False) for word in said] == [
        fold(wanted.raw[slice(*span)], case=False) for span in wanted.spans
    ]


def _normal(text: str) -> str:
    return unicodedata.normalize("NFC", text)
