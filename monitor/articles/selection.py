"""Selects the blocks of a page that are its article, by a small model and some rules. Pure.

The model is a sum of decision trees over the values that `features` computes for a block. It is
trained by `tests/bench/train_cleaning.py` on pages whose article is known; `docs/cleaning.md` says
how well it does on publishers that it has not seen.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from functools import cache
from itertools import compress
from math import exp
from pathlib import Path
from typing import TypeAlias

from monitor.articles.blocks import Block
from monitor.articles.features import NAMES, ArticleHints, features
from monitor.articles.wording import shingles

MODEL = Path(__file__).with_name("model.json")

# A block is selected if it belongs to the article with at least this probability. If the model is
# sure of no block, half the average probability of the page's best blocks will do.
_PROBABLE = 0.5
_OF_BEST = 0.5
_BEST_BLOCKS = 8
# If the sum of the first trees is lower than this, the other trees never make up for it.
_FIRST_TREES = 45
_HOPELESS_SUM = -2.7
# A block inside an element that is named an advert is never part of the article.
_ADVERT_FEATURE = NAMES.index("in_advert")
# If all of these are zero, no prose is like the block or beside it, and the other extractor took
# nothing there.
_SIGN_FEATURES = tuple(
    map(NAMES.index, ("like_good", "beside_good", "like_opinion", "beside_opinion"))
)
# The rows of a table do not look like prose: they follow the paragraph before them if it is at
# least this probable.
_PROBABLE_BEFORE_ROWS = 0.7
# Readers' comments are dropped unless they are at least this share of the page's prose.
_ALMOST_ALL = 0.9
# A repeated block is dropped if it has at least this many words; shorter ones are phrases.
_PHRASE_WORDS = 15
# Pleas for subscriptions are shorter than paragraphs of background.
_BACKGROUND_WORDS = 30
# An announced page with a smaller share of new words is a copy of other pages, not furniture.
_NEW_SHARE = 0.2

# [feature, threshold, tree up to it, tree beyond it], or the value that a leaf adds.
Tree: TypeAlias = "list[int | float | Tree] | float"


def _never(_block: Block) -> bool:
    return False


def article(
    blocks: Sequence[Block],
    hints: ArticleHints,
    is_furniture: Callable[[Block], bool] = _never,
    *,
    is_announced: bool = True,
) -> list[Block]:
    """Returns the article's blocks in document order; an empty list if there is no article.

    `is_furniture` returns whether other pages of the site have a block too. `is_announced` says
    whether the page has the title under which a feed announced it.
    """
    probabilities = _probabilities(blocks, hints)
    threshold = _threshold(blocks, probabilities)
    selected = [probability >= threshold for probability in probabilities]
    _drop_furniture(blocks, selected, is_furniture, is_announced=is_announced)
    return _without_repetitions(list(compress(blocks, selected)))


def _drop_furniture(
    blocks: Sequence[Block],
    selected: list[bool],
    is_furniture: Callable[[Block], bool],
    *,
    is_announced: bool,
) -> None:
    """Deselects furniture, except long paragraphs inside the article, which are background.

    A page that is nothing but furniture is a consent page or the like, and loses all of it, unless
    its feed announced it: portals publish the same agency text several times.
    """
    furniture = [
        is_selected and is_furniture(block)
        for block, is_selected in zip(blocks, selected, strict=True)
    ]
    new = [
        is_selected and not is_known
        for is_selected, is_known in zip(selected, furniture, strict=True)
    ]
    selected_words, new_words = (
        sum(len(block.words) for block in compress(blocks, mask)) for mask in (selected, new)
    )
    if is_announced and new_words < _NEW_SHARE * selected_words:
        return
    for at, block in enumerate(blocks):
        if furniture[at]:
            is_inside = 0 < at < len(blocks) - 1 and new[at - 1] and new[at + 1]
            is_background = not block.links and len(block.words) >= _BACKGROUND_WORDS
            selected[at] = is_inside and is_background


def _probabilities(blocks: Sequence[Block], hints: ArticleHints) -> list[float]:
    """Returns how likely each block is to be part of the article."""
    if not blocks:
        return []
    rows = features(blocks, hints)
    probabilities = [_probability(row) if _is_candidate(row) else 0.0 for row in rows]
    _drop_comments(blocks, probabilities)
    _keep_rows_with_paragraphs(blocks, probabilities)
    return probabilities


def _is_candidate(row: Sequence[float]) -> bool:
    """Returns whether the model must be evaluated: most furniture is excluded without it."""
    return not row[_ADVERT_FEATURE] and any(row[at] for at in _SIGN_FEATURES)


def _probability(row: Sequence[float]) -> float:
    sum_of_first, sum_of_others = _sums()
    total = sum_of_first(*row)
    if total < _HOPELESS_SUM:
        return 0.0
    return 1 / (1 + exp(-total - sum_of_others(*row)))


@cache
def _sums() -> tuple[Callable[..., float], Callable[..., float]]:
    """Returns functions that add up the model's first trees, and its others, for a block's values.

    Python compiles the trees: to walk them as data takes three times as long, and more than any
    other step. Raises ValueError if the model was trained on other features.
    """
    stored = json.loads(MODEL.read_text(encoding="ascii"))
    if stored["features"] != list(NAMES):
        raise ValueError(f"{MODEL.name} was trained on other features: train it again")
    return sums_of(stored["trees"])


def sums_of(trees: Sequence[Tree]) -> tuple[Callable[..., float], Callable[..., float]]:
    """Returns the functions of a model's trees; see `_sums`."""
    values = ", ".join(f"v{number}" for number in range(len(NAMES)))
    spelt = list(map(_expression, trees))
    first, others = (
        eval(f"lambda {values}: {' + '.join(some) or 0}", {})  # noqa: S307 - our own numbers
        for some in (spelt[:_FIRST_TREES], spelt[_FIRST_TREES:])
    )
    return first, others


