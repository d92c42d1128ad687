"""Turns the texts of a feed's elements into the values that feedparser makes of them. Pure.

Most texts are plain, and most markup has one form; any other goes to feedparser's own functions.
"""

from __future__ import annotations

import re
from contextlib import suppress
from html.entities import name2codepoint
from urllib.parse import urljoin

from feedparser.urls import RelativeURIResolver, make_safe_absolute_uri, resolve_relative_uris

from monitor.articles.urls import is_normal

_SLASHES = re.compile(r"^([A-Za-z][A-Za-z0-9+-.]*://)/*")
_WINDOWS_1252 = {
    code: char
    for code in range(0x80, 0xA0)
    if (char := bytes([code]).decode("windows-1252", "ignore"))
}
_CONTROL = re.compile("[\x80-\x9f]")
_EMAIL = re.compile(
    r"(?<![a-zA-Z0-9_.+-])[a-zA-Z0-9_.+-]++@"
    r"(?:\[[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}\.|(?:[a-zA-Z0-9-]++\.)+)"
    r"(?:[a-zA-Z]{2,4}|[0-9]{1,3})\]?(?:\?subject=\S+)?"
)
_ATTRIBUTE = re.compile(
    r"""([a-zA-Z_][-:.a-zA-Z_0-9]*+)(?:\s*+=\s*+("[^"<>]*+"|'[^'<>]*+'))?+""", re.ASCII
)
# A tag, comment or reference whose form leaves no doubt, or the beginning of any other.
_MARKUP = re.compile(
    r"""
    <(?P<start>[a-zA-Z][a-zA-Z0-9]*+)
        (?P<attributes>(?:\s++[a-zA-Z_][-:.a-zA-Z_0-9]*+(?:\s*+=\s*+(?:"[^"<>]*+"|'[^'<>]*+'))?+)*+)
        \s*+(?P<slash>/?+)>
    | </(?P<end>[a-zA-Z][a-zA-Z0-9]*+)\s*+>
    | <!--[^<>-]*+(?:-[^<>-]++)*+-->
    | &\#(?P<code>[0-9]{1,6}|[xX][0-9a-fA-F]{1,5});
    | &(?P<entity>[a-zA-Z][a-zA-Z0-9]*+)(?:;|(?=[^-.a-zA-Z0-9]))
    | &(?=\s)
    | (?P<other>[<&])
    """,
    re.VERBOSE | re.ASCII,
)
_NUMBER = re.compile(r"&#([0-9]+);?")


class _DoubtfulError(Exception):
    """Says that markup has a form of which only feedparser knows what it means."""


def polished(text: str) -> str:
    """Returns a text without the traces of a wrong charset: UTF-8 or windows-1252 as Latin-1."""
    if text.isascii():
        return text
    with suppress(UnicodeError):
        text = text.encode("iso-8859-1").decode()
    return text.translate(_WINDOWS_1252) if _CONTROL.search(text) else text


def joined_uri(base: str, reference: str) -> str:
    """Returns the URI that a reference means; "" if it is not one."""
    if is_normal(reference):
        return reference
    if ":///" in reference:
        reference = _SLASHES.sub(r"\1", reference)
    try:
        return urljoin(base, reference)
    except ValueError:
        return ""


def rebased(base: str, reference: str) -> str:
    """Returns the base URI inside an element with the `xml:base` that is given."""
    return str(make_safe_absolute_uri(base, reference) or base)


def person_name(text: str) -> str:
    """Returns the name of a person of whom the text may say name and e-mail address."""
    if "@" not in text or not (email := _EMAIL.search(text)):
        return text
    name = text.replace(email[0], "")
    for nothing in ("()", "<>", "&lt;&gt;"):
        name = name.replace(nothing, "")
    return name.strip().removeprefix("(").removesuffix(")").strip()


def with_absolute_uris(html: str, base: str) -> str:
    """Returns HTML with absolute URIs, and with all of its tags written in one way."""
    if "<" not in html and "&" not in html:
        return html

    def rewritten(markup: re.Match[str]) -> str:
        if markup["other"]:
            raise _DoubtfulError
        if name := markup["start"]:
            return _start_tag(name.lower(), markup["attributes"], markup["slash"], base)
        if name := markup["end"]:
            name = name.lower()
            return "" if name in RelativeURIResolver.elements_no_end_tag else f"</{name}>"
        if code := markup["code"]:
            return _character(code.lower())
        if name := markup["entity"]:
            return f"&{name};" if name in name2codepoint or name == "apos" else f"&amp;{name}"
        return markup[0]

    try:
        return _MARKUP.sub(rewritten, html.replace("&#39;", "'").replace("&#34;", '"'))
    except _DoubtfulError:
        return str(resolve_relative_uris(html, base, "utf-8", "text/html"))


def _start_tag(name: str, attributes: str, slash: str, base: str) -> str:
    is_void = name in RelativeURIResolver.elements_no_end_tag
    if not attributes:
        end = f"</{name}>" if slash and not is_void else ""
        return f"<{name} />" if is_void else f"<{name}>{end}"
    values = {
        key.lower(): _NUMBER.sub(r"&#\1;", quoted[1:-1]) if quoted else key
        for key, quoted in _ATTRIBUTE.findall(attributes)
    }
    written = "".join(_attribute(name, key, values[key], base) for key in sorted(values))
    return f"<{name}{written}{' /' if is_void else ''}>"


def _attribute(name: str, key: str, value: str, base: str) -> str:
    if key in {"rel", "type"}:
        value = value.lower()
    elif (name, key) in RelativeURIResolver.relative_uris:
        value = make_safe_absolute_uri(base, value.strip()) or value
    value = value.replace(">", "&gt;").replace("<", "&lt;").replace('"', "&quot;")
    if "&" in value:
        value = RelativeURIResolver.bare_ampersand.sub("&amp;", value)
    return f' {key}="{value}"'


def _character(code: str) -> str:
    number = int(code[1:], 16) if code.startswith("x") else int(code)
    if number in _WINDOWS_1252:
        return f"&#{ord(_WINDOWS_1252[number]):#x};".replace("0x", "x")
    return f"&#{code};"
