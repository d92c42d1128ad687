"""What matching costs, by the number of watchlists.

    python tests/bench/matcher.py [N …]

On the real articles of the corpora, with watchlists of names and phrases from these articles mixed
with absent ones: 60 % phrases, 25 % boolean, 10 % NEAR, 5 % wildcards. Prints microseconds an
article for each step, and what one regular expression for each watchlist costs on the same
articles in the same run.
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
    """The body as cleaning gives it: a newline between two paragraphs."""
    return re.sub(r"\s*\n\s*", "\n", body.strip())


def watchlists(count, texts, rng, present=0.2):
    names = sorted({name for text in texts for name in NAME.findall(text)})
    # Scripts without spaces have no words to cut a wildcard from.
    words = sorted({word for text in texts for word in WORD.findall(text) if max(word) < "\u2e80"})

    def term():
        # Some stand in some article; the rest are of the same words, but nowhere together.
        if rng.random() < present:
            return f'"{rng.choice(names)}"'
        return f'"{" ".join(rng.sample(words, rng.choice([2, 2, 3])))}"'

    def query():
        kind = rng.random()
        if kind < 0.60:
            return term()
        if kind < 0.85:
            one = f"({term()} OR {term()} OR {term()})"
            return f"{one} AND {term()}" if rng.random() < 0.5 else f"{one} AND NOT {term()}"
        if kind < 0.95:
            return f"{term()} NEAR/10 {term()}"
        return f'"{rng.choice(words)} {rng.choice([w for w in rng.sample(words, 9) if len(w) > 4])[:5]}*"'

    return [Watchlist(f"w{number}", query()) for number in range(count)]


def measure(matcher, some):
    """Microseconds an article: normalising, scanning, evaluating, evidence; and the matches."""
    steps = {"normalise": 0.0, "scan": 0.0, "evaluate": 0.0, "evidence": 0.0}
    matches = 0
    for article in some:
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
    return {name: 1e6 * total / len(some) for name, total in steps.items()}, matches / len(some)


def whole(matcher, some):
    begun = time.perf_counter()
    for article in some:
        matcher.match(article)
    return 1e6 * (time.perf_counter() - begun) / len(some)


def main():
    if not CORPUS.exists():
        sys.exit(f"no corpus of real articles in {CORPUS}; set PRESSWATCH_CORPORA")
    sizes = tuple(map(int, sys.argv[1:])) or SIZES
    some = articles()
    texts = [article.text for article in some]
    lengths = [len(Text(text).words) for text in texts]
    print(f"{len(some)} articles, {statistics.mean(lengths):.0f} words on average")
    print(
        "watchlists  build s  RSS MB | normalise    scan  evaluate  evidence |   total µs  matches"
    )
    totals = {}
    for size in sizes:
        rng = random.Random(size)
        lists = watchlists(size, texts, rng)
        gc.collect()
        # As workers do: what is compiled is kept, and collecting in between finds nothing.
        gc.disable()
        begun = time.perf_counter()
        matcher = Matcher(lists)
        built = time.perf_counter() - begun
        gc.enable()
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        gc.collect()
        gc.freeze()
        runs = [(measure(matcher, some), whole(matcher, some)) for _ in range(ROUNDS)]
        steps, matches = min((run[0] for run in runs), key=lambda run: sum(run[0].values()))
        totals[size] = min(run[1] for run in runs)
        row = " ".join(f"{value:9.0f}" for value in steps.values())
        print(f"{size:10} {built:8.2f} {memory:7.0f} | {row} | {totals[size]:10.0f} {matches:8.1f}")
        typical = min(some, key=lambda one: abs(len(Text(one.text).words) - TYPICAL_WORDS))
        words = len(Text(typical.text).words)
        ours = min(whole(matcher, [typical]) for _ in range(50))
        print(f"           an article of {words} words: {ours:.0f} µs")
        if size == NAIVE_SIZE:
            patterns = [
                re.compile("|".join(map(re.escape, QUOTED.findall(one.query))), re.IGNORECASE)
                for one in lists
            ]
            begun = time.perf_counter()
            for pattern in patterns:
                pattern.search(typical.text)
            naive = 1e6 * (time.perf_counter() - begun)
            print(
                f"           one regular expression for each: {naive:.0f} µs, {naive / ours:.0f} times ours"
            )
    if {100, 100_000} <= totals.keys():
        print(f"100,000 watchlists cost {totals[100_000] / totals[100]:.1f} times what 100 cost")
        few, many = (
            min(whole(Matcher(watchlists(size, texts, random.Random(size), 0)), some) for _ in "12")
            for size in (100, 100_000)
        )
        print(f"where next to none match: {few:.0f} and {many:.0f} µs, {many / few:.1f} times")


if __name__ == "__main__":
    main()
