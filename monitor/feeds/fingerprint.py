"""Recognises a feed that was only rendered anew: the same entries under another date. Pure."""

from __future__ import annotations

import hashlib
import re
import string
from collections.abc import Iterator

# The elements of a channel, or of an Atom feed, that say when the document was rendered.
_DATES = frozenset((b"lastBuildDate", b"pubDate", b"dc:date", b"updated"))
_ROOTS = {b"rss": [b"rss", b"channel"], b"rdf:RDF": [b"rdf:RDF", b"channel"], b"feed": [b"feed"]}
_ENTRY = re.compile(rb"<(?:item|entry)[\s/>]")
_COMMENT = rb"<!--[^<>&-]*+(?:-[^<>&-]++)*+-->"
_MOST_HEAD_BYTES = 50_000
# What well-formed XML consists of, apart from text, or the beginning of anything else.
_MARKUP = re.compile(
    rb"""<(?P<start>[A-Za-z_][\w:.-]*+)
             (?:\s++[A-Za-z_][\w:.-]*+\s*+=\s*+(?:"[^"<>]*+"|'[^'<>]*+'))*+\s*+
             (?:/>|(?P<opens>>)(?P<text>[^<>&]*+))
       | </(?P<end>[A-Za-z_][\w:.-]*+)\s*+>
       | (?P<comment>"""
    + _COMMENT
    + rb""")
       | <!\[CDATA\[.*?\]\]>
       | <\?[^<>]*+(?<=\?)>
       | (?P<other><)""",
    re.VERBOSE | re.DOTALL,
)
# Caches write when they were filled: `<!-- Cached page generated on 2026-11-24 10:00:00 -->`.
_AFTER_ROOT = re.compile(
    rb"</(?:rss|rdf:RDF|feed)\s*+>(?P<comments>(?:\s++|" + _COMMENT + rb")++)\Z"
)
_AFTER_ROOT_BYTES = 4_000
_ALPHANUMERIC = (string.ascii_letters + string.digits).encode()
_MASK = bytes.maketrans(_ALPHANUMERIC, b"x" * len(_ALPHANUMERIC))


def fingerprint(body: bytes) -> str:
    """Returns a hash of a feed's bytes; two feeds with the same one have the same entries.

    It does not depend on the letters and digits of the feed's own dates, nor on those of comments
    before the first entry and after the last. It depends on how long these are: whatever a parser
    makes of a broken document, it makes of the other as well.
    """
    hashed = hashlib.sha256()
    done = 0
    for start, end in _renderings(body) if _is_plain_xml(body) else ():
        hashed.update(body[done:start])
        hashed.update(body[start:end].translate(_MASK))
        done = end
    hashed.update(body[done:])
    return hashed.hexdigest()


def _is_plain_xml(body: bytes) -> bool:
    """Returns whether the bytes are XML in which a letter is one byte, and means one character."""
    # ISO-2022 switches to other characters by escapes.
    if b"\x1b" in body or not body.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        return False
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return True


def _renderings(body: bytes) -> Iterator[tuple[int, int]]:
    """Yields, in their order, the ranges of bytes that change when a feed is only rendered anew."""
    first = _ENTRY.search(body)
    head_bytes = min(first.start() if first else len(body), _MOST_HEAD_BYTES)
    is_inside: list[bytes] = []
    for part in _MARKUP.finditer(body, 0, head_bytes):
        name = part["start"]
        if part["comment"]:
            yield part.span("comment")
        elif part["opens"]:
            is_inside.append(name)
            is_date = name in _DATES and is_inside[:-1] == _ROOTS.get(is_inside[0])
            if is_date and body.startswith(b"</" + name, part.end()):
                yield part.span("text")
        elif part["other"] or (part["end"] and (not is_inside or is_inside.pop() != part["end"])):
            # Only a parser knows what that means, and what follows.
            break
    if first and (
        after := _AFTER_ROOT.search(body, max(head_bytes, len(body) - _AFTER_ROOT_BYTES))
    ):
        yield after.span("comments")
