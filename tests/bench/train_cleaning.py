"""Train the model that tells a page's article from its furniture, and say how well it does.

    pip install lightgbm
    python tests/bench/train_cleaning.py [--wcxb FOLDER] [--ablate] [--keep]

With --wcxb, learns from the pages of that benchmark, too, where a clone of it is. Prints the scores of cross-validation, in five parts of which no two hold pages of one publisher.
With --keep, trains on all pages of the corpora and writes `monitor/articles/model.json`.
"""

import argparse
import json
import re
from collections import Counter
from dataclasses import replace
from itertools import compress

import lightgbm
import numpy as np
from corpora import CORPORA, WORD, groups, pages, scores, show, wcxb

from monitor.articles import selection
from monitor.articles.blocks import blocks
from monitor.articles.clean import second_opinion
from monitor.articles.features import NAMES, features
from monitor.articles.markup import decode, parse
from monitor.articles.structured import json_ld, told

PARTS = 5
SETTINGS = {
    "objective": "binary",
    "num_leaves": 8,
    "learning_rate": 0.08,
    "min_data_in_leaf": 25,
    "bagging_fraction": 0.8,
    "bagging_freq": 1,
    "feature_fraction": 0.4,
    "lambda_l2": 8,
    "deterministic": True,
    "verbose": -1,
}
TREES = 100
# The mean of several models that differ by chance alone is better than each of them.
MODELS = 3
DIGITS = 4
# Pages that other people have judged by other rules count less, and only those whose gold text is
# made of blocks as ours are.
MORE_WEIGHT = 0.1
MORE_F1 = 0.98
ABLATION = {
    "the second opinion": "opinion",
    "title, summary, JSON-LD": "^as_|title|^headings$",
    "blocks of the same way": "^like_",
    "blocks beside": "^beside_",
    "neighbours": "^before|^after",
    "names of classes": "^in_advert|^in_furniture|^embedded",
    "place and depth": "position|depth|^up_to|^from_|^to_|relative|in_root",
    "the block's own words": "^(words|characters|word_length|ends_|commas|digits|capitals|junk)",
}


class Sample:
    """A page in blocks, with which of them are of its article."""

    def __init__(self, page, weight=1):
        self.page = page
        tree = parse(decode(page.html, None))
        self.blocks, known = blocks(tree), told(tree, json_ld(tree))
        self.told = replace(known, opinion=second_opinion(tree))
        self.rows = features(self.blocks, self.told)
        self.labels = labels(self.blocks, page.body)
        own = sum(
            len(one.text) for one, label in zip(self.blocks, self.labels, strict=True) if label
        )
        # Long blocks decide more, long articles no more than short ones.
        self.weights = [
            weight * (5 + 2 * min(len(block.text), 600) ** 0.5) * (1000 / (200 + own)) ** 0.5
            for block in self.blocks
        ]

    def is_well_judged(self):
        """Whether the blocks that are labelled so make up the gold text."""
        text = "\n".join(compress([block.text for block in self.blocks], self.labels))
        precision, recall, _, _ = scores(self.page, text)
        return any(self.labels) and 2 * precision * recall >= MORE_F1 * (precision + recall)


def labels(found, body):  # noqa: C901 - two passes over one state
    """Which blocks stand in the gold text; those of one to three words by what is around them."""
    gold = WORD.findall(body)
    at_words = {}
    for at in range(len(gold) - 3):
        at_words.setdefault(tuple(gold[at : at + 4]), at)
    result, spans, covered = [False] * len(found), [None] * len(found), [False] * len(gold)
    own = [WORD.findall(block.text) for block in found]
    for number, words in enumerate(own):
        if len(words) < 4:
            continue
        hits = [at_words.get(tuple(words[at : at + 4])) for at in range(len(words) - 3)]
        known = [hit for hit in hits if hit is not None]
        if 2 * len(known) >= len(hits):
            result[number], spans[number] = True, (min(known), max(known) + 4)
            for hit in known:
                covered[hit : hit + 4] = [True] * 4
    for number, words in enumerate(own):
        if not 0 < len(words) < 4:
            continue
        before = next(
            (one[1] for one in reversed(spans[max(0, number - 14) : number]) if one), None
        )
        after = next((one[0] for one in spans[number + 1 : number + 15] if one), None)
        if before is None or after is None:
            continue
        for at in range(max(0, before - 2), min(after + 2, len(gold) - len(words) + 1)):
            if gold[at : at + len(words)] == words and not all(covered[at : at + len(words)]):
                result[number] = True
                covered[at : at + len(words)] = [True] * len(words)
                break
    return result


