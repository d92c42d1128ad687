"""Turns text into tokens that are equal if a reader would not mind the difference. Pure.

A token is a folded word and its place in the original text. Folding is NFKC, full case folding, and
the removal of diacritics, so that a reader's spelling finds a writer's. Scripts written without
spaces give a token for each character: there a term matches wherever its characters occur in
sequence. An apostrophe separates words, because "OTAN" must find "l'OTAN"; a possessive 's is
dropped.

No token contains white space, so a text is split there first. The pieces recur in every text and
are cached: splitting and looking up take a tenth of the time of a regular expression.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate, compress
from operator import attrgetter
from typing import Any

import regex

# The version of the rules by which text becomes words: the archive stores folded words. Change it
# with anything that changes `Text.joined` or an article's facts.
RULES = 2

Span = tuple[int, int]

# Ignored within words: soft hyphen, zero-width space, joiners, word joiner, BOM, directional marks,
# the line that stretches Arabic words, and variation selectors, which follow emoji and characters
# of Japanese names. Joiners carry meaning in Persian and Hindi, but people leave them out.
_INVISIBLE = (
    "\u00ad\u034f\u061c\u0640\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069"
    "\ufe00-\ufe0f\ufeff\U000e0100-\U000e01ef"
)
# Unicode counts some of these as letters. Ukrainian uses \u02bc, \u2019 and ' interchangeably.
_APOSTROPHES = "'\u2019\u2018\u201b\u02bb\u02bc\u2032\u00b4`\ua78c\uff07"
# Scripts that are written without spaces between words.
UNSPACED_SCRIPTS = r"\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}"
_UNSPACED_CHARACTERS = rf"{UNSPACED_SCRIPTS}\u30fc\uff70"
_CORE = rf"[[\p{{L}}\p{{N}}]--[{_UNSPACED_CHARACTERS}{_APOSTROPHES}]]"
_MORE = rf"[[\p{{L}}\p{{M}}\p{{N}}{_INVISIBLE}]--[{_UNSPACED_CHARACTERS}{_APOSTROPHES}]]"
_RUN = rf"{_MORE}*{_CORE}{_MORE}*"
_S = rf"(?:[{_APOSTROPHES}][sS](?![\p{{L}}\p{{N}}]))?"

_TOKEN = regex.compile(
    rf"""
      [{_UNSPACED_CHARACTERS}][\p{{M}}\uff9e\uff9f]*              # one character
    | (?:(?<![\p{{L}}\p{{N}}])\p{{L}}\.){{2,}}            # U.S., U.S.A, U.K.'s
      (?:\p{{L}}(?![\p{{L}}\p{{N}}]))?{_S}
    | \p{{N}}+(?:[.,\u066c'\u2019]\p{{N}}{{3}}(?!\p{{N}}))+ # 1,000,000, and 1'000 in Switzerland
    | {_RUN}{_S}                                     # council, council's
    """,
    regex.VERBOSE | regex.V1,
)
_POSSESSIVE = regex.compile(rf"[{_APOSTROPHES}][sS]$")
_IGNORED_IN_WORDS = regex.compile(rf"[{_INVISIBLE}{_APOSTROPHES}.,\u066c]")
_ASCII_WORD = re.compile(r"[a-z0-9]+")
# Spaces between groups of digits become commas: as many code points, and no white space. A plain
# space may also stand between two numbers.
_NUMBER_SPACES = "\u00a0\u2009\u202f"
_SPACED_NUMBER = re.compile(rf"(?<!\d)\d{{1,3}}(?:[{_NUMBER_SPACES}]\d{{3}})+(?!\d)")
_COMMAS = str.maketrans(dict.fromkeys(_NUMBER_SPACES, ","))
_MAX_PIECE_LENGTH = 40
_MAX_PIECES = 200_000

# Canonical combining classes (Unicode, section 4.3) of marks that only change a letter's spelling:
# the points of Hebrew and Arabic, and marks above, below and beside a letter. All others make
# another letter: the nukta and virama of Indic scripts, the voicing of kana, the vowels and tones
# of Telugu, Thai and Lao.
_POINTS = range(10, 37)
_FIRST_AROUND = 200
# But for the nukta of Devanagari, which Hindi writers often leave out, as Lucene's
# HindiNormalizer does.
_NUKTA = "\u093c"

# The zeros of Arabic, Persian, N'Ko, Devanagari, Bengali, Gurmukhi, Gujarati, Odia, Tamil, Telugu,
# Kannada, Malayalam and Tibetan.
_ZEROS = (
    0x660, 0x6F0, 0x7C0, 0x966, 0x9E6, 0xA66, 0xAE6, 0xB66, 0xBE6, 0xC66, 0xCE6, 0xD66, 0xF20
)  # fmt: skip

# Letters without a decomposition, as people type them whose keyboard lacks them.
_PLAIN = str.maketrans(
    {"ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ħ": "h", "ı": "i",
     "ŋ": "n", "ŧ": "t", "ĸ": "k", "ə": "e", "ɓ": "b", "ɗ": "d", "ƙ": "k", "ƴ": "y"}
    # Arabic, Persian and Urdu have letters of their own for one sound, and keyboards mix them. The
    # choice is that of Lucene's ArabicNormalizer and PersianNormalizer; hamzas are marks.
    | {"ى": "ي", "ی": "ي", "ے": "ي", "ک": "ك", "ة": "ه", "ۀ": "ه", "ہ": "ه", "ە": "ه", "ٱ": "ا"}
    # Digits of other scripts; those of scripts without spaces are letters to us.
    | {chr(zero + digit): str(digit) for zero in _ZEROS for digit in range(10)}
)  # fmt: skip

# Letters below are of the Latin alphabet, and fold one by one.
_END_OF_LATIN = "\u0250"

# Ends a sentence between two words, unless the first is an initial, a number, or a title.
_SENTENCE_END = regex.compile(r"(?<![.!?…。！？])[.!?…。！？]++[\"'”’»)\]]*+(?:\s|$)|[。！？]|\n")
_MAY_END_SENTENCE = re.compile(r"[.!?…。！？\n]+")
_LINE_BREAK = re.compile(r"\n")
_WHITE_SPACE = re.compile(r"\s")
_FULL_STOP = regex.compile(r"\.[\"'”’»)\]]*\s")
_TITLES = frozenset(
    """mr mrs ms dr prof st gen col lt sgt capt sen rep gov pres hon rev jr sr no vs etc inc ltd co
    corp dept mt ca bzw usw hr fr nr str mme mlle sig sra""".split()
)


@dataclass(frozen=True, slots=True)
class _Piece:
    """The text between two white spaces: its words, their spans, and all words joined."""

    words: tuple[str, ...]
    spans: tuple[Span, ...]
    joined: str


_words_of_piece = attrgetter("words")


class _Pieces(dict[str, _Piece]):
    """A cache of pieces by their text; `__missing__` makes it as fast as a plain dictionary."""

    def __missing__(self, text: str) -> _Piece:
        piece = _split(text)
        if len(text) <= _MAX_PIECE_LENGTH:
            if len(self) >= _MAX_PIECES:
                self.clear()
            self[text] = piece
        return piece


_pieces = _Pieces()


class _FoldedLetters(dict[int, str]):
    """A cache of folded letters by their code points, for `str.translate`."""

    def __missing__(self, code: int) -> str:
        folded = self[code] = fold(chr(code))
        return folded


_folded_letters = _FoldedLetters()


class Text:
    """A text as tokens: `words` are folded, `span` maps each to its place in `raw`."""

    def __init__(self, raw: str) -> None:
        """Splits a text of any length."""
        self._split(raw)
        # All words, with a space on either side of each.
        self.joined = f" {' '.join([piece.joined for piece in self._pieces if piece.joined])} "

    def _split(self, raw: str) -> None:
        self.raw = raw
        self._plain = with_joined_digits(raw)
        self._parts = self._plain.split()
        self._pieces = list(map(_pieces.__getitem__, self._parts))

    @cached_property
    def words(self) -> list[str]:
        """Returns all words, folded."""
        return self.joined.split()

    def words_at(self, places: Iterable[int]) -> list[int]:
        """Returns the numbers of the words that contain these offsets in `joined`, or end there.

        The offsets ascend. The text is read once, which takes a tenth of the time of listing where
        every word ends.
        """
        numbers: list[int] = []
        number, read = -1, 0
        for place in places:
            number += self.joined.count(" ", read, place)
            read = place
            numbers.append(number)
        return numbers

    @cached_property
    def _first_words(self) -> list[int]:
        """Returns the number of each piece's first word."""
        return [0, *accumulate(map(len, map(_words_of_piece, self._pieces)))]

    @cached_property
    def _starts(self) -> list[int]:
        """Returns the offset at which each piece starts."""
        parts = self._parts
        if sum(map(len, parts)) + len(parts) != len(self._plain) + 1:
            # Some white spaces have others beside them, or begin or end the text.
            parts = _WHITE_SPACE.split(self._plain)
        starts = accumulate([len(part) + 1 for part in parts], initial=0)
        return list(compress(starts, parts))

    def span(self, number: int) -> Span:
        """Returns a word's half-open range of code points in the original text."""
        piece = bisect_right(self._first_words, number) - 1
        start, end = self._pieces[piece].spans[number - self._first_words[piece]]
        return self._starts[piece] + start, self._starts[piece] + end

    @property
    def spans(self) -> list[Span]:
        """Returns the spans of all words."""
        return [
            (at + start, at + end)
            for at, piece in zip(self._starts, self._pieces, strict=False)
            for start, end in piece.spans
        ]

    @cached_property
    def sentences(self) -> list[int]:
        """Returns the numbers of the words that begin a sentence, but for the first word."""
        return self._segments(_MAY_END_SENTENCE, self._ends_sentence)

    @cached_property
    def paragraphs(self) -> list[int]:
        """Returns the numbers of the words that begin a paragraph, but for the first word."""
        return self._segments(_LINE_BREAK, lambda _, between: "\n" in between)

    def _ends_sentence(self, word: str, between: str) -> bool:
        if not _SENTENCE_END.search(between):
            return False
        abbreviated = len(word) == 1 or word.isdigit() or word in _TITLES
        return not (abbreviated and _FULL_STOP.match(between) and "\n" not in between)

    def _segments(self, may_end: re.Pattern[str], ends: Callable[[str, str], bool]) -> list[int]:
        begin: list[int] = []
        last = 0
        for place in may_end.finditer(self.raw):
            number = self._words_before(place.start())
            if last < number < len(self.words):
                between = self.raw[self.span(number - 1)[1] : self.span(number)[0]]
                if ends(self.words[number - 1], between):
                    begin.append(number)
                last = number
        return begin

    def _words_before(self, place: int) -> int:
        """Returns how many words begin at or before an offset in the original text."""
        piece = bisect_right(self._starts, place) - 1
        if piece < 0:
            return 0
        inside = place - self._starts[piece]
        spans = self._pieces[piece].spans
        return self._first_words[piece] + sum(start <= inside for start, _ in spans)


class StoredText(Text):
    """A text whose `joined` is known; the original is loaded and split only if asked for.

    Searching 300,000 articles would otherwise split them all, which takes 15 times as long as
    reading `joined`.
    """

    def __init__(self, joined: str, load: Callable[[], str]) -> None:
        """Takes `joined` of the text that `load` returns."""
        self.joined = joined
        self._load = load

    def __getattr__(self, name: str) -> Any:
        # Called only for what `Text` sets when it splits.
        if name not in {"raw", "_plain", "_parts", "_pieces"}:
            raise AttributeError(name)
        self._split(self._load())
        return self.__dict__[name]


def words_of(text: str) -> list[str]:
    """Returns the folded words of a text; `Text` takes longer, and also knows their places."""
    pieces = map(_pieces.__getitem__, with_joined_digits(text).split())
    return [word for piece in pieces for word in piece.words]


def with_joined_digits(text: str) -> str:
    """Returns a text without spaces that do not break between groups of digits, as long."""
    if any(space in text for space in _NUMBER_SPACES):
        return _SPACED_NUMBER.sub(lambda number: number[0].translate(_COMMAS), text)
    return text


def _split(text: str) -> _Piece:
    """Splits a piece of text without white space into tokens."""
    if text.isascii() and text.isalnum():
        # Most pieces are: a regular expression takes ten times as long.
        word = text.lower()
        return _Piece((word,), ((0, len(word)),), word)
    if text.isalpha() and max(text) < _END_OF_LATIN:
        # Most of the others are words with diacritics.
        tokens = [(text.translate(_folded_letters), (0, len(text)))]
    else:
        tokens = [(fold(token[0]), token.span()) for token in _TOKEN.finditer(text)]
    words: list[str] = []
    spans: list[Span] = []
    for word, span in tokens:
        # A character such as ½, ㎏/㎡ or ヿ folds into several words, which share its span.
        for part in [word] if _ASCII_WORD.fullmatch(word) else _TOKEN.findall(word):
            words.append(part)
            spans.append(span)
    return _Piece(tuple(words), tuple(spans), " ".join(words))


def fold(word: str, *, case: bool = True) -> str:
    """Returns a word in the form in which words are compared; `case=False` keeps capitals."""
    lower = word.lower() if case else word
    if _ASCII_WORD.fullmatch(lower):
        return lower
    bare = _IGNORED_IN_WORDS.sub("", _POSSESSIVE.sub("", word))
    # Case folding may undo normalisation and the other way round (Unicode, section 3.13, D145).
    normal = unicodedata.normalize("NFKC", bare)
    folded = unicodedata.normalize("NFKD", normal.casefold() if case else normal)
    stripped = "".join(char for char in folded if not _is_diacritic(char))
    again = stripped.casefold() if case else stripped
    plain = unicodedata.normalize("NFKC", again).translate(_PLAIN)
    # Compatibility forms of Arabic marks turn into the line that stretches words, and the mark.
    kept: str = _IGNORED_IN_WORDS.sub("", plain)
    return kept


def _is_diacritic(char: str) -> bool:
    kind = unicodedata.combining(char)
    return kind in _POINTS or kind >= _FIRST_AROUND or char == _NUKTA
