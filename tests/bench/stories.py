"""Measures how well copies of a text are found, and unrelated texts are kept apart.

    python tests/bench/stories.py

Uses the gold texts of the corpora, with copies as outlets make them. Prints the share of copies that
an index of the originals finds, the pairs of different pages that are taken for one story, and the
time a text takes; the same for MinHashLSH of datasketch on the same shingles, if it is installed. To
install it, which Presswatch does not, in a separate environment:

    python -m venv /tmp/datasketch && /tmp/datasketch/bin/pip install datasketch regex
    PYTHONPATH=. /tmp/datasketch/bin/python tests/bench/stories.py
"""

import json
import random
import re
import statistics
import sys
import time
from itertools import combinations
from zlib import crc32

from corpora import CORPORA, NAMES

from monitor.articles.stories import FEWEST_COMMON, overlap, same_story, sketch, sketch_shingles

try:
    from datasketch import LeanMinHash, MinHash, MinHashLSH
except ImportError:
    MinHash = None

SENTENCE = re.compile(r"(?<=[.!?。！？])\s*")
ROUNDS = 3
PERMUTATIONS = 128
AROUND = (0.2, 0.25, 0.28, 0.32, 0.35, 0.4)
THRESHOLDS = (0.5, 0.4, 0.3, 0.2, 0.1)
TYPICAL_WORDS = 650
FURNITURE = [
    "Subscribe to our newsletter and get the most important stories of the day in your inbox.",
    "This article was produced with the help of our partner agencies and edited for clarity.",
    "Follow us on social media, or download our app to read the latest news wherever you are.",
    "All rights reserved; no part of this text may be reproduced without written permission.",
    "Read more about this in the weekend edition, which is free for all registered readers.",
    "Our correspondents contributed to this report from the capital and from the border region.",
    "Do you have a tip for our newsroom? Write to us in confidence, we shall get back to you.",
    "Sign in to comment; comments are moderated, and appear on working days from nine to five.",
]


def corpora():
    """Yields the name, title and body of each page."""
    for corpus in NAMES:
        gold = json.loads((CORPORA / corpus / "gold.json").read_text(encoding="utf-8"))
        for name, page in sorted(gold.items()):
            yield f"{corpus}/{name}", page["title"] or "", page["body"]


