"""Splits a page into blocks: runs of text interrupted by nothing but inline markup. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from lxml import etree
from lxml.html import HtmlElement

from monitor.untrusted import one_line

_SKIPPED_TAGS = frozenset(
    "script style noscript template iframe object svg math head select option textarea button input"
    " label canvas audio video map dialog rp rt".split()
)
_INLINE_TAGS = frozenset(
    "a abbr acronym b bdi bdo big br cite code data del dfn em font i ins kbd mark nobr q rb"
    " ruby s samp small span strike strong sub sup time tt u var wbr".split()
)
_BLOCK_TAGS = frozenset(
    "address article aside blockquote body center dd details div dl dt fieldset figcaption figure"
    " footer form h1 h2 h3 h4 h5 h6 header hr html img li main nav ol p picture pre section"
    " summary table tbody tfoot thead tr ul".split()
)
_CELL_TAGS = frozenset(("td", "th"))
_BOLD_TAGS = frozenset(("b", "strong"))
_HEADING_TAGS = frozenset(("h1", "h2", "h3", "h4", "h5", "h6"))
_NOTE_MARK = re.compile(r"\[?\d{1,3}\]?|[*†‡]+")
_LONGEST_MARK = 8
_UNITS = frozenset(("m", "cm", "mm", "km", "ft", "mi", "s", "x", "n"))
_WORD_CHARACTER = re.compile(r"\w")
_NUMBERING = re.compile(r"\d+")
_COMMENTS_CLASS = re.compile(
    r"(?:^|[\s_-])(?:comments?|commentlist|disqus\w*|replies|kommentare?|comentarios?"
    r"|commentaires?)(?:$|[\s_-])",
    re.IGNORECASE,
)
_ADVERT_CLASS = re.compile(
    r"(?:^|[\s_-])(?:ads?|advert\w*|adslot|adbox|sponsor\w*|dfp|gpt|anzeige|werbung|publicidad"
    r"|publicite|promo(?:ted|tion)?)(?:$|[\s_-])",
    re.IGNORECASE,
)
_FURNITURE_CLASS = re.compile(
    r"(?:^|[\s_-])(?:newsletter|subscri\w*|signup|paywall|relat\w*|recommend\w*|trending|popular"
    r"|most-?read|read-?more|see-?also|share|sharing|social|sidebar|widgets?|nav|navigation|menu"
    r"|breadcrumbs?|footer|cookies?|consent|popup|modal|teasers?|outbrain|taboola|tags|bio|byline"
    r"|author|copyright|disclaimer)(?:$|[\s_-])",
    re.IGNORECASE,
)
_ASIDE_TAGS = frozenset(("aside", "nav", "footer", "header"))
_EMBEDDED_CLASS = re.compile(
    r"twitter|tweet|instagram|facebook|tiktok|embed|bluesky|telegram", re.IGNORECASE
)


class BlockContainer:
    """A block-level element of a page, with what it inherits from the elements around it."""

    __slots__ = (
        "advert", "article", "aside", "comments", "depth", "embedded", "figure", "furniture",
        "name", "number", "parent", "section", "signature", "table", "tag",
    )  # fmt: skip

    def __init__(
        self,
        element: HtmlElement,
        parent: BlockContainer | None,
        number: int,
        signatures: dict[tuple[int, str, str], int],
    ) -> None:
        """Reads what the features need of `element`.

        `number` counts containers in document order. `signatures` numbers the distinct paths of the
        page, and grows by this container's path.
        """
        tag = element.tag
        classes = element.get("class") or ""
        first_class = _NUMBERING.sub("", classes.split(None, 1)[0]) if classes.strip() else ""
        self.tag: str = tag
        self.parent = parent
        self.number = number
        self.depth: int = parent.depth + 1 if parent else 0
        # Paragraphs of one text share the path of tags and classes that leads to them, apart from
        # numbers in class names.
        path = (parent.signature if parent else -1, tag, first_class)
        self.name = f"{tag}.{first_class}"
        self.signature: int = signatures.setdefault(path, len(signatures))
        outer = parent or _OUTSIDE_PAGE
        self.article: int = number if tag == "article" else outer.article
        self.table: bool = outer.table or tag == "table"
        self.figure: bool = outer.figure or tag == "figure"
        self.section: bool = outer.section or tag == "section"
        class_and_id = f"{classes} {element.get('id') or ''}"
        self.aside: bool = tag in _ASIDE_TAGS
        self.advert: bool = bool(_ADVERT_CLASS.search(class_and_id))
        self.furniture: bool = bool(_FURNITURE_CLASS.search(class_and_id))
        self.comments: bool = outer.comments or bool(
            tag not in {"body", "main"} and _COMMENTS_CLASS.search(class_and_id)
        )
        self.embedded: bool = outer.embedded or bool(_EMBEDDED_CLASS.search(classes))

    def outwards(self) -> Iterator[BlockContainer]:
        """Yields the container itself, then those around it, from the inside out."""
        container: BlockContainer | None = self
        while container is not None:
            yield container
            container = container.parent


class _OutsidePage:
    """Inherited values of the outermost container."""

    article = -1
    table = figure = section = comments = embedded = False


_OUTSIDE_PAGE = _OutsidePage()


class Block:
    """A run of text as one line; `link_chars` and `bold_chars` count its linked and bold text.

    `words` is empty until `features.features` fills it in.
    """

    __slots__ = (
        "bold_chars", "container", "link_chars", "links", "starts_with_link", "text", "words",
    )  # fmt: skip

    def __init__(self, text: str, container: BlockContainer) -> None:
        self.text = text
        self.container = container
        self.links = self.link_chars = self.bold_chars = 0
        self.starts_with_link = False
        self.words: list[str] = []

    @property
    def is_heading(self) -> bool:
        """Returns whether the block is a heading."""
        return self.container.tag in _HEADING_TAGS


def blocks(tree: HtmlElement) -> list[Block]:
    """Returns the blocks of a page in document order."""
    body = tree.find("body")
    return list(_BlockWalk(tree if body is None else body).read())


class _BlockWalk:
    """A walk through a page, with the block that is being collected."""

    def __init__(self, body: HtmlElement) -> None:
        self._body = body
        self._signatures: dict[tuple[int, str, str], int] = {}
        self._containers = [BlockContainer(body, None, 0, self._signatures)]
        self._number = 0
        self._open_links = self._open_bold = 0
        self._begin()

    def _begin(self) -> None:
        self._pieces: list[str] = []
        self._links = self._link_chars = self._bold_chars = 0
        self._starts_with_link = False

    def read(self) -> Iterator[Block]:
        """Yields the blocks, without recursion, since pages may be nested deeply."""
        walk = etree.iterwalk(self._body, events=("start", "end", "comment", "pi"))
        for event, element in walk:
            if event == "start" and element.tag in _SKIPPED_TAGS:
                walk.skip_subtree()
            elif event == "start":
                yield from self._open(element)
                continue
            elif event == "end" and element.tag not in _SKIPPED_TAGS:
                yield from self._close(element)
            if event != "start" and element is not self._body and element.tail:
                self._add(element.tail)

    def _open(self, element: HtmlElement) -> Iterator[Block]:
        tag = element.tag
        if _is_block(element):
            yield from self._end()
            if element is not self._body:
                self._number += 1
                outer = self._containers[-1]
                self._containers.append(
                    BlockContainer(element, outer, self._number, self._signatures)
                )
        elif tag == "br":
            if self._pieces and self._pieces[-1] == "\n":
                yield from self._end()
            else:
                self._pieces.append("\n")
        elif tag in _CELL_TAGS or (tag == "sup" and is_footnote(element, self._pieces)):
            self._pieces.append(" ")
        self._links += tag == "a"
        self._open_links += tag == "a"
        self._open_bold += tag in _BOLD_TAGS
        if element.text:
            self._add(element.text)

    def _close(self, element: HtmlElement) -> Iterator[Block]:
        self._open_links -= element.tag == "a"
        self._open_bold -= element.tag in _BOLD_TAGS
        if _is_block(element):
            yield from self._end()
            if element is not self._body:
                self._containers.pop()

    def _add(self, text: str) -> None:
        marked_chars = len(text.strip()) if self._open_links or self._open_bold else 0
        if self._open_links:
            if marked_chars and not self._link_chars and not "".join(self._pieces).strip():
                self._starts_with_link = True
            self._link_chars += marked_chars
        if self._open_bold:
            self._bold_chars += marked_chars
        self._pieces.append(text)

    def _end(self) -> Iterator[Block]:
        if not self._pieces:
            return
        text = one_line("".join(self._pieces))
        if _WORD_CHARACTER.search(text):
            block = Block(text, self._containers[-1])
            block.links = self._links
            block.link_chars = min(self._link_chars, len(text))
            block.bold_chars = min(self._bold_chars, len(text))
            block.starts_with_link = self._starts_with_link
            yield block
        self._begin()


def is_footnote(element: HtmlElement, before: Sequence[str]) -> bool:
    """Returns whether a <sup> refers to a note: NATO¹, but not km²."""
    if not before or not before[-1][-1:].isalpha():
        return False
    mark = element.text_content()
    # A longer word than any unit need not be read to its beginning.
    word = before[-1][-_LONGEST_MARK:].split()[-1]
    is_mark = len(mark) <= _LONGEST_MARK and _NOTE_MARK.fullmatch(mark.strip())
    return bool(is_mark) and word not in _UNITS


def _is_block(element: HtmlElement) -> bool:
    """Returns whether an element starts a new block; an unknown one does if it has children."""
    tag = element.tag
    if tag in _BLOCK_TAGS:
        return True
    if tag in _INLINE_TAGS:
        return False
    if tag in _CELL_TAGS:
        return any(child.tag in _BLOCK_TAGS for child in element)
    return len(element) > 0
