"""What is known of each block of a page, in numbers, for the model that tells articles. Pure.

Names of classes are used sparingly: with a list of 17 kinds of names the model did no better on
publishers that it had not seen.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from monitor.articles.blocks import Block, Place
from monitor.articles.wording import of_text, share_in, shingles, words

# A block of so many words, and with so little of it in links, is probably somebody's text.
_ENOUGH_WORDS = 15
_FEW_LINKS = 0.4
# The share of a page's text that stands in an element which holds much of it, and most of it.
_MUCH, _MOST = 0.3, 0.6
_FAR = 9
# Words in a row by which texts are compared, and when a block counts as taken.
_SHINGLE = 3
_TAKEN = 0.5
_AROUND = 4
# The share of the title's words that a heading with the title has.
_TITLE = 0.8

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
class Told:
    """What is known of a page's article beside its blocks.

    Title, summary and structured text as the page tells them, and the text that another extractor
    would take, a paragraph a line.
    """

    title: str = ""
    summary: str = ""
    body: str = ""
    opinion: str = ""


class _Around(NamedTuple):
    """What stands around a place: how far up much and most of the text is, and what is named so."""

    in_root: bool
    up_to_much: int
    up_to_most: int
    aside: bool
    advert: bool
    furniture: bool


_NOTHING = _Around(
    in_root=False, up_to_much=-1, up_to_most=-1, aside=False, advert=False, furniture=False
)


@dataclass(slots=True)
class _Group:
    """Blocks that have something in common, and what they are like together."""

    blocks: int = 0
    characters: int = 0
    linked: int = 0
    good: int = 0
    good_characters: int = 0
    opinion: float = 0
    rank: int = _FAR

    def values(self) -> tuple[float, float, float, float]:
        return (
            self.blocks,
            self.characters / self.blocks,
            self.linked / max(1, self.characters),
            self.good / self.blocks,
        )


def features(blocks: Sequence[Block], told: Told) -> list[list[float]]:
    """A row for each block, with a value for each of `NAMES`; fills in the blocks' words."""
    for block in blocks:
        block.words = words(block.text)
    return _Page(blocks, told).rows()


