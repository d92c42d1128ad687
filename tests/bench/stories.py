"""How well copies of a text are found, and unrelated texts kept apart.

    python tests/bench/stories.py

On the gold texts of the corpora, with copies as outlets make them. Prints the share of copies that
an index of the originals finds, the pairs of different pages taken for one story, and what a text
costs; the same for MinHashLSH of datasketch, on the same shingles, where that is installed. It is no
dependency of ours; in an environment of its own:

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

from monitor.articles.stories import FEWEST_COMMON, _overlap, _shingles, same_story, sketch

try:
    from datasketch import LeanMinHash, MinHash, MinHashLSH
except ImportError:
    MinHash = None

SENTENCE = re.compile(r"(?<=[.!?。！？])\s*")
ROUNDS = 3
PERMUTATIONS = 128
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
    """Each page's name, title and body."""
    for corpus in NAMES:
        gold = json.loads((CORPORA / corpus / "gold.json").read_text(encoding="utf-8"))
        for name, page in sorted(gold.items()):
            yield f"{corpus}/{name}", page["title"] or "", page["body"]


class Newsroom:
    """Makes copies of articles, as lists of sentences; all chance comes from one seed."""

    def __init__(self, articles, seed=1):
        self.rng = random.Random(seed)
        self.sentences = {
            name: [one for one in SENTENCE.split(body) if one] for name, _, body in articles
        }
        self.all = [one for found in self.sentences.values() for one in found]
        self.titles = [title for _, title, _ in articles if title]

    def cut(self, sentences, where):
        kept = max(1, round(len(sentences) * 0.6))
        spare = len(sentences) - kept
        at = {"beginning": 0, "end": spare, "middle": spare // 2}[where]
        return sentences[at : at + kept]

    def replaced(self, sentences):
        """One sentence in ten is one of any article."""
        result = list(sentences)
        for at in self.rng.sample(range(len(result)), round(len(result) * 0.1)):
            result[at] = self.rng.choice(self.all)
        return result

    def reworded(self, sentences):
        """One word in twenty is another one."""
        drawn = self.rng.sample(self.all, 50)
        words = [word for other in drawn for word in other.split()]
        return [
            " ".join(
                self.rng.choice(words) if self.rng.random() < 0.05 else word
                for word in sentence.split()
            )
            for sentence in sentences
        ]

    def titled(self, sentences):
        """Under another article's title, as where cleaning leaves the title in the text."""
        return [self.rng.choice(self.titles), *sentences]

    def furnished(self, sentences):
        lines = self.rng.sample(FURNITURE, self.rng.randint(2, 4))
        before = self.rng.randint(0, len(lines))
        return lines[:before] + sentences + lines[before:]

    def kinds(self):
        """What may happen to a text, by its description."""
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
        for what, edit in edits.items():
            for where in ("beginning", "end", "middle"):
                yield (
                    f"all, the {where}, {what}",
                    lambda s, w=where, e=edit: self.furnished(self.titled(e(self.cut(s, w)))),
                )

    def copies(self):
        """For each kind, the names of the originals with their copies."""
        return {
            kind: [
                (name, " ".join(make(sentences)))
                for name, sentences in self.sentences.items()
                for _ in range(ROUNDS)
            ]
            for kind, make in self.kinds()
        }


class Ours:
    name = "ours"

    def __init__(self):
        self.sketches = {}
        self.index = {}

    def draw(self, text):
        return sketch(text)

    def add(self, name, drawn):
        self.sketches[name] = drawn
        # As in the store, a key leads to the article that had it last.
        self.index.update(dict.fromkeys(drawn.keys if drawn else (), name))

    def find(self, drawn):
        keys = drawn.keys if drawn else ()
        candidates = {self.index[key] for key in keys if key in self.index}
        return {name for name in candidates if same_story(drawn, self.sketches[name])}

    def size(self):
        return statistics.mean(len(one.to_bytes()) for one in self.sketches.values())


class DataSketch:
    """MinHashLSH as it comes, but with our hash, since its own (SHA-1) would slow it down."""

    def __init__(self, threshold):
        self.name = f"datasketch at {threshold}"
        self.index = MinHashLSH(threshold=threshold, num_perm=PERMUTATIONS)

    def draw(self, text):
        drawn = MinHash(num_perm=PERMUTATIONS, hashfunc=crc32)
        drawn.update_batch(list(set(_shingles(text))))
        return drawn

    def add(self, name, drawn):
        self.index.insert(name, drawn)

    def find(self, drawn):
        return set(self.index.query(drawn))

    def size(self):
        return LeanMinHash(self.draw("a")).bytesize()


def best_of(rounds, act):
    """Microseconds of one call, the best of several."""
    costs = []
    for _ in range(rounds):
        began = time.perf_counter()
        act()
        costs.append(time.perf_counter() - began)
    return 1e6 * min(costs)


def pairs(names):
    return {tuple(sorted(pair)) for pair in names}


def measure(finders, articles, copies):
    """A column for each finder: copies found, then what was taken for one story wrongly."""
    first = finders[0]
    drawn = {name: first.draw(body) for name, _, body in articles}
    for finder in finders:
        for name, one in drawn.items():
            finder.add(name, one)
    found = {finder.name: {} for finder in finders}
    strange = dict.fromkeys(found, 0)
    for kind, made in copies.items():
        hits = dict.fromkeys(found, 0)
        for name, text in made:
            one = first.draw(text)
            for finder in finders:
                names = finder.find(one)
                hits[finder.name] += name in names
                strange[finder.name] += bool(names - {name})
        for each, count in hits.items():
            found[each][kind] = count / len(made)
    false = {
        finder.name: pairs(
            (name, other) for name, one in drawn.items() for other in finder.find(one) - {name}
        )
        for finder in finders
    }
    return found, strange, false


def table(results, copies):
    """Print one column for each finder."""
    names = [name for found, _, _ in results for name in found]
    merged = {name: (f[name], s[name], w[name]) for f, s, w in results for name in f}
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
        sys.exit(f"no corpora in {CORPORA}; name them in PRESSWATCH_CORPORA")
    everything = list(corpora())
    # Teasers tell nothing: they are no stories.
    articles = [page for page in everything if sketch(page[2])]
    words = [len(body.split()) for *_, body in articles]
    print(
        f"{len(articles)} texts of {len(everything)}, {statistics.mean(words):.0f} words on average"
    )
    copies = Newsroom(articles).copies()
    ours = Ours()
    results = [measure([ours], articles, copies)]
    others = [DataSketch(threshold) for threshold in THRESHOLDS] if MinHash else []
    if others:
        results.append(measure(others, articles, copies))
    table(results, copies)

    sketches = [sketch(body) for *_, body in articles]
    named = list(zip((name for name, *_ in articles), sketches, strict=True))
    both = list(combinations(named, 2))
    false = [(one[0], other[0]) for one, other in both if same_story(one[1], other[1])]
    print(f"ours: {len(false)} of all {len(both)} pairs of pages are one story")
    for pair in false:
        print("   ", *pair)
    near = sorted(
        (common / fewest, one[0], other[0])
        for one, other in both
        for common, fewest in [_overlap(one[1], other[1])]
        if common >= FEWEST_COMMON
    )
    print("      most alike:")
    for share, one, other in near[-5:]:
        print(f"       {share:.2f} {one} {other}")

    typical = min(
        (body for *_, body in articles), key=lambda t: abs(len(t.split()) - TYPICAL_WORDS)
    )
    one, other = sketches[0], sketches[1]
    print(f"an article of {len(typical.split())} words:")
    for finder in [ours, *others[:1]]:
        cost = best_of(50, lambda f=finder: f.draw(typical))
        print(f"  {finder.name.split()[0]:<12} {cost:6.0f} µs, {finder.size():.0f} bytes")
    cost = best_of(50, lambda: [same_story(one, other) for _ in range(100)]) / 100
    print(f"  a comparison of two of our sketches {cost:.1f} µs")
    if not others:
        print("datasketch is not installed; the docstring says how to compare with it")


if __name__ == "__main__":
    main()