def _expression(tree: Tree) -> str:
    """Returns a tree as an expression over the values of the features."""
    if not isinstance(tree, list):
        return repr(float(tree))
    feature, threshold, below, beyond = tree
    return f"({_expression(below)} if v{feature} <= {threshold!r} else {_expression(beyond)})"


def _drop_comments(blocks: Sequence[Block], probabilities: list[float]) -> None:
    """Sets readers' comments to zero, unless they are nearly all of the page's prose."""
    total = sum(len(block.text) for block in blocks if len(block.words) >= _PHRASE_WORDS)
    comments = sum(
        len(block.text)
        for block in blocks
        if len(block.words) >= _PHRASE_WORDS and block.container.comments
    )
    if comments < _ALMOST_ALL * total:
        for at, block in enumerate(blocks):
            if block.container.comments:
                probabilities[at] = 0.0


def _keep_rows_with_paragraphs(blocks: Sequence[Block], probabilities: list[float]) -> None:
    """Raises the rows of a table to nearly the probability of a probable paragraph before it."""
    paragraph = 0.0
    for at, block in enumerate(blocks):
        if block.container.tag not in {"tr", "td", "th"}:
            paragraph = probabilities[at]
        elif paragraph >= _PROBABLE_BEFORE_ROWS:
            probabilities[at] = max(probabilities[at], paragraph * 0.9)


def _threshold(blocks: Sequence[Block], probabilities: Sequence[float]) -> float:
    """Returns the least probability of a block that is selected."""
    pairs = zip(probabilities, (len(block.text) for block in blocks), strict=True)
    best = sorted(pairs, key=lambda pair: -pair[0])[:_BEST_BLOCKS]
    length = sum(chars for _, chars in best) or 1
    average = sum(probability * chars for probability, chars in best) / length
    return min(_PROBABLE, _OF_BEST * average)


def _without_repetitions(selected: Sequence[Block]) -> list[Block]:
    """Drops blocks that repeat the text above them: some pages hold their article twice."""
    known: set[tuple[str, ...]] = set()
    kept = []
    for block in selected:
        block_shingles = shingles(block.words)
        if len(block.words) < _PHRASE_WORDS or not block_shingles <= known:
            kept.append(block)
        known |= block_shingles
    return kept
