"""Splits text into words, and describes a block by its words. Pure."""

from __future__ import annotations

import re

from monitor.articles.blocks import Block

# Capitals are counted in this many characters at the beginning of a block.
_CAPITALS_CHARS = 200
# The scripts without spaces that the model was trained with: `stories` has another set, on which
# stored sketches depend.
_MODEL_UNSPACED = "\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff"
_MODEL_WORD = re.compile(rf"[{_MODEL_UNSPACED}]|[^\W{_MODEL_UNSPACED}]+")
_BLOCK_ENDS_SENTENCE = re.compile(r"[.!?。！？]\s*[\"'”’»)]*\s*$")
_BLOCK_ENDS_CLAUSE = re.compile(r"[.!?。！？…:;\"'”’»)\]]\s*$")
_COMMA = re.compile(r"[,;，、]")
_DIGIT = re.compile(r"\d")
_FURNITURE_PHRASE = re.compile(
    r"©|\(c\)|copyright|all rights|newsletter|subscribe|sign up|advert|cookie|follow us|read more"
    r"|read also|see also|click here|share (?:this|on)|lire aussi|à lire|mehr zum|lesen sie"
    r"|auch interessant|anzeige|leer más|lea también|leia (?:também|mais)|подпи|читайте"
    r"|photo(?:graph)?\b|getty|reuters/|ap photo|image (?:credit|source|caption)|foto:|bild:"
    r"|picture|abonn|log ?in|whatsapp|facebook|twitter|instagram|telegram|e-?mail|related"
    r"|recommended|comments?\b|download|@",
    re.IGNORECASE,
)


def words(text: str) -> list[str]:
    """Returns the words of a text; in scripts without spaces each character is a word.

    The model was trained on these words.
    """
    return _MODEL_WORD.findall(text.casefold())


def text_features(block: Block, link_share: float) -> tuple[float, ...]:
    """Returns the features of a block's text, in the order of `features.NAMES`."""
    text, length, count = block.text, len(block.text), len(block.words)
    return (
        count,
        length,
        link_share,
        block.links,
        block.bold_chars / length,
        sum(map(len, block.words)) / max(1, count),
        bool(_BLOCK_ENDS_SENTENCE.search(text[-10:])),
        bool(_BLOCK_ENDS_CLAUSE.search(text[-10:])),
        len(_COMMA.findall(text)) / max(1, count),
        len(_DIGIT.findall(text)) / length,
        sum(map(str.isupper, text[:_CAPITALS_CHARS])) / min(length, _CAPITALS_CHARS),
        bool(_FURNITURE_PHRASE.search(text)),
    )


def shingles(text_words: list[str]) -> set[tuple[str, ...]]:
    """Returns the shingles of a text: each three words in a row."""
    return set(zip(text_words, text_words[1:], text_words[2:], strict=False))


def share_in(text_words: list[str], other: set[tuple[str, ...]]) -> float:
    """Returns the share of a text's shingles that are among those of another text."""
    if not other:
        return 0.0
    triples = list(zip(text_words, text_words[1:], text_words[2:], strict=False))
    return sum(triple in other for triple in triples) / len(triples) if triples else 0.0
