"""Turns each block of a page into numbers for the model that selects the article. Pure.

Few features look at class names: with 17 kinds of names the model did no better on publishers that
it had not seen.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from monitor.articles.blocks import Block, BlockContainer
from monitor.articles.wording import share_in, shingles, text_features, words

# A "good" block is probably prose: it has at least this many words, and less than this share of its
# text in links.
_GOOD_WORDS = 15
_GOOD_LINK_SHARE = 0.4
# A container with at least these shares of the page's good text has "much" or "most" of it.
_MUCH, _MOST = 0.3, 0.6
# The rank of all groups beyond the first nine by good text, and of groups without good blocks.
_LAST_RANK = 9
# A shingle has this many words.
_SHINGLE_WORDS = 3
# A block counts as taken by the other extractor if more than this share of it is in its text.
_TAKEN_SHARE = 0.5
# The share taken is averaged over this many blocks on either side.
_OPINION_REACH = 4
# A block that has more than this share of the title's words repeats the title.
_TITLE_SHARE = 0.8

NAMES = tuple(
    "words characters link_share links bold_share word_length ends_sentence ends_clause commas"
    " digits capitals junk repeated position position_in_text depth depth_in_root in_root"
    " up_to_much up_to_most from_first to_last relative"
    " is_p is_li is_heading is_quote is_caption is_row is_div level"
    " in_aside in_advert in_furniture in_article in_figure in_table in_section embedded"
    " same_article articles article_rank headings titles starts_with_link"
    " like_count like_length like_links like_share like_good like_text like_rank"
    " beside_count beside_length beside_links beside_good beside_text beside_rank"
    " before2_words before2_links before2_good before_words before_links before_good"
    " after_words after_links after_good after2_words after2_links after2_good"
    " as_title as_summary as_structured from_title blocks good_share good_text"
    " opinion like_opinion beside_opinion opinion_around opinion_before opinion_after"
    " from_opinion to_opinion".split()
)


@dataclass(frozen=True, slots=True)
class ArticleHints:
    """The knowledge of an article apart from the blocks of its page.

    Title, summary and body are as the feed or the page's metadata give them. `opinion` is the text
    that another extractor selects, one paragraph a line.
    """

    title: str = ""
    summary: str = ""
    body: str = ""
    opinion: str = ""


class _Surroundings(NamedTuple):
    """The features of a block that its containers give it.

    `up_to_much` and `up_to_most` count the levels up to the container with much or most of the
    text; -1 if there is none.
    """

    in_root: bool
    up_to_much: int
    up_to_most: int
    aside: bool
    advert: bool
    furniture: bool


_NO_SURROUNDINGS = _Surroundings(
    in_root=False, up_to_much=-1, up_to_most=-1, aside=False, advert=False, furniture=False
)


@dataclass(slots=True)
class _Group:
    """Totals over blocks that share a path or a parent."""

    blocks: int = 0
    characters: int = 0
    linked: int = 0
    good: int = 0
    good_characters: int = 0
    opinion: float = 0
    rank: int = _LAST_RANK

    def summary(self) -> tuple[float, float, float, float]:
        return (
            self.blocks,
            self.characters / self.blocks,
            self.linked / max(1, self.characters),
            self.good / self.blocks,
        )


def features(blocks: Sequence[Block], hints: ArticleHints) -> list[list[float]]:
    """Returns a row for each block, with a value for each of `NAMES`; sets the blocks' `words`."""
    for block in blocks:
        block.words = words(block.text)
    return _PageFeatures(blocks, hints).rows()


