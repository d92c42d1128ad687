"""The text of a piece of HTML, such as feeds give. Pure."""

from __future__ import annotations

import html as html_entities
import re

from lxml import etree
from lxml.html import HtmlElement, HTMLParser, fragment_fromstring

from monitor.articles.blocks import is_footnote
from monitor.untrusted import paragraphs, without_controls

_LINE_BREAKING_TAGS = frozenset(
    "p div li h1 h2 h3 h4 h5 h6 blockquote tr br figure section article pre dt dd"
    " summary details".split()
)
_TEXTLESS_TAGS = frozenset("script style noscript template iframe object svg form rp rt".split())
_CELL_TAGS = frozenset(("td", "th"))
# A tag may not contain `<`: a megabyte of `<a<a<a` would be scanned from each of them.
_TAG_OR_ENTITY = re.compile(r"<[a-zA-Z!/][^<>]*>|&#?\w+;")


def clean_fragment(html: str) -> str:
    """Returns the text of a piece of HTML such as a feed's summary, one paragraph a line.

    Plain text is accepted too.
    """
    if not _TAG_OR_ENTITY.search(html):
        return paragraphs(html)
    try:
        tree = fragment_fromstring(
            without_controls(html),
            create_parent="div",
            parser=HTMLParser(huge_tree=False, remove_comments=True, remove_pis=True),
        )
    except (AssertionError, etree.LxmlError, ValueError):
        # lxml asserts that a document with an <html> has a <body>.
        return paragraphs(html_entities.unescape(_TAG_OR_ENTITY.sub(" ", html)))
    for element in list(tree.iter()):
        if element.tag in _TEXTLESS_TAGS or not isinstance(element.tag, str):
            element.drop_tree()
        elif element.tag in _LINE_BREAKING_TAGS:
            element.tail = "\n" + (element.tail or "")
            element.text = "\n" + (element.text or "")
        elif element.tag in _CELL_TAGS or (element.tag == "sup" and _is_footnote(element)):
            element.text = " " + (element.text or "")
    return paragraphs("".join(tree.itertext()))


def _is_footnote(element: HtmlElement) -> bool:
    before, parent = element.getprevious(), element.getparent()
    text = parent.text if before is None else before.tail or before.text_content()
    return is_footnote(element, [text or ""])
