"""Text of a piece of HTML, such as feeds give. Pure."""

from __future__ import annotations

import html as html_entities
import re

from lxml import etree
from lxml.html import HTMLParser, fragment_fromstring

from monitor.articles.markup import CONTROLS

_SPACES = re.compile(r"[^\S\n]+")
_BLANK_LINES = re.compile(r" ?\n[ \n]*")
_BLOCKS = frozenset(
    "p div li h1 h2 h3 h4 h5 h6 blockquote tr br figure section article pre dt dd".split()
)
# Not past another `<`: a megabyte of `<a<a<a` would be looked through from each of them.
_MARKUP = re.compile(r"<[a-zA-Z!/][^<>]*>|&#?\w+;")
_DROPPED = {"script", "style", "noscript", "template", "iframe", "object", "svg", "form"}


def clean_fragment(html: str) -> str:
    """Text of a piece of HTML such as a feed's summary, a paragraph a line; plain text passes."""
    if not _MARKUP.search(html):
        return paragraphs(html)
    try:
        tree = fragment_fromstring(
            CONTROLS.sub(" ", html),
            create_parent="div",
            parser=HTMLParser(huge_tree=False, remove_comments=True, remove_pis=True),
        )
    except (AssertionError, etree.LxmlError, ValueError):
        # lxml asserts that what has an <html> has a <body>.
        return paragraphs(html_entities.unescape(_MARKUP.sub(" ", html)))
    for element in list(tree.iter()):
        if element.tag in _DROPPED or not isinstance(element.tag, str):
            element.drop_tree()
        elif element.tag in _BLOCKS:
            element.tail = "\n" + (element.tail or "")
            element.text = "\n" + (element.text or "")
    return paragraphs("".join(tree.itertext()))


def paragraphs(text: str) -> str:
    """Text without controls, with one space where there is white space, and without empty lines."""
    return _BLANK_LINES.sub("\n", _SPACES.sub(" ", CONTROLS.sub(" ", text))).strip()