class _Page:
    """All blocks of a page, and what they are like together."""

    def __init__(self, blocks: Sequence[Block], told: Told) -> None:
        self._blocks = blocks
        self._links = [block.link_chars / max(1, len(block.text)) for block in blocks]
        self._good = [
            len(block.words) >= _ENOUGH_WORDS and share < _FEW_LINKS
            for block, share in zip(blocks, self._links, strict=True)
        ]
        self._characters = sum(len(block.text) for block in blocks) or 1
        self._good_characters = (
            sum(len(one.text) for one, good in zip(blocks, self._good, strict=True) if good) or 1
        )
        self._opinion = _opinions(blocks, told.opinion)
        taken = [at for at, share in enumerate(self._opinion) if share > _TAKEN]
        self._taken = (taken[0], taken[-1]) if taken else (0, len(blocks))
        self._repeated = Counter(block.text for block in blocks)
        self._find_root()
        self._like = self._group(block.place.signature for block in blocks)
        self._beside = self._group((block.place.parent or block.place).number for block in blocks)
        good_articles = dict.fromkeys(
            block.place.article for block, good in zip(blocks, self._good, strict=True) if good
        )
        self._articles = {article: rank for rank, article in enumerate(good_articles)}
        self._title = set(words(told.title))
        self._title_at = next((at for at, one in enumerate(blocks) if self._is_title(one)), -1)
        self._title_article = blocks[self._title_at].place.article if self._title_at >= 0 else -1
        self._summary, self._body = shingles(words(told.summary)), shingles(words(told.body))

    def _is_title(self, block: Block) -> bool:
        if not self._title or len(block.words) >= 2 * len(self._title) + 3:
            return False
        return len(self._title.intersection(block.words)) > _TITLE * len(self._title)

    def _find_root(self) -> None:
        """Where the page's text is: the innermost element that holds most of it."""
        held: dict[Place, int] = defaultdict(int)
        for block, good in zip(self._blocks, self._good, strict=True):
            if good:
                for place in block.place.upwards():
                    held[place] += len(block.text)
        self._held = {place: count / self._good_characters for place, count in held.items()}
        most = [place for place, share in self._held.items() if share >= _MOST]
        self._root = max(most, key=lambda place: (place.depth, place.number), default=None)
        self._root_depth = self._root.depth if self._root else 0
        self._around: dict[Place, _Around] = {}
        inside = [
            at
            for at, (block, good) in enumerate(zip(self._blocks, self._good, strict=True))
            if good and self._surroundings(block.place).in_root
        ]
        self._first, self._last = (inside[0], inside[-1]) if inside else (0, 0)

    def _surroundings(self, place: Place) -> _Around:
        """What is around a place; asked of the places above it only once."""
        known = self._around.get(place)
        if known is None:
            above = self._surroundings(place.parent) if place.parent else _NOTHING
            held = self._held.get(place, 0.0)
            # What holds much of the text may be named after anything that is in it, too.
            small = held < _MUCH
            known = self._around[place] = _Around(
                in_root=above.in_root or place is self._root,
                up_to_much=0 if held >= _MUCH else above.up_to_much + (above.up_to_much >= 0),
                up_to_most=0 if held >= _MOST else above.up_to_most + (above.up_to_most >= 0),
                aside=above.aside or (small and place.aside),
                advert=above.advert or (small and place.advert),
                furniture=above.furniture or (small and place.furniture),
            )
        return known

    def _group(self, keys: Iterable[int]) -> list[_Group]:
        """The group of each block, by these keys."""
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
        for rank, group in enumerate(with_text[:_FAR]):
            group.rank = rank
        return members

    def rows(self) -> list[list[float]]:
        """The values of all blocks."""
        rows = []
        said = headings = titles = 0
        for at, block in enumerate(self._blocks):
            titles += block.place.tag == "h1"
            headings += block.is_heading
            rows.append(
                [
                    *of_text(block, self._links[at]),
                    self._repeated[block.text],
                    *self._of_place(block, at, said),
                    headings,
                    titles,
                    block.starts_with_link,
                    *self._of_groups(at),
                    *self._of_neighbours(at),
                    *self._of_page(block, at),
                    *self._of_opinion(at),
                ]
            )
            said += len(block.text)
        return rows

    def _of_place(self, block: Block, at: int, said: int) -> tuple[float, ...]:
        place = block.place
        tag = place.tag
        around = self._surroundings(place)
        return (
            at / len(self._blocks),
            said / self._characters,
            place.depth,
            place.depth - self._root_depth,
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
            place.article >= 0,
            place.figure,
            place.table,
            place.section,
            place.embedded,
            place.article == self._title_article,
            len(self._articles),
            self._articles.get(place.article, _FAR),
        )

    def _of_groups(self, at: int) -> tuple[float, ...]:
        like, beside = self._like[at], self._beside[at]
        count, length, links, good = like.values()
        return (
            count,
            length,
            links,
            like.characters / self._characters,
            good,
            like.good_characters / self._good_characters,
            like.rank,
            *beside.values(),
            beside.good_characters / self._good_characters,
            beside.rank,
        )

    def _of_neighbours(self, at: int) -> list[float]:
        values: list[float] = []
        for other in (at - 2, at - 1, at + 1, at + 2):
            if 0 <= other < len(self._blocks):
                count = len(self._blocks[other].words)
                values += (count, self._links[other], self._good[other])
            else:
                values += (-1, -1, -1)
        return values

    def _of_page(self, block: Block, at: int) -> tuple[float, ...]:
        distinct = set(block.words)
        return (
            len(distinct & self._title) / max(1, len(distinct)),
            share_in(block.words, self._summary),
            share_in(block.words, self._body) if self._body else -1,
            at - self._title_at if self._title_at >= 0 else -999,
            len(self._blocks),
            self._good_characters / self._characters,
            self._good_characters,
        )

    def _of_opinion(self, at: int) -> tuple[float, ...]:
        like, beside, opinion = self._like[at], self._beside[at], self._opinion
        around = opinion[max(0, at - _AROUND) : at + _AROUND + 1]
        return (
            opinion[at],
            like.opinion / max(1, like.characters),
            beside.opinion / max(1, beside.characters),
            sum(around) / len(around),
            opinion[at - 1] if at else -1,
            opinion[at + 1] if at + 1 < len(opinion) else -1,
            at - self._taken[0],
            self._taken[1] - at,
        )


def _opinions(blocks: Sequence[Block], opinion: str) -> list[float]:
    """The share of each block that the other extractor took; short ones as lines of its own."""
    taken = shingles(words(opinion))
    lines = {tuple(words(line)) for line in opinion.splitlines()}
    return [
        share_in(block.words, taken)
        if len(block.words) >= _SHINGLE
        else float(tuple(block.words) in lines)
        for block in blocks
    ]
