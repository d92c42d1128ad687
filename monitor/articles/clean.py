"""Turns the bytes of a page, or text that was extracted from one, into an article. Pure.

`selection` chooses the blocks of the text, with trafilatura as a second opinion; `metadata` reads
everything else.
"""

from __future__ import annotations

import re
from collections.abc import Container
from dataclasses import dataclass
from datetime import datetime

from lxml import etree
from lxml.html import HtmlElement
from trafilatura import bare_extraction
from trafilatura.settings import Document

from monitor.articles.blocks import Block, blocks
from monitor.articles.features import ArticleHints
from monitor.articles.kinds import refusal
from monitor.articles.language import language
from monitor.articles.lines import is_sentence, without_furniture
from monitor.articles.markup import decode, parse
from monitor.articles.memory import mark
from monitor.articles.metadata import metadata
from monitor.articles.selection import article
from monitor.articles.structured import claimed_language, is_declared, json_ld, page_hints
from monitor.articles.walls import signs, without_text
from monitor.articles.wording import share_in, shingles, words
from monitor.errors import CleanError
from monitor.model import Quality
from monitor.untrusted import paragraphs

# The page has the announced title if it has this share of its words; sites edit their headlines.
_TITLE_AGREEMENT = 0.3
# A block is the feed's own text, not furniture, if the feed has this share of its wording.
_ANNOUNCED_SHARE = 0.5
# A text behind a paywall is a teaser if it has fewer words than this, about three paragraphs.
_TEASER_WORDS = 200
# A text that ends in an ellipsis is a teaser if it has fewer words than this.
_CUT_WORDS = 150
_TAIL_CHARS = 60
_CUT_ENDING = re.compile(r"(?:\.\.\.|…|\[(?:\.\.\.|…|\+\d+ chars)\])\s*(?:\S+(?: \S+){0,3}\W*)?$")
NO_HINTS = ArticleHints()

# What trafilatura raises for pages that it cannot read. `Exception` itself would include the time
# limit of a job.
_EXTRACTION_ERRORS = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    RecursionError,
    TypeError,
    ValueError,
    etree.LxmlError,
)


@dataclass(frozen=True, slots=True)
class Page:
    """A cleaned page; a newline separates the paragraphs of `text`.

    `title` is without the site's name. `url` is the canonical URL that the page claims, `language`
    an ISO 639 code, `image` the URL of the lead picture. Times are in UTC.
    """

    title: str
    text: str
    authors: tuple[str, ...] = ()
    published_at: datetime | None = None
    language: str | None = None
    url: str | None = None
    subtitle: str = ""
    modified_at: datetime | None = None
    site: str = ""
    section: str = ""
    image: str | None = None
    paywalled: bool = False
    quality: Quality = "full"


class Reading:
    """A page split into blocks, from which `page` selects the article.

    `url` and `charset` are those of the response, `asked` is the URL that led to it, and
    `feed_hints` is what a feed says of the article. Raises CleanError if the bytes are not a page.
    """

    def __init__(
        self,
        html: bytes,
        *,
        url: str | None = None,
        asked: str | None = None,
        charset: str | None = None,
        feed_hints: ArticleHints = NO_HINTS,
    ) -> None:
        self._url = url
        self._asked = asked or url or ""
        self._feed_hints = feed_hints
        self._tree = parse(decode(html, charset))
        self._signs = signs(self._tree)
        self.blocks = blocks(self._tree)

    def page(self, furniture: Container[int] = frozenset()) -> Page:
        """Returns the article, without the blocks whose marks are in `furniture`.

        May be called only once. Raises CleanError if the page holds no article.
        """
        tree, announced = self._tree, self._feed_hints.title
        nodes = list(json_ld(tree))
        on_page, claimed = page_hints(tree, nodes), claimed_language(tree)
        about = metadata(tree, nodes, url=self._url)
        is_announced = _agree(about.title, announced)
        selected = self._select(on_page, furniture, is_announced=is_announced)
        if not selected:
            nothing = without_text(self._signs, about.title)
            raise CleanError(nothing.reason, nothing.kind)
        declared = is_declared(tree, nodes) or (bool(announced) and is_announced)
        refused = refusal(
            self._signs, about.title, selected,
            asked=self._asked, final=self._url or "", is_declared=declared,
        )  # fmt: skip
        if refused:
            raise CleanError(refused.reason, refused.kind)
        text = _without_title(paragraphs("\n".join(block.text for block in selected)), about.title)
        return Page(
            title=about.title,
            text=text,
            authors=about.authors,
            published_at=about.published_at,
            language=language(text, claimed),
            url=about.url,
            subtitle=about.subtitle,
            modified_at=about.modified_at,
            site=about.site,
            section=about.section,
            image=about.image,
            paywalled=about.paywalled,
            quality=_quality(text, paywalled=about.paywalled),
        )

    def _select(
        self, on_page: ArticleHints, furniture: Container[int], *, is_announced: bool
    ) -> list[Block]:
        """Returns the blocks of the article."""
        in_feed = self._feed_hints
        hints = ArticleHints(
            title=on_page.title or in_feed.title,
            summary=f"{on_page.summary}\n{in_feed.summary}",
            body=f"{on_page.body}\n{in_feed.body}",
            opinion=second_opinion(self._tree),
        )
        announced = shingles(words(f"{in_feed.summary}\n{in_feed.body}"))

        def is_furniture(block: Block) -> bool:
            # Text that the feed announces is the article's, even if other pages have it too.
            return mark(block) in furniture and share_in(block.words, announced) < _ANNOUNCED_SHARE

        return article(self.blocks, hints, is_furniture, is_announced=is_announced)


def clean(html: bytes, *, url: str | None = None, charset: str | None = None) -> Page:
    """Returns the article on a page; `url` and `charset` are those of the response.

    Raises CleanError, and nothing else for any bytes, if there is no article.
    """
    return Reading(html, url=url, charset=charset).page()


def second_opinion(tree: HtmlElement) -> str:
    """Returns the text that trafilatura selects in its fast mode; "" if it fails."""
    try:
        document = bare_extraction(tree, fast=True, include_comments=False)
    except _EXTRACTION_ERRORS:
        return ""
    return (document.text if isinstance(document, Document) else "") or ""


def clean_text(content: str) -> Page:
    """Returns the article in plain text, such as a page from which somebody removed the markup.

    If furniture is removed, a first line that is not a sentence becomes the title.
    """
    whole = paragraphs(content)
    title, text = "", without_furniture(whole)
    first, _, rest = text.partition("\n")
    if text != whole and rest and not is_sentence(first):
        title, text = first, rest
    return Page(title, text, language=language(text, None))


def _agree(title: str, announced: str) -> bool:
    """Returns whether a page's title has enough words of the announced one."""
    announced_words = set(words(announced))
    common = announced_words.intersection(words(title))
    return len(common) >= _TITLE_AGREEMENT * len(announced_words)


def _quality(text: str, *, paywalled: bool) -> Quality:
    """Judges by the end and the length of a text whether it is all of an article."""
    count = len(words(text))
    is_cut = count < _CUT_WORDS and bool(_CUT_ENDING.search(text[-_TAIL_CHARS:]))
    return "teaser" if is_cut or (paywalled and count < _TEASER_WORDS) else "full"


def _without_title(text: str, title: str) -> str:
    """Drops a first line that repeats the title."""
    first, _, rest = text.partition("\n")
    return rest if title and rest and first.casefold() == title.casefold() else text
