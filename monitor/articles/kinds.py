"""Recognises pages that hold text but no article: walls, indexes, comments. Pure.

The rules are cautious, because accepting such a page does less harm than refusing an article. Of
the 499 article pages in our benchmarks they refuse one, which is in fact an error page; of 74 index
pages they refuse one in five.
"""

from __future__ import annotations

from collections.abc import Sequence

from monitor.articles.blocks import Block
from monitor.articles.walls import Refusal, Signs, consent_of_article, wall

# A block of prose has at least this many words, and less than this share of its text in links.
_PROSE_WORDS = 15
_PROSE_LINK_SHARE = 0.4
# An index has little prose and some links, or many links, or `_TEASERS` <article> elements.
# The shares are fractions of the selected characters.
_LITTLE_PROSE, _SOME_LINKED = 0.3, 0.1
_MUCH_LINKED = 0.4
_TEASERS = 4

COMMENTS = Refusal("comments", "the page holds nothing but readers' comments")
INDEX = Refusal("index", "the page is a list of other pages")


def refusal(
    page: Signs, title: str, selected: Sequence[Block], *, asked: str, final: str, is_declared: bool
) -> Refusal | None:
    """Returns why the selected blocks of a page are not an article; None if they may be one.

    `asked` is the URL of the article, and `final` the one to which that led. `is_declared` is True
    if the page calls itself an article or has the title that its feed gave; such a page is refused
    only for a plea for consent in the article's place.
    """
    text = "\n".join(block.text for block in selected)
    if is_declared:
        return consent_of_article(title, text)
    if found := wall(page, title, text, asked=asked, final=final):
        return found
    if all(block.container.comments for block in selected):
        return COMMENTS
    return INDEX if _is_index(selected) else None


def _is_index(selected: Sequence[Block]) -> bool:
    length = sum(len(block.text) for block in selected)
    linked = sum(block.link_chars for block in selected)
    prose = sum(
        len(block.text)
        for block in selected
        if len(block.words) >= _PROSE_WORDS
        and block.link_chars < _PROSE_LINK_SHARE * len(block.text)
    )
    teasers = {block.container.article for block in selected} - {-1}
    is_fragmented = prose < _LITTLE_PROSE * length and linked > _SOME_LINKED * length
    return is_fragmented or linked > _MUCH_LINKED * length or len(teasers) >= _TEASERS
