"""The lexemes of an article: what the index of words holds for it. Pure.

A word of the title or text is a lexeme as it is. A word of another field is one with the field's
name, as in `author/smith`, and so is each word of the title, once more: a query may ask for titles
alone. A fact is one, too, as in `lang/en`. So the index decides alone whether an article has a word
in its title or text, and not only in its address. No word holds a slash.

A `tsvector` of PostgreSQL holds lexemes of 2,046 bytes, and a megabyte altogether.
"""

from __future__ import annotations

from monitor.watchlists.article import JOINED_FIELDS, fact_word
from monitor.watchlists.syntax import TEXT_FIELDS, Fact

# No word has this form: it marks an article with too many words, which every search must consider.
ANY_WORD = "*"
MAX_LENGTH = 500
MAX_BYTES = 1_000_000
# Tags, and values in queries, may hold what a full-text index refuses: NUL, and what SQLite takes
# for a space.
_REFUSED = str.maketrans({"\0": "\ufffd", "\u180e": "\ufffd"})


def lexemes(joined_texts: str) -> str:
    """Returns the lexemes of an article, each once, or `ANY_WORD` alone.

    A space separates them: a list takes the driver longer to write than the server to split this.
    """
    lines = dict(zip(JOINED_FIELDS, map(str.split, joined_texts.split("\n")), strict=True))
    found = set(lines["facts"])
    for field, words in lines.items():
        if field in TEXT_FIELDS:
            found.update(words)
        if field not in {"body", "facts"}:
            found.update([f"{field}/{word}" for word in words])
    # Checked for all at once: to look at each takes longer than everything else here.
    if max(map(len, found), default=0) > MAX_LENGTH or _is_refused(joined_texts):
        found = set(map(_shortened, found))
    spelt = " ".join(sorted(found))
    size = len(spelt.encode()) - (len(found) - 1)
    return spelt if size <= MAX_BYTES else ANY_WORD


def text_lexeme(word: str) -> str:
    """Returns the lexeme of a word of the title or text."""
    return _shortened(word)


def field_lexeme(field: str, word: str) -> str:
    """Returns the lexeme of a word of a field that is not the text."""
    return _shortened(f"{field}/{word}")


def fact_lexeme(fact: Fact) -> str:
    """Returns the lexeme of a fact."""
    return _shortened(fact_word(fact))


def is_whole(lexeme: str) -> bool:
    """Returns whether a lexeme is one word or fact; a shortened one stands for several."""
    return len(lexeme) < MAX_LENGTH and "\ufffd" not in lexeme


def _is_refused(text: str) -> bool:
    return "\0" in text or "\u180e" in text


def _shortened(lexeme: str) -> str:
    plain = lexeme.translate(_REFUSED) if _is_refused(lexeme) else lexeme
    return plain[:MAX_LENGTH]
