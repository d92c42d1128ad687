"""Evaluates a query in the most obvious way, without any optimisation."""

import itertools
import re
import unicodedata
from collections import Counter

from monitor.watchlists.syntax import (
    And,
    AtLeast,
    Fact,
    Near,
    Not,
    Or,
    Outside,
    Phrase,
    Same,
)
from monitor.watchlists.text import _FULL_STOP, _SENTENCE_END, _TITLES, _TOKEN, fold


def tokens(text):
    """Returns words and their spans by one regular expression over the whole text."""
    plain = re.sub(
        r"(?<!\d)\d{1,3}(?:[\u00a0\u2009\u202f]\d{3})+(?!\d)",
        lambda number: re.sub(r"\D", ",", number[0]),
        text,
    )
    found = []
    for token in _TOKEN.finditer(plain):
        folded = fold(token[0])
        found += [(word, token.span()) for word in _TOKEN.findall(folded)]
    return found


def segments(text, scope):
    """Returns the number of each word's sentence or paragraph, word by word."""
    numbers, number, previous, end = [], 0, None, 0
    for word, (start, stop) in tokens(text):
        between = text[end:start]
        if previous is not None and _ends(scope, previous, between):
            number += 1
        numbers.append(number)
        previous, end = word, stop
    return numbers


def _ends(scope, word, between):
    if scope == "paragraph":
        return "\n" in between
    if not _SENTENCE_END.search(between):
        return False
    abbreviated = len(word) == 1 or word.isdigit() or word in _TITLES
    return not (abbreviated and _FULL_STOP.match(between) and "\n" not in between)


def fields_of(article):
    return {
        "title": article.title,
        "body": article.text,
        "author": "\n".join(article.authors),
        "source": article.source,
        "url": article.url,
    }


def places(phrase, article):
    """Returns every place of a phrase: (field, first word, last word)."""
    found = set()
    for field in phrase.fields:
        name = "body" if field == "lead" else field
        text = fields_of(article)[name]
        words = tokens(text)
        for first, last in stretches(phrase, words):
            if field == "lead" and last >= 100:
                continue
            if spelt(phrase, text, words[first : last + 1]):
                found.add((name, first, last))
    return found


def stretches(phrase, words):
    count = len(phrase.words)
    if phrase.loose is None:
        for first in range(len(words) - count + 1):
            if all(
                like(pattern, word)
                for pattern, (word, _) in zip(phrase.words, words[first:], strict=False)
            ):
                yield first, first + count - 1
        return
    enough = [
        (first, last)
        for first, last in itertools.combinations_with_replacement(range(len(words)), 2)
        if not Counter(phrase.words) - Counter(word for word, _ in words[first : last + 1])
    ]
    for first, last in enough:
        if last - first + 1 <= count + phrase.loose and not any(
            first <= a and b <= last and (a, b) != (first, last) for a, b in enough
        ):
            yield first, last


def like(pattern, word):
    if not pattern:
        return not word
    if pattern[0] == "*":
        return like(pattern[1:], word) or (bool(word) and like(pattern, word[1:]))
    return bool(word) and pattern[0] in {word[0], "?"} and like(pattern[1:], word[1:])


def spelt(phrase, text, words):
    original = text[words[0][1][0] : words[-1][1][1]]
    if phrase.mode == "exact":
        normal = [" ".join(spelling.split()) for spelling in (original, phrase.raw)]
        return len({unicodedata.normalize("NFC", spelling) for spelling in normal}) == 1
    if phrase.mode == "case":
        spelt_words = [fold(text[start:end], case=False) for _, (start, end) in words]
        return spelt_words == [
            fold(phrase.raw[a:b], case=False) for _, (a, b) in tokens(phrase.raw)
        ]
    return True


def located(node, article):
    match node:
        case Phrase():
            return places(node, article)
        case Or(parts):
            return set().union(*(located(part, article) for part in parts))
        case Outside(part, within):
            covers = located(within, article)
            return {
                (field, first, last)
                for field, first, last in located(part, article)
                if not any(f == field and a <= first and last <= b for f, a, b in covers)
            }


def matches(node, article, facts=frozenset()):
    """Returns whether a query's tree matches an article."""

    def ask(part):
        return matches(part, article, facts)

    match node:
        case Phrase() | Outside():
            return bool(located(node, article))
        case Fact():
            return node in facts
        case And(parts):
            return all(map(ask, parts))
        case Or(parts):
            return any(map(ask, parts))
        case Not(part):
            return not ask(part)
        case AtLeast(count, part):
            return len(located(part, article)) >= count
        case Near(left, right, words, ordered):
            return any(
                f == g and (0 <= c - b - 1 <= words or (not ordered and 0 <= a - d - 1 <= words))
                for f, a, b in located(left, article)
                for g, c, d in located(right, article)
            )
        case Same(scope, parts):
            by_field = {name: segments(text, scope) for name, text in fields_of(article).items()}

            def segments_with(part):
                found = set()
                for field, first, last in located(part, article):
                    numbers = by_field[field]
                    if numbers[first] == numbers[last]:
                        found.add((field, numbers[first]))
                return found

            return bool(set.intersection(*map(segments_with, parts)))