class _PageFeatures:
    """The features of one page's blocks, with the totals that they are relative to."""

    def __init__(self, blocks: Sequence[Block], hints: ArticleHints) -> None:
        self._blocks = blocks
        self._link_shares = [block.link_chars / max(1, len(block.text)) for block in blocks]
        self._good = [
            len(block.words) >= _GOOD_WORDS and link_share < _GOOD_LINK_SHARE
            for block, link_share in zip(blocks, self._link_shares, strict=True)
        ]
        self._characters = sum(len(block.text) for block in blocks) or 1
        self._good_characters = (
            sum(len(block.text) for block, good in zip(blocks, self._good, strict=True) if good)
            or 1
        )
        self._opinion = _taken_shares(blocks, hints.opinion)
        taken = [at for at, share in enumerate(self._opinion) if share > _TAKEN_SHARE]
        self._first_taken, self._last_taken = (taken[0], taken[-1]) if taken else (0, len(blocks))
        self._repeated = Counter(block.text for block in blocks)
        self._find_root()
        self._like = self._group(block.container.signature for block in blocks)
        self._beside = self._group(
            (block.container.parent or block.container).number for block in blocks
        )
        good_articles = dict.fromkeys(
            block.container.article for block, good in zip(blocks, self._good, strict=True) if good
        )
        self._article_ranks = {article: rank for rank, article in enumerate(good_articles)}
        self._find_title(hints.title)
        self._summary, self._body = shingles(words(hints.summary)), shingles(words(hints.body))

    def _find_title(self, title: str) -> None:
        """Finds the first block that repeats the title, and the <article> that holds it."""
        self._title_words = set(words(title))
        self._title_at, self._title_article = -1, -1
        for at, block in enumerate(self._blocks):
            if self._is_title(block):
                self._title_at, self._title_article = at, block.container.article
                break

    def _is_title(self, block: Block) -> bool:
        count = len(self._title_words)
        if not count or len(block.words) >= 2 * count + 3:
            return False
        return len(self._title_words.intersection(block.words)) > _TITLE_SHARE * count

    def _find_root(self) -> None:
        """Finds the root, the innermost container with most of the text, and its good blocks."""
        held: dict[BlockContainer, int] = defaultdict(int)
        for block, good in zip(self._blocks, self._good, strict=True):
            if good:
                for container in block.container.outwards():
                    held[container] += len(block.text)
        self._text_shares = {
            container: characters / self._good_characters for container, characters in held.items()
        }
        roots = [container for container, share in self._text_shares.items() if share >= _MOST]
        self._root = max(roots, key=lambda root: (root.depth, root.number), default=None)
        self._root_depth = self._root.depth if self._root else 0
        self._known_surroundings: dict[BlockContainer, _Surroundings] = {}
        inside = [
            at
            for at, (block, good) in enumerate(zip(self._blocks, self._good, strict=True))
            if good and self._surroundings(block.container).in_root
        ]
        self._first, self._last = (inside[0], inside[-1]) if inside else (0, 0)

    def _surroundings(self, container: BlockContainer) -> _Surroundings:
        """Returns the surroundings of blocks in `container`, which are computed once."""
        known = self._known_surroundings.get(container)
        if known is None:
            outer = self._surroundings(container.parent) if container.parent else _NO_SURROUNDINGS
            share = self._text_shares.get(container, 0.0)
            # A container with much of the text may be named after any part of its content.
            small = share < _MUCH
            known = self._known_surroundings[container] = _Surroundings(
                in_root=outer.in_root or container is self._root,
                up_to_much=0 if share >= _MUCH else outer.up_to_much + (outer.up_to_much >= 0),
                up_to_most=0 if share >= _MOST else outer.up_to_most + (outer.up_to_most >= 0),
                aside=outer.aside or (small and container.aside),
                advert=outer.advert or (small and container.advert),
                furniture=outer.furniture or (small and container.furniture),
            )
        return known

    def _group(self, keys: Iterable[int]) -> list[_Group]:
        """Returns the group of each block; blocks with equal keys share a group."""
        groups: dict[int, _Group] = defaultdict(_Group)
        members = []
        for at, (block, good, key) in enumerate(zip(self._blocks, self._good, keys, strict=True)):
            group = groups[key]
            group.opinion += self._opinion[at] * len(block.text)
            group.blocks += 1
            group.characters += len(block.text)
            group.linked += block.link_chars
            if good:
                group.good += 1
                group.good_characters += len(block.text)
            members.append(group)
        with_text = [group for group in groups.values() if group.good]
        with_text.sort(key=lambda group: -group.good_characters)
        for rank, group in enumerate(with_text[:_LAST_RANK]):
            group.rank = rank
        return members

    def rows(self) -> list[list[float]]:
        """Returns the row of each block."""
        rows = []
        characters_above = headings = titles = 0
        for at, block in enumerate(self._blocks):
            titles += block.container.tag == "h1"
            headings += block.is_heading
            rows.append(
                [
                    *text_features(block, self._link_shares[at]),
                    self._repeated[block.text],
                    *self._of_position(block, at, characters_above),
                    headings,
                    titles,
                    block.starts_with_link,
                    *self._of_groups(at),
                    *self._of_neighbours(at),
                    *self._of_page(block, at),
                    *self._of_opinion(at),
                ]
            )
            characters_above += len(block.text)
        return rows

    def _of_position(self, block: Block, at: int, characters_above: int) -> tuple[float, ...]:
        container = block.container
        tag = container.tag
        around = self._surroundings(container)
        return (
            at / len(self._blocks),
            characters_above / self._characters,
            container.depth,
            container.depth - self._root_depth,
            around.in_root,
            around.up_to_much,
            around.up_to_most,
            at - self._first,
            self._last - at,
            (at - self._first) / (self._last - self._first + 1),
            tag == "p",
            tag == "li",
            block.is_heading,
            tag == "blockquote",
            tag == "figcaption",
            tag in {"td", "th", "tr"},
            tag == "div",
            int(tag[1]) if block.is_heading else 0,
            around.aside,
            around.advert,
            around.furniture,
            container.article >= 0,
            container.figure,
            container.table,
            container.section,
            container.embedded,
            container.article == self._title_article,
            len(self._article_ranks),
            self._article_ranks.get(container.article, _LAST_RANK),
        )

    def _of_groups(self, at: int) -> tuple[float, ...]:
        like, beside = self._like[at], self._beside[at]
        count, length, links, good = like.summary()
        return (
            count,
            length,
            links,
            like.characters / self._characters,
            good,
            like.good_characters / self._good_characters,
            like.rank,
            *beside.summary(),
            beside.good_characters / self._good_characters,
            beside.rank,
        )

    def _of_neighbours(self, at: int) -> list[float]:
        values: list[float] = []
        for other in (at - 2, at - 1, at + 1, at + 2):
            if 0 <= other < len(self._blocks):
                count = len(self._blocks[other].words)
                values += (count, self._link_shares[other], self._good[other])
            else:
                values += (-1, -1, -1)
        return values

    def _of_page(self, block: Block, at: int) -> tuple[float, ...]:
        distinct = set(block.words)
        return (
            len(distinct & self._title_words) / max(1, len(distinct)),
            share_in(block.words, self._summary),
            share_in(block.words, self._body) if self._body else -1,
            at - self._title_at if self._title_at >= 0 else -999,
            len(self._blocks),
            self._good_characters / self._characters,
            self._good_characters,
        )

    def _of_opinion(self, at: int) -> tuple[float, ...]:
        like, beside, opinion = self._like[at], self._beside[at], self._opinion
        around = opinion[max(0, at - _OPINION_REACH) : at + _OPINION_REACH + 1]
        return (
            opinion[at],
            like.opinion / max(1, like.characters),
            beside.opinion / max(1, beside.characters),
            sum(around) / len(around),
            opinion[at - 1] if at else -1,
            opinion[at + 1] if at + 1 < len(opinion) else -1,
            at - self._first_taken,
            self._last_taken - at,
        )


def _taken_shares(blocks: Sequence[Block], opinion: str) -> list[float]:
    """Returns the share of each block that is in the other extractor's text.

    A block that is too short for a shingle is in it if it is one of its lines.
    """
    taken = shingles(words(opinion))
    lines = {tuple(words(line)) for line in opinion.splitlines()}
    return [
        share_in(block.words, taken)
        if len(block.words) >= _SHINGLE_WORDS
        else float(tuple(block.words) in lines)
        for block in blocks
    ]
