"""Trains the model that separates articles from furniture, and measures how well it does.

    pip install lightgbm
    python tests/bench/train_cleaning.py [--wcxb FOLDER] [--ablate] [--keep]

Prints the scores of cross-validation in five parts, with each publisher in one part only. --wcxb also
trains on the pages of that benchmark, in FOLDER. --ablate also prints the scores without each kind of
feature. --keep trains on all pages and writes `monitor/articles/model.json`.
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
from monitor.articles.structured import json_ld, page_hints

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
# The mean of several models that differ only in their random seed is better than each of them.
MODELS = 3
DIGITS = 4
SHINGLE_WORDS = 4
# Pages that other people annotated by other rules have less weight, and only those are used whose
# gold text consists of whole blocks, as ours does.
EXTRA_WEIGHT = 0.1
EXTRA_F1 = 0.98
ABLATION = {
    "the second opinion": "opinion",
    "title, summary, JSON-LD": "^as_|title|^headings$",
    "blocks of the same path": "^like_",
    "blocks beside": "^beside_",
    "neighbours": "^before|^after",
    "names of classes": "^in_advert|^in_furniture|^embedded",
    "place and depth": "position|depth|^up_to|^from_|^to_|relative|in_root",
    "the block's own words": "^(words|characters|word_length|ends_|commas|digits|capitals|junk)",
}


class Sample:
    """A page split into blocks, with a label for each: whether it is part of the article."""

    def __init__(self, page, weight=1):
        self.page = page
        tree = parse(decode(page.html, None))
        self.blocks, hints = blocks(tree), page_hints(tree, json_ld(tree))
        self.hints = replace(hints, opinion=second_opinion(tree))
        self.rows = features(self.blocks, self.hints)
        self.labels = labels(self.blocks, page.body)
        article_chars = sum(
            len(block.text) for block, label in zip(self.blocks, self.labels, strict=True) if label
        )
        # Long blocks have more weight than short ones, but long articles no more than short ones.
        of_article = (1000 / (200 + article_chars)) ** 0.5
        self.weights = [
            weight * (5 + 2 * min(len(block.text), 600) ** 0.5) * of_article
            for block in self.blocks
        ]

    def is_made_of_blocks(self):
        """Returns whether the labelled blocks make up the gold text."""
        text = "\n".join(compress([block.text for block in self.blocks], self.labels))
        precision, recall, _, _ = scores(self.page, text)
        return any(self.labels) and 2 * precision * recall >= EXTRA_F1 * (precision + recall)


def labels(page_blocks, body):
    """Returns for each block whether it is in the gold text."""
    gold = WORD.findall(body)
    block_words = [WORD.findall(block.text) for block in page_blocks]
    covered = [False] * len(gold)
    spans = _spans_of_long_blocks(block_words, gold, covered)
    result = [span is not None for span in spans]
    for number, words in enumerate(block_words):
        if 0 < len(words) < SHINGLE_WORDS:
            result[number] = _covers_short_block(number, words, spans, gold, covered)
    return result


def _spans_of_long_blocks(block_words, gold, covered):
    """Returns for each block its span in the gold words, or None; marks these words as covered.

    A block is in the gold text if at least half of its shingles are.
    """
    positions = {}
    for at in range(len(gold) - SHINGLE_WORDS + 1):
        positions.setdefault(tuple(gold[at : at + SHINGLE_WORDS]), at)
    spans = []
    for words in block_words:
        starts = range(len(words) - SHINGLE_WORDS + 1)
        hits = [positions.get(tuple(words[at : at + SHINGLE_WORDS])) for at in starts]
        in_gold = [hit for hit in hits if hit is not None]
        if not hits or 2 * len(in_gold) < len(hits):
            spans.append(None)
            continue
        spans.append((min(in_gold), max(in_gold) + SHINGLE_WORDS))
        for hit in in_gold:
            covered[hit : hit + SHINGLE_WORDS] = [True] * SHINGLE_WORDS
    return spans


def _covers_short_block(number, words, spans, gold, covered):
    """Returns whether a block too short for a shingle is in the gold text between its neighbours.

    Marks its words there as covered.
    """
    above = [span for span in spans[max(0, number - 14) : number] if span]
    below = [span for span in spans[number + 1 : number + 15] if span]
    if not above or not below:
        return False
    first = max(0, above[-1][1] - 2)
    for at in range(first, min(below[0][0] + 2, len(gold) - len(words) + 1)):
        end = at + len(words)
        if gold[at:end] == words and not all(covered[at:end]):
            covered[at:end] = [True] * len(words)
            return True
    return False


def train(samples):
    """Returns the model as it is stored: the trees of all models, alternating."""
    rows = np.array([row for sample in samples for row in sample.rows], dtype=float)
    targets = np.array([label for sample in samples for label in sample.labels], dtype=float)
    weights = np.array([weight for sample in samples for weight in sample.weights])
    models = []
    for seed in range(1, MODELS + 1):
        data = lightgbm.Dataset(rows, targets, weight=weights)
        booster = lightgbm.train(SETTINGS | {"seed": seed}, data, TREES)
        models.append(
            [as_tree(tree["tree_structure"]) for tree in booster.dump_model()["tree_info"]]
        )
    trees = [tree for alternating in zip(*models, strict=True) for tree in alternating]
    return {"features": list(NAMES), "trees": trees}


def as_tree(node):
    """Converts a tree of LightGBM to ours: features by index, rounded thresholds and values."""
    if "leaf_value" in node:
        return round(node["leaf_value"] / MODELS, DIGITS)
    return [
        node["split_feature"],
        float(f"{node['threshold']:.6g}"),
        as_tree(node["left_child"]),
        as_tree(node["right_child"]),
    ]


def use(model):
    """Makes the selection use this model."""
    sums = selection.sums_of(model["trees"])
    selection._sums = lambda: sums


def cross_validate(samples, extra):
    """Returns the text of each page, selected by a model that has not seen its publisher."""
    texts = {}
    parts = groups([sample.page for sample in samples], PARTS)
    for part in range(PARTS):
        held_out = [sample for sample, of in zip(samples, parts, strict=True) if of == part]
        unseen = {sample.page.publisher for sample in held_out}
        use(train([each for each in samples + extra if each.page.publisher not in unseen]))
        for sample in held_out:
            selected = selection.article(sample.blocks, sample.hints)
            texts[sample.page.name] = "\n".join(block.text for block in selected)
    return texts


def hide(samples, hidden):
    """Sets the features whose names match `hidden` to zero, in training and in the selection."""
    columns = [at for at, name in enumerate(NAMES) if hidden.search(name)]

    def without(rows):
        rows = [list(row) for row in rows]
        for row in rows:
            for at in columns:
                row[at] = 0.0
        return rows

    for sample in samples:
        sample.rows = without(sample.rows)
    selection.features = lambda page_blocks, hints: without(features(page_blocks, hints))


def ablate(samples, extra):
    """Prints the scores of models that are trained without each kind of feature."""
    rows_before = [(sample, sample.rows) for sample in samples + extra]
    for name, names in ABLATION.items():
        hide(samples + extra, re.compile(names))
        show(f"without {name}", cross_validate(samples, extra), [each.page for each in samples])
        for sample, rows in rows_before:
            sample.rows = rows
    selection.features = features


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--keep", action="store_true", help="train on all pages and write the model"
    )
    parser.add_argument(
        "--ablate", action="store_true", help="print the scores without each kind of feature"
    )
    parser.add_argument("--wcxb", help="a clone of the Web Content Extraction Benchmark")
    arguments = parser.parse_args()
    samples = [Sample(page) for page in pages()]
    counts = Counter(label for sample in samples for label in sample.labels)
    print(
        f"{len(samples)} pages of {CORPORA}, {counts[True]} of {counts.total()} blocks are article"
    )
    others = wcxb(arguments.wcxb) if arguments.wcxb else []
    extra = [
        sample
        for sample in (Sample(page, EXTRA_WEIGHT) for page in others)
        if sample.is_made_of_blocks()
    ]
    print(f"{len(extra)} extra pages to train on")
    show("unseen publishers", cross_validate(samples, extra), [each.page for each in samples])
    if arguments.ablate:
        ablate(samples, extra)
    if arguments.keep:
        model = json.dumps(train(samples + extra), separators=(",", ":"))
        selection.MODEL.write_text(model + "\n", encoding="ascii")
        print(f"{selection.MODEL}: {len(model)} bytes")


main()
