"""Words of a block, and what they say of it. Pure."""

from __future__ import annotations

import re

from monitor.articles.blocks import Block

# Capitals are counted in so much of a block.
_BEGINNING = 200
_UNSPACED = "\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff"
_WORDS = re.compile(rf"[{_UNSPACED}]|[^\W{_UNSPACED}]+")
_ENDS_SENTENCE = re.compile(r"[.!?。！？]\s*[\"'”’»)]*\s*$")
_ENDS_CLAUSE = re.compile(r"[.!?。！？…:;\"'”’»)\]]\s*$")
_COMMAS = re.compile(r"[,;，、]")
_DIGITS = re.compile(r"\d")
_JUNK = re.compile(
    r"©|\(c\)|copyright|all rights|newsletter|subscribe|sign up|advert|cookie|follow us|read more"
    r"|read also|see also|click here|share (?:this|on)|lire aussi|à lire|mehr zum|lesen sie"
    r"|auch interessant|anzeige|leer más|lea también|leia (?:também|mais)|подпи|читайте"
    r"|photo(?:graph)?\b|getty|reuters/|ap photo|image (?:credit|source|caption)|foto:|bild:"
    r"|picture|abonn|log ?in|whatsapp|facebook|twitter|instagram|telegram|e-?mail|related"
    r"|recommended|comments?\b|download|@",
    re.IGNORECASE,
)


def words(text: str) -> list[str]:
    """The words of a text; scripts without spaces have a character in the place of a word."""
    return _WORDS.findall(text.casefold())


def of_text(block: Block, link_share: float) -> tuple[float, ...]:
    """What a block's own words say of it, in the order of the features' names."""
    text, length, count = block.text, len(block.text), len(block.words)
    return (
        count,
        length,
        link_share,
        block.links,
        block.bold_chars / length,
        sum(map(len, block.words)) / max(1, count),
        bool(_ENDS_SENTENCE.search(text[-10:])),
        bool(_ENDS_CLAUSE.search(text[-10:])),
        len(_COMMAS.findall(text)) / max(1, count),
        len(_DIGITS.findall(text)) / length,
        sum(map(str.isupper, text[:_BEGINNING])) / min(length, _BEGINNING),
        bool(_JUNK.search(text)),
    )


def shingles(found: list[str]) -> set[tuple[str, ...]]:
    """Three words in a row each."""
    return set(zip(found, found[1:], found[2:], strict=False))


def share_in(found: list[str], known: set[tuple[str, ...]]) -> float:
    """The share of a block's shingles that stand in another text."""
    if not known:
        return 0.0
    own = list(zip(found, found[1:], found[2:], strict=False))
    return sum(one in known for one in own) / len(own) if own else 0.0
