"""How well copies of a text are found, and unrelated texts kept apart.

    python tests/bench/stories.py

On the gold texts of the corpora, with copies as outlets make them. Prints the share of copies that
an index of the originals finds, the unrelated pairs taken for one story, and what a text costs; the
same for MinHashLSH of datasketch where that is installed.
"""

import json
import os
import random
import re
import statistics
import sys
import time
from collections import defaultdict
from itertools import combinations
from pathlib import Path

from monitor.articles.stories import _overlap, _shingles, same_story, sketch

CORPORA = Path(os.environ.get("PRESSWATCH_CORPORA", "../shared/corpora"))
SENTENCE = re.compile(r"(?<=[.!?。！？])\s*")
ROUNDS = 5
FURNITURE = [
    "Subscribe to our newsletter and get the most important stories of the day in your inbox.",
    "This article was produced with the help of our partner agencies and edited for clarity.",
    "Follow us on social media, or download our app to read the latest news wherever you are.",
    "All rights reserved; no part of this text may be reproduced without written permission.",
    "Read more about this in the weekend edition, which is free for all registered readers.",
    "Our correspondents contributed to this report from the capital and from the border region.",
]


def texts():
    found = []
    for corpus in ("articles-benchmark", "articles-news"):
        gold = json.loads((CORPORA / corpus / "gold.json").read_text(encoding="utf-8"))
        found += [(f"{corpus}/{name}", page["body"]) for name, page in sorted(gold.items())]
    return found


def cut(sentences, rng, where):
    kept = max(1, round(len(sentences) * 0.6))
    start = {"start": 0, "end": len(sentences) - kept, "middle": (len(sentences) - kept) // 2}[
        where
    ]
    return sentences[start : start + kept]


def changed(sentences, rng, others):
    result = list(sentences)
    for at in rng.sample(range(len(result)), round(len(sentences) * 0.1)):
        result[at] = rng.choice(others)
    return result


def reworded(sentences, rng, others):
    """One word in twenty is another one."""
    words = [word for other in rng.sample(others, min(50, len(others))) for word in other.split()]
    return [
        " ".join(rng.choice(words) if rng.random() < 0.05 else word for word in sentence.split())
        for sentence in sentences
    ]


def furnished(sentences, rng, _):
    lines = rng.sample(FURNITURE, 4)
    return lines[:2] + sentences + lines[2:]


def combined(where):
    def make(sentences, rng, others):
        return furnished(changed(cut(sentences, rng, where), rng, others), rng, others)

    return make


KINDS = {
    "cut to 60 %, the beginning": lambda s, rng, _: cut(s, rng, "start"),
    "cut to 60 %, the end": lambda s, rng, _: cut(s, rng, "end"),
    "cut to 60 %, the middle": lambda s, rng, _: cut(s, rng, "middle"),
    "10 % of sentences changed": changed,
    "one word in twenty changed": reworded,
    "other furniture": furnished,
    "all of it, the beginning": combined("start"),
    "all of it, the end": combined("end"),
    "all of it, the middle": combined("middle"),
}


class Ours:
    name = "ours"

    def __init__(self):
        self.sketches = {}
        self.index = defaultdict(set)

    def add(self, name, text):
        drawn = sketch(text)
        self.sketches[name] = drawn
        for key in drawn.index if drawn else ():
            self.index[key].add(name)

    def find(self, text):
        drawn = sketch(text)
        candidates = {name for key in (drawn.index if drawn else ()) for name in self.index[key]}
        return {name for name in candidates if same_story(drawn, self.sketches[name])}

    def size(self):
        return statistics.mean(len(one.to_bytes()) for one in self.sketches.values() if one)


class DataSketch:
    def __init__(self, threshold):
        from datasketch import MinHashLSH

        self.name = f"datasketch {threshold}"
        self.index = MinHashLSH(threshold=threshold, num_perm=128)
        self.hashes = {}

    def draw(self, text):
        from datasketch import MinHash

        drawn = MinHash(num_perm=128)
        drawn.update_batch([one.encode() for one in set(_shingles(text))])
        return drawn

    def add(self, name, text):
        self.hashes[name] = drawn = self.draw(text)
        self.index.insert(name, drawn)

    def find(self, text):
        return set(self.index.query(self.draw(text)))

    def size(self):
        return 128 * 8


def measure(finder, articles):
    began = time.perf_counter()
    for name, text in articles:
        finder.add(name, text)
    cost = (time.perf_counter() - began) / len(articles)
    false = {
        tuple(sorted((name, other)))
        for name, text in articles
        for other in finder.find(text) - {name}
    }
    print(f"\n{finder.name}: {cost * 1e6:.0f} µs a text, {finder.size():.0f} bytes")
    print(f"  pairs of different pages taken for one story: {len(false)}")
    for pair in sorted(false)[:10]:
        print("   ", *pair)
    rng = random.Random(1)
    sentences = {name: [one for one in SENTENCE.split(text) if one] for name, text in articles}
    everything = [one for found in sentences.values() for one in found]
    for kind, make in KINDS.items():
        found = total = strange = 0
        for name, _ in articles:
            for _ in range(ROUNDS):
                copy = " ".join(make(sentences[name], rng, everything))
                hits = finder.find(copy)
                total += 1
                found += name in hits
                strange += bool(hits - {name})
        print(f"  {kind:<28} {found / total:7.2%} found, {strange} also another story")


def main():
    if not CORPORA.is_dir():
        sys.exit(f"no corpora in {CORPORA}; name them in PRESSWATCH_CORPORA")
    # Teasers tell nothing: they are no stories.
    articles = [(name, text) for name, text in texts() if sketch(text)]
    print(
        f"{len(articles)} texts, {statistics.mean(len(text.split()) for _, text in articles):.0f} words on average"
    )
    measure(Ours(), articles)
    sketches = [sketch(text) for _, text in articles]
    began = time.perf_counter()
    overlaps = [_overlap(*pair) for pair in combinations(sketches, 2)]
    cost = (time.perf_counter() - began) / len(overlaps)
    shares = [common / fewest for common, fewest in overlaps]
    print(f"  a comparison {cost * 1e6:.1f} µs; most alike of {len(shares)} pairs: ", end="")
    print(*(f"{share:.2f}" for share in sorted(shares)[-5:]))
    try:
        for threshold in (0.5, 0.4, 0.3, 0.2):
            measure(DataSketch(threshold), articles)
    except ImportError:
        print("datasketch is not installed: pip install datasketch")


main()
