"""Decodes the bytes of a page, and parses its text into a tree. Pure."""

from __future__ import annotations

import codecs
import re
from collections.abc import Mapping

from lxml import etree
from lxml.html import HtmlElement, HTMLParser, document_fromstring

from monitor.articles.charsets import SNIFFED_BYTES, is_mistaken, likely
from monitor.errors import CleanError
from monitor.untrusted import count_controls, without_controls

# trafilatura walks trees recursively, keeps several copies of them, and looks up all ancestors of
# elements; libxml2 compares each attribute of an element with the others. None of 242 pages of news
# sites has more than 4,100 elements, 51 levels or 73 attributes on one element.
MAX_CHARACTERS = 5_000_000
MAX_TREE_DEPTH = 200
MAX_ELEMENTS = 50_000
MAX_TOTAL_DEPTH = 1_000_000  # the sum over all elements
MAX_ATTRIBUTES = 1_000

_META_CHARSET = re.compile(
    rb"""<meta[^>]{0,200}charset\s*=\s*["']?\s*([\w-]{2,40})""", re.IGNORECASE
)
_XML_CHARSET = re.compile(rb"""^\s*<\?xml[^<>]{0,200}?\sencoding\s*=\s*["']([\w-]{2,40})""")
# On the web, a charset's name means its superset (WHATWG Encoding Standard, section 4.2), which has
# the quotation marks and names that pages use anyway.
_SUPERSETS = {
    "ascii": "cp1252",
    "iso8859-1": "cp1252",
    "iso8859-9": "cp1254",
    "iso8859-11": "cp874",
    "tis-620": "cp874",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "shift_jis": "cp932",
    "euc_kr": "cp949",
}
_HEAD_TAGS = {"base", "link", "meta", "noscript", "script", "style", "template", "title"}
# Codecs of Python that are not charsets; punycode takes quadratic time.
_OTHER_CODECS = {"idna", "punycode", "raw-unicode-escape", "undefined", "unicode-escape", "utf-7"}


def decode(html: bytes, charset: str | None) -> str:
    """Decodes a page: as UTF-8 if it is, else as it claims, else as a detector guesses.

    `charset` is the server's claim. Raises CleanError if the page is empty, too large, or binary.
    """
    if not html.strip(b"\x00 \t\r\n"):
        raise CleanError("the page is empty")
    in_page = [pattern.search(html[:4096]) for pattern in (_META_CHARSET, _XML_CHARSET)]
    names = [charset, *(found and found[1].decode() for found in in_page)]
    claims = [name.lower() for name in names if name]
    # Tried before UTF-8, since their bytes may also be valid UTF-8. A page without null bytes is
    # not UTF-16, whatever it claims.
    certain = [name for name in claims if name.startswith("iso-2022")]
    if b"\x00" in html[:SNIFFED_BYTES]:
        certain += [name for name in claims if name.startswith("utf-16")]
    if html.startswith((b"\xff\xfe", b"\xfe\xff")):
        certain.insert(0, "utf-16")
    others = [name for name in claims if not name.startswith("utf-16")]
    for name in (*certain, "utf-8-sig", *others):
        if name in others and is_mistaken(html, name):
            continue
        decoded = decoded_as(html, name)
        if decoded is not None:
            return _checked(decoded)
    return _checked(html.decode(likely(html), errors="replace"))


def decoded_as(html: bytes, charset: str) -> str | None:
    """Returns the page decoded from `charset`; None if more than a few bytes are invalid.

    Pages that are valid otherwise often cut text in the middle of a character.
    """
    try:
        name = codecs.lookup(charset).name
        if name in _OTHER_CODECS:
            return None
        decoded = html.decode(_SUPERSETS.get(name, name), errors="replace")
    except (LookupError, ValueError):
        return None
    invalid = decoded.count("\ufffd")
    if not invalid:
        return decoded
    beyond_ascii = len(decoded) - len(decoded.encode("ascii", "ignore"))
    return decoded if invalid * 10 <= beyond_ascii else None


def _checked(text: str) -> str:
    """Returns the text without controls; raises CleanError if it is too large or binary."""
    if len(text) > MAX_CHARACTERS:
        raise CleanError(f"the page is larger than {MAX_CHARACTERS} characters")
    if count_controls(text[:SNIFFED_BYTES]) * 20 > min(len(text), SNIFFED_BYTES):
        raise CleanError("the page is not text")
    return without_controls(text)


def parse(text: str) -> HtmlElement:
    """Parses a page; raises CleanError if it has too many elements or is nested too deeply."""
    # As bytes, because lxml refuses text that carries an encoding declaration.
    encoded = text.encode("utf-8", "replace")
    try:
        # Measured first, because building the tree of an oversized page takes long.
        etree.fromstring(encoded, parser=etree.HTMLParser(target=_SizeLimit(), encoding="utf-8"))
        tree = document_fromstring(encoded, parser=HTMLParser(huge_tree=False, encoding="utf-8"))
    except (etree.LxmlError, ValueError) as error:
        raise CleanError("the page cannot be parsed") from error
    if tree.find("body") is None:
        _move_body_out_of_head(tree)
    return tree


def _move_body_out_of_head(tree: HtmlElement) -> None:
    """Gives the page a body, with everything from the first element that a head cannot hold.

    A page may omit the tags of head and body, and libxml2 then puts elements that are newer than
    HTML 4, such as <main>, into the head.
    """
    for head in tree.findall("head"):
        misplaced = [
            child for child in head if isinstance(child.tag, str) and child.tag not in _HEAD_TAGS
        ]
        if misplaced:
            body = etree.SubElement(tree, "body")
            body.extend(head[head.index(misplaced[0]) :])


class _SizeLimit:
    """A parser target that raises CleanError once a page has too many or too deep elements."""

    def __init__(self) -> None:
        self._depth = self._total_depth = self._elements = 0

    def start(self, _tag: str, attributes: Mapping[str, str]) -> None:
        self._elements += 1
        self._depth += 1
        self._total_depth += self._depth
        if (
            self._elements > MAX_ELEMENTS
            or self._depth > MAX_TREE_DEPTH
            or self._total_depth > MAX_TOTAL_DEPTH
            or len(attributes) > MAX_ATTRIBUTES
        ):
            raise CleanError("the page is nested too deeply or has too many elements")

    def end(self, _tag: str) -> None:
        self._depth -= 1

    def close(self) -> None:
        pass
