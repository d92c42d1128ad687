"""Text from strangers, made safe to keep and to show. Pure.

Feeds, pages and servers send control characters, half surrogate pairs, markup in titles, and marks
that turn the direction of what follows. Destinations differ in what they tolerate, so each has its
own function:

- `without_controls`, `one_line`, `plain_line` and `paragraphs` for what is kept;
- `printable`, `terminal_json` and `escaped_json` for terminals, `mail_line` for e-mail,
  `slack_text` for Slack.
"""

from __future__ import annotations

import html
import json
import re
import unicodedata
from typing import Any

# Surrogates come from escapes in JSON and XML, and cannot be written as UTF-8.
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
_SPACES = re.compile(r"[^\S\n]+")
# Applied after `_SPACES`: no run of spaces is left to be scanned from each of them.
_LINE_BREAKS = re.compile(r" ?\n[ \n]*")
_TAG = re.compile(r"<[a-zA-Z!/][^<>]*>")
_ENTITY = re.compile(r"&#?\w+;")
_SOFT_HYPHEN = "\u00ad"

# Bidi embeddings, overrides and isolates (UAX #9) reorder their surroundings, and the others hide
# text. Direction marks and joiners stay: Persian, Hebrew and emoji need them.
_HIDDEN_IN_MAIL = re.compile(
    "[\u00ad\u200b\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]"
)
_SPACE_CATEGORIES = frozenset(("Cc", "Zl", "Zp", "Zs"))
_HIDDEN_IN_SLACK = re.compile(r"[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufeff]")
# Separators that Unicode counts as controls are none.
_SPACES_IN_SLACK = re.compile(r"[^\S\x1c-\x1f]+")


def without_controls(text: str) -> str:
    """Replaces each control character and surrogate with a space; tabs and line breaks stay."""
    return _CONTROLS.sub(" ", text)


def count_controls(text: str) -> int:
    """Returns how many characters `without_controls` would replace."""
    return len(_CONTROLS.findall(text))


def join_surrogates(text: str) -> str:
    """Joins surrogate pairs; half of a pair becomes U+FFFD."""
    # In UTF-16 a pair of surrogates is one character.
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def one_line(text: str) -> str:
    """Replaces each run of white space with one space, and strips the ends."""
    return " ".join(text.split())


def plain_line(value: object, max_chars: int) -> str:
    """Returns a string as one line of plain text, cut to `max_chars`; "" for any other value.

    Removes tags and soft hyphens and decodes entities, which content management systems leave in
    titles.
    """
    if not isinstance(value, str):
        return ""
    text = value[: 4 * max_chars]
    for _ in range(2):  # text that was escaped twice is as common as text that was escaped once
        if _ENTITY.search(text):
            text = html.unescape(text)
    text = without_controls(_TAG.sub(" ", text)).replace(_SOFT_HYPHEN, "")
    return one_line(text)[:max_chars].rstrip()


def paragraphs(text: str) -> str:
    """Returns a text with one paragraph a line: no blank lines, no controls, single spaces."""
    return _LINE_BREAKS.sub("\n", _SPACES.sub(" ", without_controls(text))).strip()


def printable(text: str) -> str:
    """Replaces each character that a terminal might obey with a space: controls, bidi marks.

    The result is one line, and as long as `text`, so that offsets into it stay valid.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(char if char.isprintable() else " " for char in text)


def terminal_json(value: Any, *, indent: int | None = None) -> str:
    """Writes a value as JSON in which characters that a terminal might obey are escaped."""
    return escaped_json(json.dumps(value, ensure_ascii=False, indent=indent))


def escaped_json(text: str) -> str:
    """Escapes in JSON text what a terminal might obey, and halves of surrogate pairs."""
    if text.isascii():
        return text
    return "".join(
        char if char.isprintable() or char == "\n" else json.dumps(char)[1:-1] for char in text
    )


def mail_line(text: str) -> str:
    """Returns a text as one line for mail, without characters that hide or reorder text.

    Joins surrogate pairs; half of a pair becomes U+FFFD.
    """
    return one_line(
        "".join(
            " " if unicodedata.category(char) in _SPACE_CATEGORIES else char
            for char in _HIDDEN_IN_MAIL.sub("", join_surrogates(text))
        )
    )


def slack_text(text: str) -> str:
    """Returns a piece of text for Slack, without line breaks, controls and bidi overrides.

    A space at either end stays, since pieces are shown one after another.
    """
    return _HIDDEN_IN_SLACK.sub("", _SPACES_IN_SLACK.sub(" ", text))
