"""Measures what matching costs by the number of watchlists.

    python tests/bench/matcher.py [N …]

Matches the real articles of the corpora against watchlists of names and phrases, some from these
articles and some absent: 60 % phrases, 25 % boolean, 10 % NEAR, 5 % wildcards. Prints microseconds an
article for each step, and the cost of one regular expression per watchlist on the same articles in
the same run.
"""

import gc
import json
import random
import re
import resource
import statistics
import sys
import time

from corpora import CORPORA

from monitor.model import Article, Watchlist
from monitor.watchlists.evaluate import holds
from monitor.watchlists.matcher import Matcher, _terms
from monitor.watchlists.text import Text

CORPUS = CORPORA / "articles-news"
SIZES = (10, 100, 1_000, 10_000, 100_000)
NAIVE_SIZE = 10_000
TYPICAL_WORDS = 650
ROUNDS = 3
NAME = re.compile(r"[A-ZÀ-Þ][\w'’-]+(?: [A-ZÀ-Þ][\w'’-]+){1,2}")
QUOTED = re.compile(r'"([^"]*)"')
WORD = re.compile(r"\w{3,}")


def articles():
    gold = json.loads((CORPUS / "gold.json").read_text(encoding="utf-8"))
    return [
        Article(name, "https://a.example/", page["title"] or "", paragraphs(page["body"]), "", "")
        for name, page in sorted(gold.items())
    ]


def paragraphs(body):
    """Returns the body as cleaning returns it, with a newline between paragraphs."""
    return re.sub(r"\s*\n\s*", "\n", body.strip())


def watchlists(count, texts, rng, present=0.2):
    names = sorted({name for text in texts for name in NAME.findall(text)})
    # Scripts without spaces have no words to make wildcards from.
    words = sorted({word for text in texts for word in WORD.findall(text) if max(word) < "\u2e80"})

    def term():
        # Some are in an article; the others have the same words, but in no article together.
        if rng.random() < present:
            return f'"{rng.choice(names)}"'
        return f'"{" ".join(rng.sample(words, rng.choice([2, 2, 3])))}"'

    def query():
        kind = rng.random()
        if kind < 0.60:
            return term()
        if kind < 0.85:
            any_of = f"({term()} OR {term()} OR {term()})"
            return f"{any_of} AND {term()}" if rng.random() < 0.5 else f"{any_of} AND NOT {term()}"
        if kind < 0.95:
            return f"{term()} NEAR/10 {term()}"
        return f'"{rng.choice(words)} {rng.choice([w for w in rng.sample(words, 9) if len(w) > 4])[:5]}*"'

    return [Watchlist(f"w{number}", query()) for number in range(count)]


def measure(matcher, sample):
    """Returns microseconds an article for each step, and matches an article."""
    steps = {"normalise": 0.0, "scan": 0.0, "evaluate": 0.0, "evidence": 0.0}
    matches = 0
    for article in sample:
        begun = time.perf_counter()
        for raw in (article.title, article.text):
            _ = Text(raw).joined
        normalised = time.perf_counter()
        view = matcher.scan(article)
        scanned = time.perf_counter()
        numbers = [n for n in matcher.candidates(view) if holds(matcher.root(n), view)]
        evaluated = time.perf_counter()
        for number in numbers:
            tuple(_terms(matcher.root(number), view))
        shown = time.perf_counter()
        matches += len(numbers)
        steps["normalise"] += normalised - begun
        # Scanning normalises too.
        steps["scan"] += (scanned - normalised) - (normalised - begun)
        steps["evaluate"] += evaluated - scanned
        steps["evidence"] += shown - evaluated
    return {name: 1e6 * total / len(sample) for name, total in steps.items()}, matches / len(sample)


def total_us(matcher, sample):
    begun = time.perf_counter()
    for article in sample:
        matcher.match(article)
    return 1e6 * (time.perf_counter() - begun) / len(sample)


def main():
    if not CORPUS.exists():
        sys.exit(
            f"no corpus of real articles in {CORPUS}; set PRESSWATCH_CORPORA to the folder of corpora"
        )
    sizes = tuple(map(int, sys.argv[1:])) or SIZES
    sample = articles()
    texts = [article.text for article in sample]
    lengths = [len(Text(text).words) for text in texts]
    print(f"{len(sample)} articles, {statistics.mean(lengths):.0f} words on average")
    print(
        "watchlists  build s  RSS MB | normalise    scan  evaluate  evidence |   total µs  matches"
    )
    totals_us = {size: measure_size(size, sample, texts) for size in sizes}
    if {100, 100_000} <= totals_us.keys():
        ratio = totals_us[100_000] / totals_us[100]
        print(f"100,000 watchlists cost {ratio:.1f} times what 100 cost")
        few, many = (
            min(
                total_us(Matcher(watchlists(size, texts, random.Random(size), 0)), sample)
                for _ in "12"
            )
            for size in (100, 100_000)
        )
        print(f"if next to none match: {few:.0f} and {many:.0f} µs, {many / few:.1f} times")


def measure_size(size, sample, texts):
    """Prints what `size` watchlists cost, and returns the microseconds an article."""
    lists = watchlists(size, texts, random.Random(size))
    gc.collect()
    # As workers do: the compiled matcher is kept, so that collections would find nothing.
    gc.disable()
    begun = time.perf_counter()
    matcher = Matcher(lists)
    built = time.perf_counter() - begun
    gc.enable()
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    gc.collect()
    gc.freeze()
    runs = [(measure(matcher, sample), total_us(matcher, sample)) for _ in range(ROUNDS)]
    steps, matches = min((run[0] for run in runs), key=lambda run: sum(run[0].values()))
    total = min(run[1] for run in runs)
    row = " ".join(f"{value:9.0f}" for value in steps.values())
    print(f"{size:10} {built:8.2f} {memory:7.0f} | {row} | {total:10.0f} {matches:8.1f}")
    typical = min(sample, key=lambda article: abs(len(Text(article.text).words) - TYPICAL_WORDS))
    words = len(Text(typical.text).words)
    ours = min(total_us(matcher, [typical]) for _ in range(50))
    print(f"           an article of {words} words: {ours:.0f} µs")
    if size == NAIVE_SIZE:
        naive = naive_us(lists, typical.text)
        print(
            f"           one regular expression for each: {naive:.0f} µs, {naive / ours:.0f} times ours"
        )
    return total


def naive_us(lists, text):
    """Returns the microseconds that one regular expression for each watchlist takes."""
    patterns = [
        re.compile("|".join(map(re.escape, QUOTED.findall(watchlist.query))), re.IGNORECASE)
        for watchlist in lists
    ]
    begun = time.perf_counter()
    for pattern in patterns:
        pattern.search(text)
    return 1e6 * (time.perf_counter() - begun)


if __name__ == "__main__":
    main()
