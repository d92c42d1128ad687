"""Extracts authors' names from bylines and lists with titles and places around them. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from monitor.untrusted import one_line, plain_line

MAX_AUTHORS = 30
_MAX_NAME_CHARS = 80
_MAX_BYLINE_LINE = 2_000
_MAX_NAME_WORDS = 6

_BYLINE_PREFIX = re.compile(
    r"^(?:(?:a(?:rticle|nalysis)|opinion|comment(?:ary)?|report(?:ed|ing)?|review|stor(?:y|ies)|text"
    r"e?|words?|written|posted|published|updated|ein(?: gast)?(?:beitrag|kommentar)|guest"
    r" (?:post|column))\s+)?"
    r"(?:by|von|vom|par|por|di|door|av|af|od|oleh|yazan|автор|от|від)\b\s*[:.]?\s+"
    r"|^(?:text|texte|words|autor(?:in|en|es|a|i)?|auth?ors?|auteure?s?|verfasser(?:in)?"
    r"|writers?|reporters?|penulis|reporter|skribent|journalist|forfatter|автор)\s*[:：]\s*"
    r"|^(?:文|取材)\s*[:：・]\s*",
    re.IGNORECASE,
)
# What a person does: after a name and a comma, dash or slash, or alone.
_ROLES = (
    r"reporter(?:in)?|journalist(?:in|e|a)?|editor(?:ial)?|correspond\w+|korrespond\w+|redakt\w+"
    r"|redact\w+|rédact\w+|redat\w+|columnist|kolumnist(?:in)?|contributor|writer|author|autor(?:in)?"
    r"|producer|director|professor\w*|analyst|chief|head|staff|team|desk|bureau|freelance\w*"
    r"|fellow|critic|presenter|host|anchor|photograph\w+|fotograf\w*|volont\w+|ressort\w*|leiter(?:in)?"
    r"|chef\w*|mitarbeiter(?:in)?|developer|admin(?:istrator)?|senior|deputy|assistant|executive"
    r"|enviad[oa]|corresponsal|periodista|jornalista|giornalista|inviat[oa]|wartawan"
)
_ROLE = re.compile(rf"\b(?:{_ROLES})\b", re.IGNORECASE)
_TAIL_ROLE = re.compile(
    rf"(?:(?:(?<!\s)\s++)?[,/|–—-]\s*|(?<!\s)\s{{2,}}+|\sist\s++|\sis an?\s++)"
    rf"(?:[^,;]{{0,100}}?\b)?(?:{_ROLES})\b.*$",
    re.IGNORECASE,
)
# "Reporter" and "correspondent", which Korean and Japanese append to the name.
_ROLE_SUFFIX = re.compile(r"\s*(?:기자|특파원|인턴기자|선임기자|記者|編集委員|特派員)$")
_CONTACTS = re.compile(
    r"[\w.+-]+@[\w.-]+|https?://\S*|www\.\S*|(?<!\w)@\w+|\([^()]*\)|\[[^][]*\]|[©®*•]"
)
_NAME_SEPARATOR = re.compile(
    r"(?:(?<!\s)\s++)?(?:[;|\n、；·]\s*|,\s*(?:and|und|et|y|e|og|och|&)\s+|[,，]\s*)"
    r"|(?<!\s)\s++(?:and|und|et|og|och|dan|ve|și|oraz|sowie|&|\+|//?)\s+",
    re.IGNORECASE,
)
# These words are also parts of names: they separate only names of two words or more.
_TWO_LONG_NAMES = re.compile(r"^(\S+(?: \S+){1,2}) (?:y|e|en|con|with|mit) (\S+(?: \S+){1,3})$")
_PLACE_SUFFIX = re.compile(r"\s+(?:in|aus|à|at)\s+[A-ZÄÖÜÉ][\w.-]*(?:\s[A-ZÄÖÜÉ][\w.-]*){0,2}$")
_OUTLET_SUFFIX = re.compile(r"\s+(?:for|für|pour|para)\s+(?:the\s+)?[A-Z].*$")
_GENERATION_OR_DEGREE = re.compile(
    r"(?:jr|sr|ii|iii|iv|ph\.?d|m\.?d|esq|mba|ma|msc|llm|dds)\.?", re.IGNORECASE
)
_NOT_IN_NAMES = re.compile(
    r"\d|://|[<>{}=\\_#%$€£?!\"“”„]|\.(?:com|org|net|html?|php|jpe?g|png)\b(?=/)", re.IGNORECASE
)
# Labels found in the place of names, in the languages of our pages.
_LABEL_IN_BYLINE = re.compile(
    r"^(?:min(?:s|utes?|uten)? read|read(?:ing)?(?: time| more)?|share|teilen|follow\b.*|folgen"
    r"|comments?|updated?|published|posted|last updated|stand|uhr|am|on|bst|gmt|est|edt|by|von|par"
    r"|por|and|und"
    r"|et|ago|images?|photos?|bild(?:er)?|foto(?:s)?|source|quelle|unknown|none|null|undefined|n/?a"
    r"|author|autor(?:en)?|anonymous|guest|view (?:all|profile|bio)\b.*|more (?:by|from)\b.*"
    r"|mehr\b.*|agenturen|agencies|news|videos?|other|others)$",
    re.IGNORECASE,
)
_SLUG = re.compile(r"[a-z]+(?:-[a-z]+){1,3}")
_ANY_LETTER = re.compile(r"[^\W\d_]")
_PARTICLES = frozenset(
    "de la le du des da do dos das di del della der den dem van von zu zum zur ter ten te af av al"
    " el bin ibn ben y e i und genannt auf vom d'".split()
)


def names(text: object) -> Iterator[str]:
    """Yields the names in an author field: "By Ann Lee and Bo Ek, Berlin editors" has two."""
    if isinstance(text, str):
        for line in text.split("\n"):
            yield from _names(plain_line(line, _MAX_BYLINE_LINE))


def _names(line: str) -> Iterator[str]:
    bare = _TAIL_ROLE.sub("", _CONTACTS.sub(" ", line))
    parts = [part for part in _parts(bare) if part]
    if _is_reversed(parts):
        parts = [" ".join(reversed(parts))]
    for part in parts:
        name = _name(part)
        if name:
            yield name


def _parts(text: str) -> Iterator[str]:
    for part in _NAME_SEPARATOR.split(_BYLINE_PREFIX.sub("", text.strip())):
        both = _TWO_LONG_NAMES.match(part.strip())
        yield from both.groups() if both else [part.strip()]


def _is_reversed(parts: list[str]) -> bool:
    """Returns whether these are a family name and a given name, as in catalogues."""
    return len(parts) == 2 and all(part.istitle() and " " not in part for part in parts)  # noqa: PLR2004


def _name(part: str) -> str:
    """Returns the name in a part of a byline without prefixes and suffixes; "" if it has none."""
    part = _BYLINE_PREFIX.sub("", one_line(part))
    part = _ROLE_SUFFIX.sub("", _PLACE_SUFFIX.sub("", _OUTLET_SUFFIX.sub("", part)))
    part = part.strip(" .,:;/|–—-'\u00a0")
    if _SLUG.fullmatch(part):
        part = part.replace("-", " ").title()
    if not (1 < len(part) <= _MAX_NAME_CHARS) or not _ANY_LETTER.search(part):
        return ""
    if (
        len(part.split()) > _MAX_NAME_WORDS
        or _NOT_IN_NAMES.search(part)
        or _LABEL_IN_BYLINE.match(part)
    ):
        return ""
    return "" if _GENERATION_OR_DEGREE.fullmatch(part) else part


def looks_like_person(name: str) -> bool:
    """Returns whether this is written like a person's name: two words or more, capitalised."""
    words = name.split()
    if _ROLE.search(name):
        return False
    if any("\u3040" <= letter <= "\u9fff" or "\uac00" <= letter <= "\ud7a3" for letter in name):
        return len(name) <= 8  # noqa: PLR2004  longer ones are departments and papers
    return len(words) > 1 and all(
        word[0].isupper() or not word[0].isalpha() or word.lower() in _PARTICLES for word in words
    )


def distinct(authors: Iterable[str]) -> tuple[str, ...]:
    """Returns the first `MAX_AUTHORS` names, each once, ignoring case and spaces."""
    seen: dict[str, str] = {}
    for name in authors:
        seen.setdefault("".join(name.casefold().split()), name)
        if len(seen) == MAX_AUTHORS:
            break
    return tuple(seen.values())
