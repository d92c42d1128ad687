"""What readers see of an article: passages with marks, links that are safe, languages. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from monitor.untrusted import mail_line

_WEB = re.compile(r"https?://[^\s<>\"\\^`{|}]+", re.IGNORECASE)
_LANGUAGE_TAG = re.compile(r"[A-Za-z]{2,3}(?:[-_][A-Za-z0-9]{1,8})*", re.ASCII)
_RIGHT_TO_LEFT = frozenset("ar arc ckb dv fa he iw ks nqo prs ps sd syr ug ur yi".split())
_RIGHT_TO_LEFT_SCRIPTS = frozenset("adlm arab hebr mand nkoo rohg samr syrc thaa".split())


@dataclass(frozen=True, slots=True)
class Passage:
    """A snippet in pieces, each with a flag that says whether it matched.

    `url` is empty if the snippet leads to no address, or to one that is not safe to follow.
    """

    pieces: tuple[tuple[str, bool], ...]
    url: str = ""

    @property
    def text(self) -> str:
        """Returns the snippet without marks."""
        return "".join(text for text, _ in self.pieces)

    @property
    def marked(self) -> str:
        """Returns the snippet as plain text, with matches between asterisks."""
        return "".join(f"*{text}*" if matched else text for text, matched in self.pieces)


def passage(snippet: Mapping[str, Any]) -> Passage:
    """Splits a snippet at its highlights, then cleans the pieces: cleaning moves offsets."""
    text, done, pieces = snippet["text"], 0, []
    for start, end in snippet["highlights"]:
        pieces += [(_piece(text[done:start]), False), (_piece(text[start:end]), True)]
        done = end
    pieces.append((_piece(text[done:]), False))
    url = safe_link(snippet.get("url", ""))
    return Passage(tuple(piece for piece in pieces if piece[0]), url)


def _piece(text: str) -> str:
    """Cleans a part of a line; a space at either end stays."""
    return mail_line(f"x{text}x")[1:-1]


def safe_link(url: str) -> str:
    """Returns an address if it is one of the web that is what it looks like, else nothing."""
    return url if _WEB.fullmatch(url) and mail_line(url) == url else ""


def language_and_direction(tag: str | None) -> tuple[str, str]:
    """Returns a language tag and the direction of its script, as attributes for HTML."""
    if not tag or not _LANGUAGE_TAG.fullmatch(tag):
        return "", "auto"
    first, *others = tag.lower().replace("_", "-").split("-")
    scripts = [part for part in others if len(part) == 4 and part.isalpha()]  # noqa: PLR2004
    right = scripts[0] in _RIGHT_TO_LEFT_SCRIPTS if scripts else first in _RIGHT_TO_LEFT
    return tag.replace("_", "-"), "rtl" if right else "ltr"