class Newsroom:
    """Makes copies of articles, as lists of sentences, from one random seed."""

    def __init__(self, articles, seed=1):
        self.rng = random.Random(seed)
        self.sentences = {
            name: [sentence for sentence in SENTENCE.split(body) if sentence]
            for name, _, body in articles
        }
        self.all = [sentence for text in self.sentences.values() for sentence in text]
        self.titles = [title for _, title, _ in articles if title]

    def cut(self, sentences, where):
        kept = max(1, round(len(sentences) * 0.6))
        spare = len(sentences) - kept
        start = {"beginning": 0, "end": spare, "middle": spare // 2}[where]
        return sentences[start : start + kept]

    def replaced(self, sentences):
        """Replaces one sentence in ten with one from any article."""
        result = list(sentences)
        for at in self.rng.sample(range(len(result)), round(len(result) * 0.1)):
            result[at] = self.rng.choice(self.all)
        return result

    def reworded(self, sentences):
        """Replaces one word in twenty with a word of other sentences."""
        sample = self.rng.sample(self.all, 50)
        words = [word for other in sample for word in other.split()]
        return [
            " ".join(
                self.rng.choice(words) if self.rng.random() < 0.05 else word
                for word in sentence.split()
            )
            for sentence in sentences
        ]

    def titled(self, sentences):
        """Puts another article's title on top, as if cleaning had left it in the text."""
        return [self.rng.choice(self.titles), *sentences]

    def furnished(self, sentences):
        lines = self.rng.sample(FURNITURE, self.rng.randint(2, 4))
        before = self.rng.randint(0, len(lines))
        return lines[:before] + sentences + lines[before:]

    def kinds(self):
        """Yields the kinds of copies: a description, and the function that makes one."""
        for where in ("beginning", "end", "middle"):
            yield f"cut to 60 %, the {where}", lambda s, w=where: self.cut(s, w)
        yield "other title", self.titled
        yield "10 % of sentences replaced", self.replaced
        yield "5 % of words replaced", self.reworded
        yield "other furniture", self.furnished
        edits = {
            "sentences": self.replaced,
            "words": self.reworded,
            "both": lambda s: self.reworded(self.replaced(s)),
        }
        for name, edit in edits.items():
            for where in ("beginning", "end", "middle"):
                yield (
                    f"all, the {where}, {name}",
                    lambda s, w=where, e=edit: self.furnished(self.titled(e(self.cut(s, w)))),
                )

    def copies(self):
        """Returns for each kind the copies, each with the name of its original."""
        return {
            kind: [
                (name, " ".join(make(sentences)))
                for name, sentences in self.sentences.items()
                for _ in range(ROUNDS)
            ]
            for kind, make in self.kinds()
        }


class Ours:
    """Our index; with another threshold than ours, to show what is around it."""

    def __init__(self, alike=None):
        self.name = "ours" if alike is None else f"ours at {alike}"
        self.alike = alike
        self.sketches = {}
        self.index = {}

    def sketch(self, text):
        return sketch(text)

    def add(self, name, new):
        self.sketches[name] = new
        # As in the store, a key leads to the last article that had it.
        self.index.update(dict.fromkeys(new.keys if new else (), name))

    def find(self, new):
        keys = new.keys if new else ()
        candidates = {self.index[key] for key in keys if key in self.index}
        return {name for name in candidates if self.is_same(new, self.sketches[name])}

    def is_same(self, new, known):
        if self.alike is None:
            return same_story(new, known)
        common, fewest = overlap(new, known)
        return common >= FEWEST_COMMON and common >= self.alike * fewest

    def size(self):
        return statistics.mean(len(known.to_bytes()) for known in self.sketches.values())


class DataSketch:
    """MinHashLSH with its defaults, but with our hash, because SHA-1 would slow it down."""

    def __init__(self, threshold):
        self.name = f"datasketch at {threshold}"
        self.index = MinHashLSH(threshold=threshold, num_perm=PERMUTATIONS)

    def sketch(self, text):
        new = MinHash(num_perm=PERMUTATIONS, hashfunc=crc32)
        new.update_batch(list(set(sketch_shingles(text))))
        return new

    def add(self, name, new):
        self.index.insert(name, new)

    def find(self, new):
        return set(self.index.query(new))

    def size(self):
        return LeanMinHash(self.sketch("a")).bytesize()


def best_of(rounds, act):
    """Returns the microseconds of the fastest of several calls."""
    costs = []
    for _ in range(rounds):
        began = time.perf_counter()
        act()
        costs.append(time.perf_counter() - began)
    return 1e6 * min(costs)


def pairs(names):
    return {tuple(sorted(pair)) for pair in names}


def measure(finders, articles, copies):
    """Returns for each finder the share of copies found, the copies in other stories, false pairs.

    All finders must use the same kind of sketch.
    """
    first = finders[0]
    originals = {name: first.sketch(body) for name, _, body in articles}
    for finder in finders:
        for name, original in originals.items():
            finder.add(name, original)
    shares = {finder.name: {} for finder in finders}
    elsewhere = dict.fromkeys(shares, 0)
    for kind, named_texts in copies.items():
        hits = dict.fromkeys(shares, 0)
        for name, text in named_texts:
            copy = first.sketch(text)
            for finder in finders:
                names = finder.find(copy)
                hits[finder.name] += name in names
                elsewhere[finder.name] += bool(names - {name})
        for finder_name, count in hits.items():
            shares[finder_name][kind] = count / len(named_texts)
    false = {
        finder.name: pairs(
            (name, other)
            for name, original in originals.items()
            for other in finder.find(original) - {name}
        )
        for finder in finders
    }
    return shares, elsewhere, false


def table(results, copies):
    """Prints one column for each finder."""
    names = [name for shares, _, _ in results for name in shares]
    merged = {
        name: (shares[name], elsewhere[name], false[name])
        for shares, elsewhere, false in results
        for name in shares
    }
    print(f"{'copies found':<34}" + "".join(f"{name:>20}" for name in names))
    for kind in copies:
        print(f"{kind:<34}" + "".join(f"{merged[name][0][kind]:>20.2%}" for name in names))
    total = sum(map(len, copies.values()))
    label = f"also in another story, of {total}"
    print(f"{label:<34}" + "".join(f"{merged[name][1]:>20}" for name in names))
    label = "pages in one story by the index"
    print(f"{label:<34}" + "".join(f"{len(merged[name][2]):>20}" for name in names))


def main():
    if not CORPORA.is_dir():
        sys.exit(f"no corpora in {CORPORA}; set PRESSWATCH_CORPORA to their folder")
    gold = list(corpora())
    # Teasers are too short to have a story.
    articles = [page for page in gold if sketch(page[2])]
    words = [len(body.split()) for *_, body in articles]
    print(f"{len(articles)} texts of {len(gold)}, {statistics.mean(words):.0f} words on average")
    copies = Newsroom(articles).copies()
    ours = Ours()
    results = [measure([ours, *map(Ours, AROUND)], articles, copies)]
    others = [DataSketch(threshold) for threshold in THRESHOLDS] if MinHash else []
    if others:
        results.append(measure(others, articles, copies))
    table(results, copies)

    sketches = {name: sketch(body) for name, _, body in articles}
    show_closest(sketches)
    show_costs([ours, *others[:1]], [body for *_, body in articles], list(sketches.values()))
    if not others:
        print("datasketch is not installed; the docstring says how to compare with it")


def show_closest(sketches):
    """Prints the pairs of different pages that are one story, and those that come closest."""
    both = list(combinations(sketches.items(), 2))
    false = [
        (name, other_name)
        for (name, known), (other_name, other) in both
        if same_story(known, other)
    ]
    print(f"ours: {len(false)} of all {len(both)} pairs of pages are one story")
    for pair in false:
        print("   ", *pair)
    closest = sorted(
        (common / fewest, name, other_name)
        for (name, known), (other_name, other) in both
        for common, fewest in [overlap(known, other)]
        if common >= FEWEST_COMMON
    )
    print("      most alike:")
    for share, name, other_name in closest[-5:]:
        print(f"       {share:.2f} {name} {other_name}")


def show_costs(finders, texts, sketches):
    """Prints the time and space that a typical text and a comparison take."""
    typical = min(texts, key=lambda text: abs(len(text.split()) - TYPICAL_WORDS))
    print(f"an article of {len(typical.split())} words:")
    for finder in finders:
        cost = best_of(50, lambda f=finder: f.sketch(typical))
        print(f"  {finder.name.split()[0]:<12} {cost:6.0f} µs, {finder.size():.0f} bytes")
    cost = best_of(50, lambda: [same_story(*sketches[:2]) for _ in range(100)]) / 100
    print(f"  a comparison of two of our sketches {cost:.1f} µs")


if __name__ == "__main__":
    main()
