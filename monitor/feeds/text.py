"""Decodes a feed's bytes, and removes surrogates and controls from its text. Pure."""

from __future__ import annotations

import codecs
import re
from collections.abc import Mapping
from email.message import Message

from monitor.articles.charsets import is_mistaken, likely
from monitor.articles.markup import decoded_as
from monitor.untrusted import join_surrogates

_BOMS = (
    # First, since UTF-32's mark begins like UTF-16's.
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# `<?`, or `<` in four bytes, without a byte order mark (XML 1.0, appendix F).
_WIDE_STARTS = {
    b"<\x00?\x00": "utf-16-le",
    b"\x00<\x00?": "utf-16-be",
    b"<\x00\x00\x00": "utf-32-le",
    b"\x00\x00\x00<": "utf-32-be",
}
_DECLARED = re.compile(rb"""<\?xml[^<>?]{0,200}?\sencoding\s{0,9}=\s{0,9}["']([\w.:-]{2,40})["']""")
_WIDE = re.compile(r"utf-?(?:16|32)", re.IGNORECASE)

# Text that was escaped twice, as in titles, is unescaped by feedparser in a second step.
_REFERENCE = re.compile(r"&(?:amp;)*+#(?:([0-9]+)|[xX]([0-9a-fA-F]+));?")
_LAST_CODE_POINT = 0x10FFFF
# Characters that XML 1.0 (section 2.2) and HTML do not allow.
_FORBIDDEN = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_CONTROLS = bytes(code for code in range(0x20) if code not in b"\t\n\r")
_SURROGATE = re.compile(r"[\ud800-\udfff]")


def decode(body: bytes, headers: Mapping[str, str]) -> tuple[str, str | None]:
    """Returns a feed as text, and the problem with its charset, or None.

    A byte order mark decides first, then bytes that can only be UTF-8, then the HTTP header and the
    XML declaration, then resemblance.
    """
    for mark, charset in _BOMS:
        if body.startswith(mark):
            return body.decode(charset, errors="replace"), None
    if charset := _WIDE_STARTS.get(body[:4], ""):
        return body.decode(charset, errors="replace"), None
    claims = _claims(body, headers)
    for charset in claims:
        # Its bytes are ASCII, and thus also valid UTF-8.
        if charset.startswith("iso-2022") and (text := decoded_as(body, charset)) is not None:
            return text, None
    # CESU-8 writes an emoji as two surrogates of three bytes each.
    for errors in ("strict", "surrogatepass"):
        try:
            return body.decode("utf-8", errors), None
        except UnicodeDecodeError:
            continue
    credible = [charset for charset in claims if not is_mistaken(body, charset)]
    for charset in dict.fromkeys([*credible, "utf-8"]):
        if (text := decoded_as(body, charset)) is not None:
            return text, f"some characters are not valid {charset}" if "\ufffd" in text else None
    charset = likely(body)
    reason = f"the feed says it is {claims[0]} and is not" if claims else "no charset is declared"
    return body.decode(charset, errors="replace"), f"{reason}; read as {_name(charset)}"


def _claims(body: bytes, headers: Mapping[str, str]) -> list[str]:
    message = Message()
    message["content-type"] = headers.get("content-type", "").replace("\n", " ").replace("\r", " ")
    try:
        served = message.get_content_charset()
    except (TypeError, ValueError, LookupError):
        served = None
    declared = _DECLARED.search(body[:1_000])
    claims = [served, declared and declared[1].decode("ascii", "replace")]
    # A document whose declaration is readable as ASCII is neither UTF-16 nor UTF-32.
    return [claim.lower() for claim in claims if claim and not _WIDE.match(claim)]


def _name(charset: str) -> str:
    """Returns the name that the web uses for one of Python's codecs."""
    return re.sub(r"^cp(?=125\d|874|932|949)", "windows-", charset).replace("_", "-")


def mend(text: str) -> str:
    """Joins pairs of surrogates, and replaces what XML or UTF-8 do not allow by U+FFFD.

    Character references are treated like the characters that they refer to.
    """
    if "&" in text:
        text = _REFERENCE.sub(_dereferenced, text)
    return text if _is_sound(text) else join_surrogates(_FORBIDDEN.sub("\ufffd", text))


def _is_sound(text: str) -> bool:
    """Returns whether `mend` need not replace anything, several times faster than by searching."""
    try:
        encoded = text.encode()
    except UnicodeEncodeError:
        return False
    has_controls = len(encoded.translate(None, _CONTROLS)) < len(encoded)
    return not has_controls and "\ufffe" not in text and "\uffff" not in text


def _dereferenced(reference: re.Match[str]) -> str:
    """Returns a reference to an allowed character unchanged, else a surrogate or U+FFFD."""
    digits = (reference[1] or reference[2]).lstrip("0") or "0"
    # A longer number is not a character, and Python refuses to parse thousands of digits.
    code = int(digits, 10 if reference[1] else 16) if len(digits) < 8 else _LAST_CODE_POINT + 1  # noqa: PLR2004
    if code > _LAST_CODE_POINT or _FORBIDDEN.match(chr(code)):
        return "\ufffd"
    return chr(code) if _SURROGATE.match(chr(code)) else reference[0]
