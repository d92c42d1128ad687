"""A feed's bytes as text that whatever comes later can hold: no surrogates, no controls. Pure."""

from __future__ import annotations

import codecs
import re
from collections.abc import Mapping
from email.message import Message

from charset_normalizer import from_bytes

from monitor.articles.language import language
from monitor.articles.markup import SNIFFED_BYTES, decoded_as

_BOMS = (
    # UTF-32's begins like UTF-16's.
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# `<?` without a byte order mark (XML 1.0, appendix F).
_WIDE_STARTS = {b"<\x00?\x00": "utf-16-le", b"\x00<\x00?": "utf-16-be"}
_DECLARED = re.compile(rb"""<\?xml[^<>?]{0,200}?\sencoding\s{0,9}=\s{0,9}["']([\w.:-]{2,40})["']""")
# What feeds are written in when they do not say so. All that charset-normalizer knows leads it
# astray: it takes French for Baltic.
_CHARSETS = (
    "cp1251 koi8_r koi8_u cp1252 cp1250 iso8859_2 cp1253 cp1254 cp1255 cp1256 cp1257 cp874"
    " gb18030 big5 cp932 euc_jp cp949"
).split()
# It cannot tell those of the Latin alphabet from each other; their languages can.
_LATIN = {"cp1250", "cp1252", "cp1254", "cp1257", "iso8859_2"}
_OF_LANGUAGE = dict.fromkeys("pl cs sk hu hr sl ro sq bs sr".split(), "cp1250") | {
    "tr": "cp1254", "lt": "cp1257", "lv": "cp1257", "et": "cp1257"
}  # fmt: skip
_WIDE = re.compile(r"utf-?(?:16|32)", re.IGNORECASE)
_TAG = re.compile(rb"<[^<>]*>")

# Text that was escaped twice, as titles are, gives feedparser the same number a little later.
_REFERENCE = re.compile(r"&(?:amp;)*+#(?:([0-9]+)|[xX]([0-9a-fA-F]+));?")
_LAST_CODE_POINT = 0x10FFFF
# What XML 1.0 and HTML have no place for (section 2.2).
_FORBIDDEN = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_SURROGATE = re.compile(r"[\ud800-\udfff]")


def decode(body: bytes, headers: Mapping[str, str]) -> tuple[str, str | None]:
    """A feed as text, and what is wrong with its charset, in words, or None.

    A byte order mark counts most, then what can only be UTF-8, then what the HTTP header and the
    XML declaration claim, then likeness.
    """
    for mark, charset in _BOMS:
        if body.startswith(mark):
            return body.decode(charset, errors="replace"), None
    if charset := _WIDE_STARTS.get(body[:4], ""):
        return body.decode(charset, errors="replace"), None
    claims = _claims(body, headers)
    for charset in claims:
        # Its bytes are ASCII, and so are valid UTF-8.
        if charset.startswith("iso-2022") and (text := decoded_as(body, charset)) is not None:
            return text, None
    # CESU-8 writes an emoji as two surrogates of three bytes each.
    for errors in ("strict", "surrogatepass"):
        try:
            return body.decode("utf-8", errors), None
        except UnicodeDecodeError:
            continue
    for charset in dict.fromkeys([*claims, "utf-8"]):
        if (text := decoded_as(body, charset)) is not None:
            return text, f"some characters are not valid {charset}" if "\ufffd" in text else None
    charset = _likely(body)
    said = f"the feed says it is {claims[0]} and is not" if claims else "no charset is declared"
    return body.decode(charset, errors="replace"), f"{said}; read as {_name(charset)}"


def _claims(body: bytes, headers: Mapping[str, str]) -> list[str]:
    message = Message()
    message["content-type"] = headers.get("content-type", "").replace("\n", " ").replace("\r", " ")
    try:
        served = message.get_content_charset()
    except (TypeError, ValueError, LookupError):
        served = None
    declared = _DECLARED.search(body[:1_000])
    claims = [served, declared and declared[1].decode("ascii", "replace")]
    # A document that can be read byte by byte is neither UTF-16 nor UTF-32, whatever it says.
    return [claim.lower() for claim in claims if claim and not _WIDE.match(claim)]


def _likely(body: bytes) -> str:
    """The charset that the bytes look like."""
    found = from_bytes(body[:SNIFFED_BYTES], cp_isolation=_CHARSETS).best()
    charset = found.encoding if found else "cp1252"
    if charset not in _LATIN:
        return charset
    sample = _TAG.sub(b" ", body[:SNIFFED_BYTES]).decode("cp1252", "replace")
    meant = _OF_LANGUAGE.get(language(sample, None) or "", "cp1252")
    return charset if (meant, charset) == ("cp1250", "iso8859_2") else meant


def _name(charset: str) -> str:
    """The name by which the web knows one of Python's codecs."""
    return re.sub(r"^cp(?=125\d|874|932|949)", "windows-", charset).replace("_", "-")


def mend(text: str) -> str:
    """The text with surrogates joined, and without what neither XML nor UTF-8 can hold.

    Character references of that kind count as such characters; what has no place becomes U+FFFD.
    """
    if "&" in text:
        text = _REFERENCE.sub(_referred, text)
    text = _FORBIDDEN.sub("\ufffd", text)
    if _SURROGATE.search(text):
        # UTF-16 is where a pair of surrogates is one character.
        text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def _referred(reference: re.Match[str]) -> str:
    """The reference as it is where it names a character that can be, else the character meant."""
    digits = (reference[1] or reference[2]).lstrip("0") or "0"
    # No number of more digits is a character, and Python refuses to read thousands.
    code = int(digits, 10 if reference[1] else 16) if len(digits) < 8 else _LAST_CODE_POINT + 1  # noqa: PLR2004
    if code > _LAST_CODE_POINT or _FORBIDDEN.match(chr(code)):
        return "\ufffd"
    return chr(code) if _SURROGATE.match(chr(code)) else reference[0]
