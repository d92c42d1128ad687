"""Removes the furniture from plain text that somebody extracted from a page. Pure.

Without markup only lines are left to judge by. Labels of adverts, credits and dates are recognised
by their form, lists of other stories by their headings and by the relative time below each
headline. Everything else stays.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from enum import Enum, auto

from monitor.articles.wording import share_in, shingles, words

# A paragraph ends like a sentence and has at least this many words.
_PARAGRAPH_WORDS = 15
# A standfirst of at least this many words is dropped if the text repeats this share of its wording.
_STANDFIRST_WORDS = 6
_REPEATED_SHARE = 0.7
# A longer line is text, whatever it begins with.
_LABEL_CHARS = 120
_CAPTION_WORDS = 3

_LINE_ENDS_SENTENCE = re.compile(r"[.!?…。！？]\s*[\"'”’»)\]]*$")


class _LineKind(Enum):
    """Kinds of lines, text and furniture."""

    TEXT = auto()
    LABEL = auto()
    CREDIT = auto()
    BYLINE = auto()
    DATE = auto()
    AGO = auto()
    LIST = auto()


def _whole_line(pattern: str) -> re.Pattern[str]:
    return re.compile(rf"[\W_]*(?:{pattern})[\W_]*", re.IGNORECASE)


# Tried in this order; each pattern must match the whole line.
_PATTERNS: tuple[tuple[_LineKind, re.Pattern[str]], ...] = (
    (
        _LineKind.LABEL,
        _whole_line(
            r"advertise?ments?|advert|(?:story|article) continues below(?: (?:this )?adver\w+)?"
            r"|sponsored(?: content)?|anzeige|werbung|publicité|publicidad(?:e)?|pubblicità"
            r"|advertentie|annons|annonse|reklama?|реклама|広告|广告|skip (?:ad|advertisement)"
            r"|(?:whatsapp|facebook|twitter|telegram|linkedin|instagram|youtube|x) (?:logo|icon)"
            r"|(?:the post|der beitrag|l'article|el artículo|la entrada) .+"
            r" (?:appeared first on|first appeared on|erschien zuerst auf|est apparu en premier sur"
            r"|apareció primero en|se publicó primero en) .+"
            r"|(?:continue reading|read (?:the )?full (?:story|article)|read more|weiterlesen"
            r"|lire la suite|leer más|seguir leyendo|leia mais|continua a leggere)"
            r"|(?:(?:also|must) read|read (?:also|more)|see also|lire aussi|à lire aussi"
            r"|lesen sie auch|lea también|leia também|leggi anche)\s*[:|–—-].+"
        ),
    ),
    (
        _LineKind.CREDIT,
        _whole_line(
            r"(?:image|photo|picture|foto|bild|imagen|immagine|file photo)s?"
            r"(?: (?:credit|source|courtesy|by)s?)?\s*[:|©].+|(?:©|\(c\)) ?.+"
        ),
    ),
    (
        _LineKind.BYLINE,
        _whole_line(
            r"(?:reported|written|edited|curated|published|posted) by\b.+"
            # Every name has a capital: "Di Maio tritt zurück" is a headline.
            r"|(?:by|von|par|por|di|door|av):?(?:,? (?:and|und|et|y|&|(?-i:[^\W\d_a-z])\S*)){1,7}"
        ),
    ),
    (
        _LineKind.DATE,
        _whole_line(
            r"(?:(?:last |first )?(?:updated|published|modified|posted)|aktualisiert"
            r"|veröffentlicht|stand|publié|mis à jour|publicado|actualizado|atualizado|pubblicato"
            r"|aggiornato|gepubliceerd|publicerad|uppdaterad)\b\D{0,30}\d.*"
        ),
    ),
    (
        _LineKind.AGO,
        _whole_line(
            r"(?:an?|\d+) ?(?:s|secs?|seconds?|m|mins?|minutes?|h|hrs?|hours?|d|days?|weeks?"
            r"|months?)(?: ago)|just now|vor \d+ (?:sekunden?|minuten?|stunden?|tag(?:en)?)"
            r"|il y a \d+ \w+|hace \d+ \w+|há \d+ \w+|\d+ \w+ (?:fa|geleden|sedan|siden|önce)"
            r"|\d+ \w+ назад|\d+ ?(?:秒|分|分钟|小时|時間|天|日)前"
        ),
    ),
    (
        _LineKind.LIST,
        _whole_line(
            r"(?:trending|related|recommended|most (?:read|popular|viewed)|more (?:from|on|in)"
            r"|latest (?:news|stories)|top stories|you may (?:also )?like|popular (?:now|stories)"
            r"|don't miss|editor'?s'? picks?|meistgelesen|mehr zum thema|les plus lus"
            r"|sur le même sujet|lo más (?:leído|visto)|mais lidas|i più letti)"
            r"(?:\s+\S+){0,3}|comments?(?: \(?\d+\)?)?"
        ),
    ),
)


def without_furniture(text: str) -> str:
    """Returns the lines of `text`, a paragraph each, that belong to the article."""
    lines = [line for line in map(str.strip, text.splitlines()) if line]
    return "\n".join(_kept(lines, [_kind(line) for line in lines]))


def is_sentence(line: str) -> bool:
    """Returns whether a line ends with the punctuation of a sentence."""
    return bool(_LINE_ENDS_SENTENCE.search(line))


def _kind(line: str) -> _LineKind:
    if len(line) > _LABEL_CHARS:
        return _LineKind.TEXT
    for kind, pattern in _PATTERNS:
        # Of these only a label, such as "The post … appeared first on X.", may be a sentence.
        if pattern.fullmatch(line) and (kind is _LineKind.LABEL or not is_sentence(line)):
            return kind
    return _LineKind.TEXT


def _is_paragraph(line: str) -> bool:
    return is_sentence(line) and len(words(line)) >= _PARAGRAPH_WORDS


def _kept(lines: Sequence[str], kinds: Sequence[_LineKind]) -> Iterator[str]:
    paragraphs = [at for at, line in enumerate(lines) if _is_paragraph(line)]
    if not paragraphs:
        # Without a paragraph, text and furniture look alike: only labels are dropped.
        yield from (
            line for line, kind in zip(lines, kinds, strict=True) if kind is not _LineKind.LABEL
        )
        return
    first, last = paragraphs[0], paragraphs[-1]
    listed = _listed(lines, kinds, last)
    known = {shingle for at in paragraphs for shingle in shingles(words(lines[at]))}
    for at, (line, kind) in enumerate(zip(lines, kinds, strict=True)):
        is_above = at < first
        if (
            at in listed
            or kind in {_LineKind.LABEL, _LineKind.CREDIT, _LineKind.AGO, _LineKind.LIST}
            or (kind in {_LineKind.BYLINE, _LineKind.DATE} and is_above)
            or (is_above and (_is_caption(lines, kinds, at) or _is_repeated(line, known)))
        ):
            continue
        yield line


def _listed(lines: Sequence[str], kinds: Sequence[_LineKind], last: int) -> set[int]:
    """Returns the lines of lists of other stories, and all lines after the article's end.

    `last` is the last paragraph. A date, relative time or list heading below it ends the article.
    """
    listed: set[int] = set()
    # Each headline in a list is above its relative time. A single time may be the article's.
    times = [at for at, kind in enumerate(kinds) if kind is _LineKind.AGO]
    if len(times) > 1:
        listed.update(at - 1 for at in times if at)
    in_list = False
    for at, kind in enumerate(kinds):
        if at > last and kind in {_LineKind.DATE, _LineKind.AGO, _LineKind.LIST}:
            listed.update(range(at, len(lines)))
            break
        in_list = kind is _LineKind.LIST or (in_list and not is_sentence(lines[at]))
        if in_list:
            listed.add(at)
    return listed


def _is_caption(lines: Sequence[str], kinds: Sequence[_LineKind], at: int) -> bool:
    """Returns whether a line is a few words directly above the credit of a picture."""
    return (
        at + 1 < len(lines)
        and kinds[at + 1] is _LineKind.CREDIT
        and len(words(lines[at])) <= _CAPTION_WORDS
    )


def _is_repeated(line: str, known: set[tuple[str, ...]]) -> bool:
    """Returns whether a line is a standfirst that the text below it repeats."""
    line_words = words(line)
    return len(line_words) >= _STANDFIRST_WORDS and share_in(line_words, known) >= _REPEATED_SHARE
