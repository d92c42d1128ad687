"""Signs that belong to a name: C++, C#, .NET, AT&T, $TSLA, #NATO, 2%. Pure.

Words are compared without signs, so that "NATO-Russia" finds "NATO Russia". But a query that writes
AT&T must not find "look at T cells". What counts as such a sign is said here; all others are left
out of queries, as of texts.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator

import regex

from monitor.watchlists.syntax import JOINING_SIGNS, Signs
from monitor.watchlists.text import Span, Text

# Before a word that begins with a letter: a ticker, a hashtag, a handle, a name such as .NET.
_BEFORE = regex.compile(r"(?:[$#@]|(?<!\.)\.)$")
# After a word: C++, Disney+, C#, 2%.
_AFTER = regex.compile(r"\++|#|%")
# Between two words without white space: AT&T, Q&A, A+E.
_BETWEEN = regex.compile(r"[&@$+#]")
_BETWEEN_OR_DASH = regex.compile(r"[&@$+#-]")
_DASH = regex.compile(r"[\u2010-\u2015\u2212]")
# Names of letters and a number, and words after a letter, are written with a dash or without.
_WITH_DASH = regex.compile(r"(?P<before>\p{L}{1,9})-(?P<after>\d{1,4}|(?<=^\p{L}-)\p{L}{2,})")
_WITHOUT_DASH = regex.compile(r"(?P<before>\p{L}{1,9})(?P<after>\d{1,4})")


def signs_of(piece: str, first: int, *, dashes: bool = False) -> Iterator[Signs]:
    """Yields the signs in a part of a query without white space.

    `first` is the number of the part's first word in its phrase. With `dashes`, a dash between two
    words is such a sign, too.
    """
    between = _BETWEEN_OR_DASH if dashes else _BETWEEN
    spans = Text(piece).spans
    for number, (start, end) in enumerate(spans):
        before, after = "", ""
        if number == 0 and piece[start].isalpha() and (found := _BEFORE.search(piece[:start])):
            before = found[0]
        if number == len(spans) - 1:
            found = _AFTER.match(piece, end)
        else:
            found = between.match(piece, end) if spans[number + 1][0] == end + 1 else None
        if found:
            after = found[0]
        if before or after:
            yield Signs(first + number, before, after)


def other_spelling(piece: str) -> str:
    """Returns how a part of a query is written as well: F16 for F-16, and the other way round."""
    if found := _WITH_DASH.fullmatch(piece):
        return f"{found['before']}{found['after']}"
    if found := _WITHOUT_DASH.fullmatch(piece):
        return f"{found['before']}-{found['after']}"
    return piece


def has_signs(raw: str, span: Span, signs: Signs) -> bool:
    """Returns whether a text has the signs of a word at its place."""
    start, end = span
    if signs.before:
        # ASP.NET is another name than .NET, and dots before a word are no part of it.
        before = raw[max(start - 2, 0) : start]
        if _plain(before[-1:]) != signs.before or before[:-1].isalnum() or before == "..":
            return False
    if not signs.after:
        return True
    # French and German put a space before the sign: 2 %.
    at = end + 1 if signs.after == "%" and raw[end : end + 1].isspace() else end
    found, following = raw[at : at + len(signs.after)], raw[at + len(signs.after) :][:1]
    return _plain(found) == signs.after and (
        signs.after not in JOINING_SIGNS or following.isalnum()
    )


def _plain(signs: str) -> str:
    """Returns signs in their usual width; all dashes are one."""
    plain: str = _DASH.sub("-", unicodedata.normalize("NFKC", signs))
    return plain