def train(samples):
    """The model as it is stored: what the trees of all models add, by turns."""
    rows = np.array([row for one in samples for row in one.rows], dtype=float)
    known = np.array([label for one in samples for label in one.labels], dtype=float)
    weights = np.array([weight for one in samples for weight in one.weights])
    models = []
    for seed in range(1, MODELS + 1):
        data = lightgbm.Dataset(rows, known, weight=weights)
        booster = lightgbm.train(SETTINGS | {"seed": seed}, data, TREES)
        models.append([as_tree(one["tree_structure"]) for one in booster.dump_model()["tree_info"]])
    trees = [tree for by_turns in zip(*models, strict=True) for tree in by_turns]
    return {"features": list(NAMES), "trees": trees}


def as_tree(node):
    """A tree of LightGBM's as ours: features by number, numbers cut to what matters."""
    if "leaf_value" in node:
        return round(node["leaf_value"] / MODELS, DIGITS)
    return [
        node["split_feature"],
        float(f"{node['threshold']:.6g}"),
        as_tree(node["left_child"]),
        as_tree(node["right_child"]),
    ]


def use(model):
    """Let the selection use this model."""
    trees = tuple(map(selection._tree, model["trees"]))
    selection._trees = lambda: trees


def cross_validate(samples, more):
    """What each page gives with a model that has not seen its publisher."""
    texts = {}
    parts = groups([one.page for one in samples], PARTS)
    for part in range(PARTS):
        unseen = {one.page.publisher for one, of in zip(samples, parts, strict=True) if of == part}
        use(train([one for one in samples + more if one.page.publisher not in unseen]))
        for one, of in zip(samples, parts, strict=True):
            if of == part:
                texts[one.page.name] = "\n".join(
                    block.text for block in selection.article(one.blocks, one.told)
                )
    return texts


def blind(samples, hidden):
    """Hide features whose names fit from training, and from whoever uses the model."""
    columns = [at for at, name in enumerate(NAMES) if hidden.search(name)]

    def hide(rows):
        for row in rows:
            for at in columns:
                row[at] = 0.0
        return rows

    for one in samples:
        one.rows = hide([list(row) for row in one.rows])
    selection.features = lambda found, known: hide([list(row) for row in features(found, known)])


def ablate(samples, more):
    """What each kind of features gains: the scores of models that have to do without."""
    seen = [(one, one.rows) for one in samples + more]
    for name, names in ABLATION.items():
        blind(samples + more, re.compile(names))
        show(f"without {name}", cross_validate(samples, more), [one.page for one in samples])
        for one, rows in seen:
            one.rows = rows
    selection.features = features


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--keep", action="store_true", help="train on all pages, and write the model"
    )
    parser.add_argument("--ablate", action="store_true", help="say what each feature gains")
    parser.add_argument("--wcxb", help="a clone of the Web Content Extraction Benchmark")
    arguments = parser.parse_args()
    samples = [Sample(page) for page in pages()]
    kinds = Counter(label for one in samples for label in one.labels)
    print(f"{len(samples)} pages of {CORPORA}, {kinds[True]} of {kinds.total()} blocks are article")
    more = wcxb(arguments.wcxb) if arguments.wcxb else []
    more = [one for one in (Sample(page, MORE_WEIGHT) for page in more) if one.is_well_judged()]
    print(f"{len(more)} pages more to learn from")
    show("unseen publishers", cross_validate(samples, more), [one.page for one in samples])
    if arguments.ablate:
        ablate(samples, more)
    if arguments.keep:
        model = json.dumps(train(samples + more), separators=(",", ":"))
        selection.MODEL.write_text(model + "\n", encoding="ascii")
        print(f"{selection.MODEL}: {len(model)} bytes")


main()
