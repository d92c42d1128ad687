"""An article as queries see it: its fields as tokens, and where each phrase occurs. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from functools import cached_property, lru_cache
from typing import Any
from urllib.parse import urlsplit

from monitor.model import Article
from monitor.watchlists.evaluate import Occurrence
from monitor.watchlists.syntax import LEAD_WORDS, Fact, Phrase, Scope
from monitor.watchlists.text import Text, fold


class ScannedArticle:
    """One article, scanned once for every key in the automaton."""

    def __init__(self, article: Article, fields: tuple[str, ...], automaton: Any) -> None:
        self._article = article
        # Key → field → the offsets in the field's `joined` at which the key ends.
        self.keys: dict[str, dict[str, list[int]]] = {}
        self.texts: dict[str, Text] = {}
        # By identity: queries outlive this object, and comparing phrases is slow.
        self._occurrences: dict[int, list[Occurrence]] = {}
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
        """Returns all facts about the article that a query may ask for."""
        host = _host(self._article.url).split(".")
        facts = {Fact("site", ".".join(host[start:])) for start in range(len(host))}
        facts |= {Fact("tag", tag.casefold()) for tag in self._article.tags}
        if self._article.language:
            facts.add(Fact("lang", primary_subtag(self._article.language)))
        return frozenset(facts)

    def is_true(self, fact: Fact) -> bool:
        """Returns whether a fact is true of the article."""
        return fact in self.facts

    def segment(self, scope: Scope, field: str, word: int) -> int:
        """Returns the number of the sentence or paragraph that contains a word."""
        text = self.texts[field]
        return (text.sentences if scope == "sentence" else text.paragraphs)[word]

    def occurrences(self, phrase: Phrase) -> list[Occurrence]:
        """Returns where a phrase occurs, in the phrase's own fields."""
        occurrences = self._occurrences.get(id(phrase))
        if occurrences is None:
            occurrences = self._occurrences[id(phrase)] = [
                (name, first, last)
                for field in phrase.fields
                for name in ["body" if field == "lead" else field]
                for first, last in self._in_field(phrase, name)
                if field != "lead" or last < LEAD_WORDS
            ]
        return occurrences

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
            stretches = [(last - count + 1, last) for last in lasts]
        else:
            stretches = self._by_pattern(phrase, text, ends)
        if phrase.mode == "folded":
            return stretches
        return [stretch for stretch in stretches if _is_spelt(phrase, text, stretch)]

    def _by_pattern(self, phrase: Phrase, text: Text, ends: list[int]) -> list[tuple[int, int]]:
        """Checks the words around each occurrence of a phrase's fixed part."""
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
        """Returns the smallest stretches that hold all words of a loose phrase, close enough."""
        places = sorted(
            (place, word)
            for word in set(phrase.words)
            for place, _ in self._in_field(Phrase("", (word,)), field)
        )
        max_words = len(phrase.words) + (phrase.loose or 0)
        missing, stretches, first = Counter(phrase.words), [], 0
        for last, (end, word) in enumerate(places):
            missing[word] -= 1
            while all(count <= 0 for count in missing.values()):
                start, dropped = places[first]
                if missing[dropped] == 0:
                    if end - start < max_words and not _has_smaller(
                        places[first + 1 : last + 1], phrase
                    ):
                        stretches.append((start, end))
                    missing[dropped] += 1
                    first += 1
                    break
                missing[dropped] += 1
                first += 1
        return stretches


def primary_subtag(language: str) -> str:
    """Returns a language without its region: `en` for `en-GB` (RFC 5646) and `en_US` (feeds)."""
    return language.strip().replace("_", "-").partition("-")[0].casefold()


def _host(url: str) -> str:
    """Returns the host of a URL in lower case, or an empty string if the URL cannot be parsed."""
    try:
        return (urlsplit(url).hostname or "").rstrip(".")
    except ValueError:
        return ""


def _has_smaller(places: list[tuple[int, str]], phrase: Phrase) -> bool:
    """Returns whether these places hold all words of the phrase without the first place."""
    return not Counter(phrase.words) - Counter(word for _, word in places)


def keys_of(phrase: Phrase) -> list[str]:
    """Returns the keys that the automaton must look for on behalf of a phrase."""
    if phrase.loose is not None:
        return [Phrase("", (word,)).key for word in phrase.words]
    return [phrase.key]


@lru_cache(maxsize=100_000)
def _pattern(word: str) -> re.Pattern[str]:
    """Compiles a word with wildcards into a regular expression."""
    return re.compile(re.escape(word).replace(r"\*", r"\w*").replace(r"\?", r"\w"))


def _is_spelt(phrase: Phrase, text: Text, stretch: tuple[int, int]) -> bool:
    """Returns whether the original text spells a phrase as its mode requires.

    In mode `case` the capitals must agree, in mode `exact` everything but white space.
    """
    first, last = stretch
    if phrase.mode == "exact":
        original = text.raw[text.span(first)[0] : text.span(last)[1]]
        return _composed(" ".join(original.split())) == _composed(phrase.raw)
    words = (text.raw[slice(*text.span(number))] for number in range(first, last + 1))
    wanted = Text(phrase.raw)
    return [fold(word, case=False) for word in words] == [
        fold(wanted.raw[slice(*span)], case=False) for span in wanted.spans
    ]


def _composed(text: str) -> str:
    return unicodedata.normalize("NFC", text)
