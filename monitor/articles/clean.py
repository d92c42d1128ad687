"""From the bytes of a page to the article on it. Pure.

The text is what `selection` chooses of the page's blocks, with trafilatura as a second opinion;
`metadata` knows the rest.
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
from monitor.articles.features import Told
from monitor.articles.fragments import paragraphs
from monitor.articles.kinds import refusal
from monitor.articles.language import language
from monitor.articles.lines import is_sentence, without_furniture
from monitor.articles.markup import CONTROLS, decode, parse
from monitor.articles.memory import mark
from monitor.articles.metadata import metadata
from monitor.articles.selection import article
from monitor.articles.structured import claimed_language, is_declared, json_ld, told
from monitor.articles.wording import share_in, shingles, words
from monitor.errors import CleanError
from monitor.model import Quality

# The share of the announced title's words; sites edit their headlines.
_AGREED = 0.3
# The share of a block's wording that the feed has, too.
_ANNOUNCED = 0.5
# What stands before a paywall: three paragraphs or so, or what ends in the midst of a sentence.
_TEASER_WORDS = 200
_SHORT_WORDS = 150
_TAIL_CHARS = 60
_CUT = re.compile(r"(?:\.\.\.|…|\[(?:\.\.\.|…|\+\d+ chars)\])\s*(?:\S+(?: \S+){0,3}\W*)?$")
NOTHING_TOLD = Told()

# All but Exception itself, of which the time limit of a job is a direct kind.
_STUMBLES = (
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
    """What stands on a page: paragraphs of `text` are separated by a newline.

    `title` is without the site's name. `url` is the address that the page claims as its own,
    `language` an ISO 639 code, `image` the address of the lead picture. Moments are in UTC.
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
    """A page in blocks, of which those of the article are still to be told from the others.

    `url` and `charset` are what the server said, `anchor` what a feed told of the article. Raises
    CleanError where the bytes are no page.
    """

    def __init__(
        self,
        html: bytes,
        *,
        url: str | None = None,
        charset: str | None = None,
        anchor: Told = NOTHING_TOLD,
    ) -> None:
        self._url = url
        self._anchor = anchor
        self._tree = parse(decode(html, charset))
        self.blocks = blocks(self._tree)

    def page(self, furniture: Container[int] = frozenset()) -> Page:
        """Find the article, without blocks whose marks are known as `furniture`.

        To be called once. Raises CleanError where there is none.
        """
        tree, anchor = self._tree, self._anchor
        nodes = list(json_ld(tree))
        page, claimed = told(tree, nodes), claimed_language(tree)
        about = metadata(tree, nodes, url=self._url)
        known = Told(
            title=page.title or anchor.title,
            summary=f"{page.summary}\n{anchor.summary}",
            body=f"{page.body}\n{anchor.body}",
            opinion=second_opinion(tree),
        )
        is_announced = _agree(about.title, anchor.title)
        announced = shingles(words(f"{anchor.summary}\n{anchor.body}"))

        def is_furniture(block: Block) -> bool:
            # What the feed says of this article is the article's, whatever other pages hold.
            return mark(block) in furniture and share_in(block.words, announced) < _ANNOUNCED

        chosen = article(self.blocks, known, is_furniture, is_announced=is_announced)
        if not chosen:
            raise CleanError("the page holds no article")
        declared = is_declared(tree, nodes) or (bool(anchor.title) and is_announced)
        if reason := refusal(about.title, chosen, is_declared=declared):
            raise CleanError(reason)
        text = _without_title(paragraphs("\n".join(block.text for block in chosen)), about.title)
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


def clean(html: bytes, *, url: str | None = None, charset: str | None = None) -> Page:
    """Find the article on a page; `url` and `charset` are what the server said.

    Raises CleanError, and nothing else for any bytes, where there is none.
    """
    return Reading(html, url=url, charset=charset).page()


def second_opinion(tree: HtmlElement) -> str:
    """The text that trafilatura would take, in its quick way; empty where it stumbles."""
    try:
        found = bare_extraction(tree, fast=True, include_comments=False)
    except _STUMBLES:
        return ""
    return (found.text if isinstance(found, Document) else "") or ""


def clean_text(content: str) -> Page:
    """The article in plain text, such as a page that somebody else has flattened.

    Where furniture was found, a first line that is no sentence is the title.
    """
    known = paragraphs(content)
    title, text = "", without_furniture(known)
    first, _, rest = text.partition("\n")
    if text != known and rest and not is_sentence(first):
        title, text = first, rest
    return Page(title, text, language=language(text, None))


def _line(value: object) -> str:
    return " ".join(CONTROLS.sub(" ", str(value or "")).split())


def _agree(title: str, announced: str) -> bool:
    """Whether a page's title has words of the one by which it was announced."""
    own = set(words(announced))
    return len(own.intersection(words(title))) >= _AGREED * len(own)


def _quality(text: str, *, paywalled: bool) -> Quality:
    """Whether this is all of an article, by how it ends and how long it is."""
    count = len(words(text))
    cut = count < _SHORT_WORDS and bool(_CUT.search(text[-_TAIL_CHARS:]))
    return "teaser" if cut or (paywalled and count < _TEASER_WORDS) else "full"


def _without_title(text: str, title: str) -> str:
    """The text, less a first line that repeats the title."""
    first, _, rest = text.partition("\n")
    return rest if title and rest and first.casefold() == title.casefold() else text
