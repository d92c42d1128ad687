"""From the bytes of a page to its text, and from its text to a tree. Pure."""

from __future__ import annotations

import codecs
import re
from collections.abc import Mapping

from charset_normalizer import from_bytes
from lxml import etree
from lxml.html import HtmlElement, HTMLParser, document_fromstring

from monitor.errors import CleanError

# trafilatura walks trees recursively, keeps several copies of them, and looks from elements at all
# above them; libxml2 compares an element's attributes with each other. Of 242 pages of news sites,
# none has more than 4,100 elements, 51 levels or 73 attributes on one element.
MAX_CHARACTERS = 5_000_000
MAX_DEPTH = 200
MAX_ELEMENTS = 50_000
MAX_DEPTHS = 1_000_000  # of all elements together
MAX_ATTRIBUTES = 1_000
# What a detector looks at; more changes its mind in no case that we have seen, and takes long.
SNIFFED_BYTES = 64 * 1024


_META_CHARSET = re.compile(
    rb"""<meta[^>]{0,200}charset\s*=\s*["']?\s*([\w-]{2,40})""", re.IGNORECASE
)
# Lone surrogates come from JSON's escapes, and cannot be written as UTF-8.
CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
# What the web means by a charset's name (WHATWG Encoding Standard, section 4.2): the larger set,
# which has the quotation marks and names that are written with it all the same.
_MEANT = {
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
_HEAD = {"base", "link", "meta", "noscript", "script", "style", "template", "title"}
# Python's codecs that are no charsets; punycode takes quadratic time.
_NO_CHARSETS = {"idna", "punycode", "raw-unicode-escape", "undefined", "unicode-escape", "utf-7"}


def decode(html: bytes, charset: str | None) -> str:
    """The page as text: by what its bytes can only be, else by what it claims, else by likeness.

    `charset` is what the server said. Raises CleanError where it is empty, too large, or no text.
    """
    if not html.strip(b"\x00 \t\r\n"):
        raise CleanError("the page is empty")
    claimed = _META_CHARSET.search(html[:4096])
    claims = [name.lower() for name in (charset, claimed and claimed[1].decode()) if name]
    # The few charsets of which text could be mistaken for UTF-8. A page whose markup can be read
    # byte by byte is no UTF-16, whatever it says.
    certain = [name for name in claims if name.startswith("iso-2022")]
    if b"\x00" in html[:SNIFFED_BYTES]:
        certain += [name for name in claims if name.startswith("utf-16")]
    if html.startswith((b"\xff\xfe", b"\xfe\xff")):
        certain.insert(0, "utf-16")
    others = [name for name in claims if not name.startswith("utf-16")]
    for name in (*certain, "utf-8-sig", *others):
        decoded = decoded_as(html, name)
        if decoded is not None:
            return _printable(decoded)
    likely = from_bytes(html[:SNIFFED_BYTES]).best()
    return _printable(html.decode(likely.encoding if likely else "cp1252", errors="replace"))


def decoded_as(html: bytes, charset: str) -> str | None:
    """The page in this charset; None where it cannot be, a few broken bytes aside.

    Text that was cut in the middle of a character is common on pages that are fine otherwise.
    """
    try:
        name = codecs.lookup(charset).name
        if name in _NO_CHARSETS:
            return None
        decoded = html.decode(_MEANT.get(name, name), errors="replace")
    except (LookupError, ValueError):
        return None
    broken = decoded.count("\ufffd")
    if not broken:
        return decoded
    beyond_ascii = len(decoded) - len(decoded.encode("ascii", "ignore"))
    return decoded if broken * 10 <= beyond_ascii else None


def _printable(text: str) -> str:
    """Raises CleanError where this is no text at all."""
    if len(text) > MAX_CHARACTERS:
        raise CleanError(f"the page is larger than {MAX_CHARACTERS} characters")
    controls = len(CONTROLS.findall(text[:SNIFFED_BYTES]))
    if controls * 20 > min(len(text), SNIFFED_BYTES):
        raise CleanError("the page is no text")
    return CONTROLS.sub(" ", text)


def parse(text: str) -> HtmlElement:
    """The page as a tree; raises CleanError where it is too large or too deep to be one."""
    # Bytes, since lxml refuses text that carries an encoding declaration.
    encoded = text.encode("utf-8", "replace")
    try:
        # Looked through before a tree is built, which is what takes long where there is too much.
        etree.fromstring(encoded, parser=etree.HTMLParser(target=_Shape(), encoding="utf-8"))
        tree = document_fromstring(encoded, parser=HTMLParser(huge_tree=False, encoding="utf-8"))
    except (etree.LxmlError, ValueError) as error:
        raise CleanError("the page cannot be parsed") from error
    if tree.find("body") is None:
        _give_body(tree)
    return tree


def _give_body(tree: HtmlElement) -> None:
    """Take out of the head what is none of it.

    A page may leave its tags out, and libxml2 takes elements that are younger than HTML 4, such as
    <main>, for the head's.
    """
    for head in tree.findall("head"):
        astray = [one for one in head if isinstance(one.tag, str) and one.tag not in _HEAD]
        if astray:
            body = etree.SubElement(tree, "body")
            body.extend(head[head.index(astray[0]) :])


class _Shape:
    """Told of a page's elements as they are parsed; raises CleanError where they are too many."""

    def __init__(self) -> None:
        self._depth = self._depths = self._elements = 0

    def start(self, _tag: str, attributes: Mapping[str, str]) -> None:
        self._elements += 1
        self._depth += 1
        self._depths += self._depth
        if (
            self._elements > MAX_ELEMENTS
            or self._depth > MAX_DEPTH
            or self._depths > MAX_DEPTHS
            or len(attributes) > MAX_ATTRIBUTES
        ):
            raise CleanError("the page is too deep or has too many elements")

    def end(self, _tag: str) -> None:
        self._depth -= 1

    def close(self) -> None:
        pass
