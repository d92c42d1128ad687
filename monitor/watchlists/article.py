"""An article as queries see it: its fields as tokens, and where each phrase occurs. Pure."""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from functools import cached_property, lru_cache
from typing import Any
from urllib.parse import urlsplit

from monitor.model import Article
from monitor.watchlists.evaluate import Occurrence
from monitor.watchlists.signs import has_signs
from monitor.watchlists.syntax import LEAD_WORDS, PARTICLE, Fact, Phrase, Scope, joined
from monitor.watchlists.text import StoredText, Text, fold

# Korean particles (josa), of which a second may follow the first, and the plural: 북한, 북한은,
# 북한에서도, 의원들이.
_TOPICS = "은|는|이|가|을|를|의|도|만|나"
_PARTICLES = (
    rf"(?:들)?(?:(?:{_TOPICS}|에|와|과|로|으로|이나|에서|에게|에게서|한테|께|께서|까지|부터|보다|처럼"
    "|마다|마저|조차|밖에|라고|이라고|라는|이라는|란|이란|든지|이든지|야|이야|며|이며|랑|이랑|하고)"
    rf"(?:{_TOPICS})?)?"
)
# The lines of `joined_texts`.
JOINED_FIELDS = ("title", "body", "author", "source", "url", "facts")


def joined_texts(article: Article) -> str:
    """Returns all that queries compare: the folded words of each field, and the facts, in lines."""
    lines = [Text(_raw(article, field)).joined for field in JOINED_FIELDS[:-1]]
    facts = [fact_word(fact) for fact in facts_of(article)]
    # What holds white space cannot be asked for, since a query's fact is one word.
    lines.append(joined(sorted(word for word in facts if len(word.split()) == 1)))
    return "\n".join(lines)


def fact_word(fact: Fact) -> str:
    """Returns a fact as one word, which no text has: `lang/en`."""
    return f"{fact.kind}/{fact.value}"


def facts_of(article: Article) -> frozenset[Fact]:
    """Returns all facts about an article that a query may ask for."""
    host = _host(article.url).split(".")
    facts = {Fact("site", ".".join(host[start:])) for start in range(len(host))}
    facts |= {Fact("tag", tag.casefold()) for tag in article.tags}
    if article.language:
        facts.add(Fact("lang", primary_subtag(article.language)))
    return frozenset(facts)


class StoredArticle:
    """An article that was stored with its `joined_texts`, of which most articles need no more."""

    def __init__(self, joined_texts: str, load: Callable[[], Article]) -> None:
        """Takes the words by the current rules; `load` returns the article if it is needed."""
        self._joined = joined_texts
        self._load = load

    def has_any(self, keys: Iterable[str]) -> bool:
        """Returns whether any of these keys of phrases is in any field."""
        return any(key in self._joined for key in keys)

    @cached_property
    def _lines(self) -> dict[str, str]:
        return dict(zip(JOINED_FIELDS, self._joined.split("\n"), strict=True))

    @cached_property
    def article(self) -> Article:
        """Returns the article, which is loaded once."""
        return self._load()

    @property
    def facts(self) -> frozenset[Fact]:
        """Returns all facts about the article that a query may ask for."""
        words = self._lines["facts"].split()
        return frozenset(Fact(kind, value) for kind, _, value in (w.partition("/") for w in words))

    def text(self, field: str) -> Text:
        """Returns a field as tokens."""
        return StoredText(self._lines[field], lambda: _raw(self.article, field))


