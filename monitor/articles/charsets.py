"""Detects the charset of bytes that declare none, or a wrong one. Pure."""

from __future__ import annotations

import codecs
import re

from charset_normalizer import from_bytes

from monitor.articles.language import language

# The detector gets this many bytes; more took long and never changed its answer.
SNIFFED_BYTES = 64 * 1024
# With all charsets that it knows, charset-normalizer is wrong more often: it takes French for
# Baltic.
_CHARSETS = (
    "cp1251 koi8_r koi8_u cp1252 cp1250 iso8859_2 cp1253 cp1254 cp1255 cp1256 cp1257 cp874"
    " gb18030 big5 cp932 euc_jp cp949"
).split()
# It cannot distinguish charsets of the Latin alphabet; the language of the text can.
_LATIN = {"cp1250", "cp1252", "cp1254", "cp1257", "iso8859_2"}
_CHARSET_OF_LANGUAGE = dict.fromkeys("pl cs sk hu hr sl ro sq bs sr".split(), "cp1250") | {
    "tr": "cp1254", "lt": "cp1257", "lv": "cp1257", "et": "cp1257"
}  # fmt: skip
# The charset that servers declare when nobody told them, and its superset, by Python's names.
_DEFAULTS = {"ascii", "iso8859-1", "iso8859-15", "cp1252"}
_MARKUP = re.compile(rb"[<>]")
_WORD = re.compile(rb"[A-Za-z\x80-\xff]+")
_ASCII = re.compile(rb"[\x00-\x7f]")
# Languages of the Latin alphabet write few words of this many letters without an ASCII letter.
_LETTERS = 4
_FEW_WORDS = 3
_MOST_WORDS = 0.5


def likely(body: bytes) -> str:
    """Returns the charset that the bytes resemble most, by Python's name."""
    texts = _beyond_ascii(_MARKUP.split(body))
    words, foreign = _words(texts)
    # Words in ASCII, such as English descriptions beside Russian titles, mislead the detector.
    sniffed = b" ".join(foreign if len(foreign) > _MOST_WORDS * len(words) else texts)
    best = from_bytes(sniffed[:SNIFFED_BYTES], cp_isolation=_CHARSETS).best()
    charset = best.encoding if best else "cp1252"
    if charset not in _LATIN:
        return charset
    sample = b" ".join(texts)[:SNIFFED_BYTES].decode("cp1252", "replace")
    expected = _CHARSET_OF_LANGUAGE.get(language(sample, None) or "", "cp1252")
    return charset if (expected, charset) == ("cp1250", "iso8859_2") else expected


def is_mistaken(body: bytes, charset: str) -> bool:
    """Returns whether bytes that are declared as Latin-1 are surely of another alphabet.

    Servers and templates declare Latin-1 or windows-1252 when nobody told them otherwise.
    """
    try:
        if codecs.lookup(charset).name not in _DEFAULTS:
            return False
    except (LookupError, ValueError):
        return False
    words, foreign = _words(_beyond_ascii(_MARKUP.split(body)))
    return len(foreign) >= _FEW_WORDS and len(foreign) > _MOST_WORDS * len(words)


def _words(texts: list[bytes]) -> tuple[list[bytes], list[bytes]]:
    """Returns the longer words that are not ASCII, and those of them without a letter in ASCII."""
    words = [
        word
        for text in texts
        for word in _WORD.findall(text)
        if len(word) >= _LETTERS and not word.isascii()
    ]
    return words, [word for word in words if not _ASCII.search(word)]


def _beyond_ascii(parts: list[bytes]) -> list[bytes]:
    return [part for part in parts if not part.isascii()]
