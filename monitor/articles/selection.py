"""Which blocks of a page are its article: a small model's answer, and some rules. Pure.

The model is a sum of decision trees over what `features` says of a block, trained by
`tests/bench/train_cleaning.py` on pages whose article is known; `docs/cleaning.md` has what it
does on publishers that it has not seen.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import compress
from math import exp
from pathlib import Path
from typing import TypeAlias

from monitor.articles.blocks import Block
from monitor.articles.features import NAMES, Told, features

MODEL = Path(__file__).with_name("model.json")

# A block is taken that is more likely than this to be of the article, or, where the model is sure
# of nothing, at least half as likely as the page's best ones.
LIKELY = 0.5
HALF = 0.5
_BEST = 8
# A block that is so unlikely after the first trees does not become likely by the others.
_FIRST_TREES = 45
_HOPELESS = -2.7
# What is named an advert is none of the article, whatever it looks like.
_ADVERT = NAMES.index("in_advert")
# Where nobody's text is like a block or beside it, and the other extractor took none of these.
_SIGNS = tuple(map(NAMES.index, ("like_good", "beside_good", "like_opinion", "beside_opinion")))
# A table's rows look like nothing that people write: they go with the paragraph before them.
_SURE = 0.7
# Readers' comments are left out, unless hardly anything else is there.
_ALMOST_ALL = 0.9
# What was said already, word by word, is not said again, if it is more than a phrase.
_PHRASE_WORDS = 15
# Sites ask for subscriptions in fewer words than it takes to tell what happened before.
_BACKGROUND_WORDS = 30
# A page that says next to nothing else than other pages is a copy of them, not furniture alone.
_OWN = 0.2

# (feature, threshold, tree up to it, tree beyond it), or what a leaf adds.
Tree: TypeAlias = "tuple[int, float, Tree, Tree] | float"


def _never(_block: Block) -> bool:
    return False


@dataclass(frozen=True, slots=True)
class Scored:
    """A block, with how likely it is to be of the article."""

    block: Block
    likely: float


def article(
    blocks: Sequence[Block],
    told: Told,
    is_furniture: Callable[[Block], bool] = _never,
    *,
    is_announced: bool = True,
) -> list[Block]:
    """The article's blocks, in the page's order; empty where there is none.

    `is_furniture` says what the site's other pages have, too, and `is_announced` whether the page
    has the title by which a feed announced it.
    """
    scored = score(blocks, told)
    enough = _enough(scored)
    taken = [one.likely >= enough for one in scored]
    _leave_out_furniture(blocks, taken, is_furniture, is_announced=is_announced)
    return _once(list(compress(blocks, taken)))


def _leave_out_furniture(
    blocks: Sequence[Block],
    taken: list[bool],
    is_furniture: Callable[[Block], bool],
    *,
    is_announced: bool,
) -> None:
    """Of what was taken; but a long paragraph amidst the text is background told once more.

    A page that is nothing but furniture is a consent page or the like, unless it is what was
    announced: portals have the same text of an agency several times.
    """
    known = [one and is_furniture(block) for block, one in zip(blocks, taken, strict=True)]
    own = [one and not furniture for one, furniture in zip(taken, known, strict=True)]
    said, left = (sum(len(block.words) for block in compress(blocks, one)) for one in (taken, own))
    if is_announced and left < _OWN * said:
        return
    for at, block in enumerate(blocks):
        if known[at]:
            amidst = 0 < at < len(blocks) - 1 and own[at - 1] and own[at + 1]
            taken[at] = amidst and not block.links and len(block.words) >= _BACKGROUND_WORDS


def score(blocks: Sequence[Block], told: Told) -> list[Scored]:
    """How likely each block is to be of the article."""
    if not blocks:
        return []
    rows = features(blocks, told)
    likely = [_likelihood(row) if _may_be(row) else 0.0 for row in rows]
    _leave_out_comments(blocks, likely)
    _take_rows_along(blocks, likely)
    return [Scored(*pair) for pair in zip(blocks, likely, strict=True)]


def _may_be(row: Sequence[float]) -> bool:
    """Whether the model need be asked: for most of a page's furniture it need not."""
    return not row[_ADVERT] and any(row[at] for at in _SIGNS)


def _likelihood(row: Sequence[float]) -> float:
    trees = _trees()
    total = sum(_leaf(tree, row) for tree in trees[:_FIRST_TREES])
    if total < _HOPELESS:
        return 0.0
    total += sum(_leaf(tree, row) for tree in trees[_FIRST_TREES:])
    return 1 / (1 + exp(-total))


def _leaf(tree: Tree, row: Sequence[float]) -> float:
    while tree.__class__ is tuple:  # twice as fast as isinstance, and this is where time goes
        feature, threshold, below, beyond = tree
        tree = below if row[feature] <= threshold else beyond
    return tree  # type: ignore[return-value]


@cache
def _trees() -> tuple[Tree, ...]:
    """The model; raises ValueError where it was trained on other features than these."""
    stored = json.loads(MODEL.read_text(encoding="ascii"))
    if stored["features"] != list(NAMES):
        raise ValueError(f"{MODEL.name} was trained on other features: train it again")
    return tuple(map(_tree, stored["trees"]))


def _tree(stored: list[object] | float) -> Tree:
    if not isinstance(stored, list):
        return float(stored)
    feature, threshold, below, beyond = stored
    return (feature, threshold, _tree(below), _tree(beyond))  # type: ignore[arg-type, return-value]


def _leave_out_comments(blocks: Sequence[Block], likely: list[float]) -> None:
    total = sum(len(block.text) for block in blocks if len(block.words) >= _PHRASE_WORDS)
    comments = sum(
        len(block.text)
        for block in blocks
        if len(block.words) >= _PHRASE_WORDS and block.place.comments
    )
    if comments < _ALMOST_ALL * total:
        for at, block in enumerate(blocks):
            if block.place.comments:
                likely[at] = 0.0


def _take_rows_along(blocks: Sequence[Block], likely: list[float]) -> None:
    before = 0.0
    for at, block in enumerate(blocks):
        if block.place.tag not in {"tr", "td", "th"}:
            before = likely[at]
        elif before >= _SURE:
            likely[at] = max(likely[at], before * 0.9)


def _enough(scored: Sequence[Scored]) -> float:
    """How likely a block must be to be taken."""
    best = sorted(scored, key=lambda one: -one.likely)[:_BEST]
    length = sum(len(one.block.text) for one in best) or 1
    average = sum(one.likely * len(one.block.text) for one in best) / length
    return min(LIKELY, HALF * average)


def _once(chosen: Sequence[Block]) -> list[Block]:
    """The blocks less those that repeat what stands above: pages hold their article twice."""
    said: set[tuple[str, ...]] = set()
    kept = []
    for block in chosen:
        found = block.words
        shingles = set(zip(found, found[1:], found[2:], strict=False))
        if len(found) < _PHRASE_WORDS or not shingles <= said:
            kept.append(block)
        said |= shingles
    return kept