class ScannedArticle:
    """One article, scanned once for every key in the automaton."""

    def __init__(
        self, article: Article | StoredArticle, fields: tuple[str, ...], automaton: Any
    ) -> None:
        self._article = article
        # Key → field → the offsets in the field's `joined` at which the key ends.
        self.keys: dict[str, dict[str, list[int]]] = {}
        self.texts: dict[str, Text] = {}
        # By identity: queries outlive this object, and comparing phrases is slow.
        self._occurrences: dict[int, list[Occurrence]] = {}
        for field in fields:
            text = self.texts[field] = (
                article.text(field)
                if isinstance(article, StoredArticle)
                else Text(_raw(article, field))
            )
            ends: dict[str, list[int]] = defaultdict(list)
            if len(automaton):
                for end, key in automaton.iter(text.joined):
                    ends[key].append(end)
            for key, places in ends.items():
                self.keys.setdefault(key, {})[field] = places

    @property
    def article(self) -> Article:
        """Returns the article itself."""
        stored = self._article
        return stored.article if isinstance(stored, StoredArticle) else stored

    @cached_property
    def facts(self) -> frozenset[Fact]:
        """Returns all facts about the article that a query may ask for."""
        if isinstance(self._article, StoredArticle):
            return self._article.facts
        return facts_of(self._article)

    def is_true(self, fact: Fact) -> bool:
        """Returns whether a fact is true of the article."""
        return fact in self.facts

    def segment(self, scope: Scope, field: str, word: int) -> int:
        """Returns the number of the sentence or paragraph that contains a word."""
        text = self.texts[field]
        begin = text.sentences if scope == "sentence" else text.paragraphs
        return bisect_right(begin, word)

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
        stretches = self._side_by_side(phrase, field)
        if phrase.otherwise is not None:
            stretches = sorted({*stretches, *self._side_by_side(phrase.otherwise, field)})
        return stretches

    def _side_by_side(self, phrase: Phrase, field: str) -> list[tuple[int, int]]:
        ends = self.keys.get(phrase.key, {}).get(field)
        if not ends:
            return []
        text = self.texts[field]
        count = len(phrase.words)
        if not phrase.has_wildcard:
            stretches = [(last - count + 1, last) for last in text.words_at(ends)]
        else:
            stretches = self._by_pattern(phrase, text, ends)
        if not phrase.needs_original:
            return stretches
        return [stretch for stretch in stretches if _is_spelt(phrase, text, stretch)]

    def _by_pattern(self, phrase: Phrase, text: Text, ends: list[int]) -> list[tuple[int, int]]:
        """Checks the words around each occurrence of a phrase's fixed part."""
        patterns = [_pattern(word) for word in phrase.words]
        firsts = {last - phrase.key_word for last in text.words_at(ends)}
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


def _raw(article: Article, field: str) -> str:
    """Returns the original text of a field."""
    match field:
        case "title":
            return article.title
        case "body":
            return article.text
        case "author":
            return "\n".join(article.authors)
        case "source":
            return article.source
    return article.url


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
    return [phrase.key, *(keys_of(phrase.otherwise) if phrase.otherwise else ())]


@lru_cache(maxsize=100_000)
def _pattern(word: str) -> re.Pattern[str]:
    """Compiles a word with wildcards into a regular expression."""
    pattern = re.escape(word).replace(r"\*", r"\w*").replace(r"\?", r"\w")
    return re.compile(pattern.replace(PARTICLE, _PARTICLES))


def _is_spelt(phrase: Phrase, text: Text, stretch: tuple[int, int]) -> bool:
    """Returns whether the original text spells a phrase as its mode requires.

    In mode `case` the capitals must agree, in mode `exact` everything but white space; signs that
    belong to a name must be there.
    """
    first, last = stretch
    if phrase.mode == "exact":
        before, after = _around(phrase.raw)
        start, end = text.span(first)[0] - before, text.span(last)[1] + after
        original = text.raw[max(start, 0) : end]
        return _composed(" ".join(original.split())) == _composed(phrase.raw)
    if not all(has_signs(text.raw, text.span(first + each.number), each) for each in phrase.signs):
        return False
    if phrase.mode == "folded":
        return True
    words = (text.raw[slice(*text.span(number))] for number in range(first, last + 1))
    return tuple(map(_with_capitals, words)) == _spelling(phrase.raw)


@lru_cache(maxsize=10_000)
def _around(raw: str) -> tuple[int, int]:
    """Returns how many characters a phrase has before its first word, and after its last."""
    spans = Text(raw).spans
    return spans[0][0], len(raw) - spans[-1][1]


@lru_cache(maxsize=10_000)
def _spelling(raw: str) -> tuple[str, ...]:
    """Returns the words of a phrase, folded but for their capitals."""
    return tuple(_with_capitals(raw[slice(*span)]) for span in Text(raw).spans)


@lru_cache(maxsize=100_000)
def _with_capitals(word: str) -> str:
    return fold(word, case=False)


def _composed(text: str) -> str:
    return unicodedata.normalize("NFC", text)
