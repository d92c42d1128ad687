"""A page as blocks: stretches of text that nothing but inline markup interrupts. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

from lxml import etree
from lxml.html import HtmlElement

_SKIPPED = frozenset(
    "script style noscript template iframe object svg math head select option textarea button input"
    " label canvas audio video map dialog".split()
)
_INLINE = frozenset(
    "a abbr acronym b bdi bdo big br cite code data del dfn em font i ins kbd mark nobr q rb rp rt"
    " ruby s samp small span strike strong sub sup time tt u var wbr".split()
)
_BLOCKS = frozenset(
    "address article aside blockquote body center dd details div dl dt fieldset figcaption figure"
    " footer form h1 h2 h3 h4 h5 h6 header hr html img li main nav ol p picture pre section"
    " summary table tbody tfoot thead tr ul".split()
)
_CELLS = frozenset(("td", "th"))
_BOLD = frozenset(("b", "strong"))
_HEADINGS = frozenset(("h1", "h2", "h3", "h4", "h5", "h6"))
_SPACE = re.compile(r"\s+")
_WORD = re.compile(r"\w")
_DIGITS = re.compile(r"\d+")
_COMMENTS = re.compile(
    r"(?:^|[\s_-])(?:comments?|commentlist|disqus\w*|replies|kommentare?|comentarios?"
    r"|commentaires?)(?:$|[\s_-])",
    re.IGNORECASE,
)
_ADVERTS = re.compile(
    r"(?:^|[\s_-])(?:ads?|advert\w*|adslot|adbox|sponsor\w*|dfp|gpt|anzeige|werbung|publicidad"
    r"|publicite|promo(?:ted|tion)?)(?:$|[\s_-])",
    re.IGNORECASE,
)
_FURNITURE = re.compile(
    r"(?:^|[\s_-])(?:newsletter|subscri\w*|signup|paywall|relat\w*|recommend\w*|trending|popular"
    r"|most-?read|read-?more|see-?also|share|sharing|social|sidebar|widgets?|nav|navigation|menu"
    r"|breadcrumbs?|footer|cookies?|consent|popup|modal|teasers?|outbrain|taboola|tags|bio|byline"
    r"|author|copyright|disclaimer)(?:$|[\s_-])",
    re.IGNORECASE,
)
_ASIDES = frozenset(("aside", "nav", "footer", "header"))
_EMBEDDED = re.compile(
    r"twitter|tweet|instagram|facebook|tiktok|embed|bluesky|telegram", re.IGNORECASE
)


class Place:
    """An element that holds blocks, and what is known of those around it."""

    __slots__ = (
        "advert", "article", "aside", "comments", "depth", "embedded", "figure", "furniture",
        "name", "number", "parent", "section", "signature", "table", "tag",
    )  # fmt: skip

    def __init__(
        self,
        element: HtmlElement,
        parent: Place | None,
        number: int,
        signatures: dict[tuple[int, str, str], int],
    ) -> None:
        """`number` counts places in the order of the page; `signatures` are those of the page."""
        tag = element.tag
        names = element.get("class") or ""
        first = _DIGITS.sub("", names.split(None, 1)[0]) if names.strip() else ""
        self.tag: str = tag
        self.parent = parent
        self.number = number
        self.depth: int = parent.depth + 1 if parent else 0
        # Paragraphs of one text are written alike: by the way down to them, less what numbers them.
        way = (parent.signature if parent else -1, tag, first)
        self.name = f"{tag}.{first}"
        self.signature: int = signatures.setdefault(way, len(signatures))
        around = parent or _NOWHERE
        self.article: int = number if tag == "article" else around.article
        self.table: bool = around.table or tag == "table"
        self.figure: bool = around.figure or tag == "figure"
        self.section: bool = around.section or tag == "section"
        named = f"{names} {element.get('id') or ''}"
        self.aside: bool = tag in _ASIDES
        self.advert: bool = bool(_ADVERTS.search(named))
        self.furniture: bool = bool(_FURNITURE.search(named))
        self.comments: bool = around.comments or bool(
            tag not in {"body", "main"} and _COMMENTS.search(named)
        )
        self.embedded: bool = around.embedded or bool(_EMBEDDED.search(names))

    def upwards(self) -> Iterator[Place]:
        """The place itself and all those around it."""
        place: Place | None = self
        while place is not None:
            yield place
            place = place.parent


class _Nowhere:
    """What stands around a whole page."""

    article = -1
    table = figure = section = comments = embedded = False


_NOWHERE = _Nowhere()


class Block:
    """A stretch of text, on one line; `link_chars` and `bold_chars` count what is marked so."""

    __slots__ = ("bold_chars", "link_chars", "links", "place", "starts_with_link", "text", "words")

    def __init__(self, text: str, place: Place) -> None:
        self.text = text
        self.place = place
        self.links = self.link_chars = self.bold_chars = 0
        self.starts_with_link = False
        self.words: list[str] = []

    @property
    def is_heading(self) -> bool:
        """Whether the block is a heading of the page."""
        return self.place.tag in _HEADINGS


def blocks(tree: HtmlElement) -> list[Block]:
    """The blocks of a page, in its order."""
    body = tree.find("body")
    return list(_Reading(tree if body is None else body).read())


class _Reading:
    """A walk through a page, with the block that is being read."""

    def __init__(self, body: HtmlElement) -> None:
        self._body = body
        self._signatures: dict[tuple[int, str, str], int] = {}
        self._places = [Place(body, None, 0, self._signatures)]
        self._number = 0
        self._in_link = self._in_bold = 0
        self._begin()

    def _begin(self) -> None:
        self._pieces: list[str] = []
        self._links = self._link_chars = self._bold_chars = 0
        self._starts_with_link = False

    def read(self) -> Iterator[Block]:
        """Walk without recursion: pages are nested as deep as their authors like."""
        walk = etree.iterwalk(self._body, events=("start", "end", "comment", "pi"))
        for event, element in walk:
            if event == "start" and element.tag in _SKIPPED:
                walk.skip_subtree()
            elif event == "start":
                yield from self._open(element)
                continue
            elif event == "end" and element.tag not in _SKIPPED:
                yield from self._close(element)
            if event != "start" and element is not self._body and element.tail:
                self._add(element.tail)

    def _open(self, element: HtmlElement) -> Iterator[Block]:
        tag = element.tag
        if _is_block(element):
            yield from self._end()
            if element is not self._body:
                self._number += 1
                place = Place(element, self._places[-1], self._number, self._signatures)
                self._places.append(place)
        elif tag == "br":
            if self._pieces and self._pieces[-1] == "\n":
                yield from self._end()
            else:
                self._pieces.append("\n")
        elif tag in _CELLS:
            self._pieces.append(" ")
        self._links += tag == "a"
        self._in_link += tag == "a"
        self._in_bold += tag in _BOLD
        if element.text:
            self._add(element.text)

    def _close(self, element: HtmlElement) -> Iterator[Block]:
        self._in_link -= element.tag == "a"
        self._in_bold -= element.tag in _BOLD
        if _is_block(element):
            yield from self._end()
            if element is not self._body:
                self._places.pop()

    def _add(self, text: str) -> None:
        marked = len(text.strip()) if self._in_link or self._in_bold else 0
        if self._in_link:
            if marked and not self._link_chars and not "".join(self._pieces).strip():
                self._starts_with_link = True
            self._link_chars += marked
        if self._in_bold:
            self._bold_chars += marked
        self._pieces.append(text)

    def _end(self) -> Iterator[Block]:
        if not self._pieces:
            return
        text = _SPACE.sub(" ", "".join(self._pieces)).strip()
        if _WORD.search(text):
            block = Block(text, self._places[-1])
            block.links = self._links
            block.link_chars = min(self._link_chars, len(text))
            block.bold_chars = min(self._bold_chars, len(text))
            block.starts_with_link = self._starts_with_link
            yield block
        self._begin()


def _is_block(element: HtmlElement) -> bool:
    """Whether an element ends what stands before it; what is unknown does where it holds more."""
    tag = element.tag
    if tag in _BLOCKS:
        return True
    if tag in _INLINE:
        return False
    if tag in _CELLS:
        return any(child.tag in _BLOCKS for child in element)
    return len(element) > 0
