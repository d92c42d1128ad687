"""Suggests what a query could exclude: phrases that set unwanted articles apart. Pure.

A phrase is worth excluding if many unwanted articles have it, few wanted ones do, and few other
articles do either: a phrase that is common in the news sets nothing apart.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from monitor.errors import QueryError
from monitor.watchlists.query import parse
from monitor.watchlists.syntax import PARTICLE, And, Not, phrases, spell

MOST_WORDS_IN_PHRASE = 3
# What sets an article apart is named at its beginning.
WORDS_READ = 250
MOST_CANDIDATES = 200
# A phrase that so large a share of other articles have is common in the news.
MOST_COMMON = 0.02
# A wanted article that is lost weighs as much as so many unwanted ones that are excluded.
COST = 3
_SHORTEST_WORD = 3


@dataclass(frozen=True, slots=True)
class Exclusion:
    """A phrase, how many unwanted articles have it, and how many wanted ones would be lost."""

    phrase: str
    excluded: int
    lost: int


def suggest_exclusions(
    unwanted: Sequence[str],
    wanted: Sequence[str],
    others: Sequence[str],
    terms: Collection[str] = (),
    most: int = 5,
) -> list[Exclusion]:
    """Returns the phrases that are most worth excluding, the best first.

    Articles are given as folded words with a space on either side of each (`Text.joined`). `terms`
    are what the query looks for, in folded words: to exclude those would exclude what it finds.
    Each suggestion excludes an article that those before it do not exclude.
    """
    counts = Counter(phrase for article in unwanted for phrase in set(_phrases(article)))
    fewest = 2 if len(unwanted) > 1 else 1
    frequent = {phrase: count for phrase, count in counts.items() if count >= fewest}
    common = Counter(
        phrase for other in others for phrase in frequent.keys() & set(_phrases(other))
    )
    candidates = [
        phrase
        for phrase in sorted(frequent, key=lambda each: (-frequent[each], each))
        if common[phrase] <= MOST_COMMON * len(others)
        and not any(f" {phrase} " in f" {term} " or f" {term} " in f" {phrase} " for term in terms)
    ]
    judged = [
        (phrase, _having(phrase, unwanted), len(_having(phrase, wanted)), in_others)
        for phrase in candidates[:MOST_CANDIDATES]
        # Anywhere in their texts, which takes longer to find out.
        if (in_others := len(_having(phrase, others))) <= MOST_COMMON * len(others)
    ]
    return list(_chosen(judged, most))


def _chosen(judged: list[tuple[str, frozenset[int], int, int]], most: int) -> Iterator[Exclusion]:
    """Yields the best phrase again and again, each time by what it excludes beyond the others."""
    left: set[int] = {number for _, having, _, _ in judged for number in having}
    for _ in range(most):
        best = max(
            judged,
            key=lambda each: (len(each[1] & left) - COST * each[2], -each[3], len(each[0])),
            default=None,
        )
        if best is None or len(best[1] & left) <= COST * best[2]:
            return
        yield Exclusion(best[0], len(best[1]), best[2])
        left -= best[1]


def _having(phrase: str, articles: Sequence[str]) -> frozenset[int]:
    spaced = f" {phrase} "
    return frozenset(number for number, article in enumerate(articles) if spaced in article)


def _phrases(article: str) -> Iterator[str]:
    """Yields the phrases at the beginning of an article; none begins or ends with a short word."""
    words = article.split(maxsplit=WORDS_READ)[:WORDS_READ]
    ends = [
        len(word) > _SHORTEST_WORD and not word.isdigit() if word.isascii() else True
        for word in words
    ]
    for length in range(1, MOST_WORDS_IN_PHRASE + 1):
        for at in range(len(words) - length + 1):
            if ends[at] and ends[at + length - 1]:
                yield " ".join(words[at : at + length])


def query_terms(query: str, definitions: Mapping[str, str] | None = None) -> list[str]:
    """Returns what a query looks for, in folded words; raises QueryError for a broken query."""
    return [
        " ".join(phrase.words).replace(PARTICLE, "")
        for phrase in phrases(parse(query, definitions).root)
    ]


def with_exclusion(
    query: str, phrase: str, definitions: Mapping[str, str] | None = None
) -> str | None:
    """Returns a query that excludes a phrase as well, or None if that cannot be written.

    Raises QueryError for a broken query.
    """
    wanted = spell(parse(query, definitions).root)
    plain = query.strip()
    unwanted = f'"{phrase}"'
    for start in (plain, f"({plain})", f'"{plain}"'):
        longer = f"{start} AND NOT {unwanted}"
        try:
            root = parse(longer, definitions).root
        except QueryError:
            continue
        if isinstance(root, And) and isinstance(root.parts[-1], Not):
            before = root.parts[:-1]
            if spell(And(before) if len(before) > 1 else before[0]) == wanted:
                return longer
    return None
