"""Plain text less the furniture of the page that it was flattened from. Pure.

Somebody else has taken the markup away, so lines are all there is to go by: labels of adverts,
credits and dates are known by their form, lists of other stories by their headings and by the
relative times below each entry. What is not known as furniture stays.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from enum import Enum, auto

from monitor.articles.wording import share_in, shingles, words

# A line of so many words is somebody's text where it ends as a sentence does.
_PARAGRAPH_WORDS = 15
# What stands above the text is said again in it where so much of its wording is.
_STANDFIRST_WORDS = 6
_REPEATED = 0.7
# A label is no sentence: what is longer is text, whatever it begins with.
_LABEL_CHARS = 120
_CAPTION_WORDS = 3

_ENDS_SENTENCE = re.compile(r"[.!?…。！？]\s*[\"'”’»)\]]*$")


class _Kind(Enum):
    """What a line is."""

    TEXT = auto()
    LABEL = auto()
    CREDIT = auto()
    BYLINE = auto()
    DATE = auto()
    AGO = auto()
    LIST = auto()


def _line(pattern: str) -> re.Pattern[str]:
    return re.compile(rf"[\W_]*(?:{pattern})[\W_]*", re.IGNORECASE)


# In the order in which they are tried; each has to fit the whole line.
_FORMS: tuple[tuple[_Kind, re.Pattern[str]], ...] = (
    (
        _Kind.LABEL,
        _line(
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
        _Kind.CREDIT,
        _line(
            r"(?:image|photo|picture|foto|bild|imagen|immagine|file photo)s?"
            r"(?: (?:credit|source|courtesy|by)s?)?\s*[:|©].+|(?:©|\(c\)) ?.+"
        ),
    ),
    (
        _Kind.BYLINE,
        _line(
            r"(?:reported|written|edited|curated|published|posted) by\b.+"
            # Capitals throughout: "Di Maio tritt zurück" is a headline.
            r"|(?:by|von|par|por|di|door|av):?(?:,? (?:and|und|et|y|&|(?-i:[^\W\d_a-z])\S*)){1,7}"
        ),
    ),
    (
        _Kind.DATE,
        _line(
            r"(?:(?:last |first )?(?:updated|published|modified|posted)|aktualisiert"
            r"|veröffentlicht|stand|publié|mis à jour|publicado|actualizado|atualizado|pubblicato"
            r"|aggiornato|gepubliceerd|publicerad|uppdaterad)\b\D{0,30}\d.*"
        ),
    ),
    (
        _Kind.AGO,
        _line(
            r"(?:an?|\d+) ?(?:s|secs?|seconds?|m|mins?|minutes?|h|hrs?|hours?|d|days?|weeks?"
            r"|months?)(?: ago)|just now|vor \d+ (?:sekunden?|minuten?|stunden?|tag(?:en)?)"
            r"|il y a \d+ \w+|hace \d+ \w+|há \d+ \w+|\d+ \w+ (?:fa|geleden|sedan|siden|önce)"
            r"|\d+ \w+ назад|\d+ ?(?:秒|分|分钟|小时|時間|天|日)前"
        ),
    ),
    (
        _Kind.LIST,
        _line(
            r"(?:trending|related|recommended|most (?:read|popular|viewed)|more (?:from|on|in)"
            r"|latest (?:news|stories)|top stories|you may (?:also )?like|popular (?:now|stories)"
            r"|don't miss|editor'?s'? picks?|meistgelesen|mehr zum thema|les plus lus"
            r"|sur le même sujet|lo más (?:leído|visto)|mais lidas|i più letti)"
            r"(?:\s+\S+){0,3}|comments?(?: \(?\d+\)?)?"
        ),
    ),
)


def without_furniture(text: str) -> str:
    """The article in a text that has a paragraph a line; a text without furniture as it is."""
    lines = [line for line in map(str.strip, text.splitlines()) if line]
    kinds = [_kind(line) for line in lines]
    kept = list(_kept(lines, kinds))
    return "\n".join(kept)


def is_sentence(line: str) -> bool:
    """Whether a line ends as sentences do."""
    return bool(_ENDS_SENTENCE.search(line))


def _kind(line: str) -> _Kind:
    if len(line) > _LABEL_CHARS:
        return _Kind.TEXT
    for kind, form in _FORMS:
        # A list's heading, a credit or a date is no sentence; "The post … on X." is a label.
        if form.fullmatch(line) and (kind is _Kind.LABEL or not is_sentence(line)):
            return kind
    return _Kind.TEXT


def _is_paragraph(line: str) -> bool:
    return is_sentence(line) and len(words(line)) >= _PARAGRAPH_WORDS


def _kept(lines: Sequence[str], kinds: Sequence[_Kind]) -> Iterator[str]:
    paragraphs = [at for at, line in enumerate(lines) if _is_paragraph(line)]
    if not paragraphs:
        # Too little to tell text from furniture by: only what nobody takes for text goes.
        yield from (
            line for line, kind in zip(lines, kinds, strict=True) if kind is not _Kind.LABEL
        )
        return
    begins, ends = paragraphs[0], paragraphs[-1]
    listed = _listed(lines, kinds, ends)
    said = {one for at in paragraphs for one in shingles(words(lines[at]))}
    for at, (line, kind) in enumerate(zip(lines, kinds, strict=True)):
        above = at < begins
        if (
            at in listed
            or kind in {_Kind.LABEL, _Kind.CREDIT, _Kind.AGO, _Kind.LIST}
            or (kind in {_Kind.BYLINE, _Kind.DATE} and above)
            or (above and (_is_caption(lines, kinds, at) or _is_said(line, said)))
        ):
            continue
        yield line


def _listed(lines: Sequence[str], kinds: Sequence[_Kind], ends: int) -> set[int]:
    """Lines of lists of other stories, and all that follows the text's end mark."""
    listed: set[int] = set()
    # A headline stands above its relative time; a single time may be the article's own.
    times = [at for at, kind in enumerate(kinds) if kind is _Kind.AGO]
    if len(times) > 1:
        listed.update(at - 1 for at in times if at)
    in_list = False
    for at, kind in enumerate(kinds):
        if at > ends and kind in {_Kind.DATE, _Kind.AGO, _Kind.LIST}:
            listed.update(range(at, len(lines)))
            break
        in_list = kind is _Kind.LIST or (in_list and not is_sentence(lines[at]))
        if in_list:
            listed.add(at)
    return listed


def _is_caption(lines: Sequence[str], kinds: Sequence[_Kind], at: int) -> bool:
    """Whether a few words stand right above a picture's credit."""
    return (
        at + 1 < len(lines)
        and kinds[at + 1] is _Kind.CREDIT
        and len(words(lines[at])) <= _CAPTION_WORDS
    )


def _is_said(line: str, said: set[tuple[str, ...]]) -> bool:
    """Whether a standfirst says what the text says again."""
    own = words(line)
    return len(own) >= _STANDFIRST_WORDS and share_in(own, said) >= _REPEATED
