"""Snippets: the passages of a text that show why it matched. Pure."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from itertools import pairwise

import regex

from monitor.model import Snippet

Span = tuple[int, int]

ELLIPSIS = "…"
_BREAK_AFTER_SENTENCE = regex.compile(r"(?<=[.!?。！？…][\"'”’»)\]]*)\s+|\n+")
_WHITE_SPACE_RUN = regex.compile(r"\s+")
_GRAPHEME = regex.compile(r"\X")


def snippets(
    text: str, spans: Sequence[Span], *, limit: int = 3, width: int = 240
) -> tuple[Snippet, ...]:
    """Returns the best passages of a text around its matches, in the order of the text.

    `spans` are half-open ranges of code points, sorted. A passage is about `width` code points
    long, begins and ends with sentences if possible, and cuts no grapheme. Without spans, it is the
    beginning of the text.
    """
    text_length = len(text)
    wanted = _merged([span for span in spans if 0 <= span[0] < span[1] <= text_length])
    if not wanted:
        return (_snippet(text, _window(text, (0, 0), width), ()),) if text.strip() else ()
    windows: list[Span] = []
    for first, last in _runs(wanted, width):
        window = _window(text, (wanted[first][0], wanted[last][1]), width)
        if all(window[1] <= other[0] or other[1] <= window[0] for other in windows):
            windows.append(window)
        if len(windows) == limit:
            break
    return tuple(
        _snippet(text, window, [s for s in wanted if window[0] <= s[0] and s[1] <= window[1]])
        for window in sorted(windows)
    )


def _merged(spans: Sequence[Span]) -> list[Span]:
    """Returns the spans in order, with overlapping ones merged."""
    merged: list[Span] = []
    for start, end in sorted(spans):
        if merged and start < merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def _runs(spans: list[Span], width: int) -> list[tuple[int, int]]:
    """Returns for each span the run of spans that a passage from there can show; longest first."""
    ends = [end for _, end in spans]
    runs = [
        (first, max(first, bisect_right(ends, start + width) - 1))
        for first, (start, _) in enumerate(spans)
    ]
    return sorted(runs, key=lambda run: (run[0] - run[1], run[0]))


def _window(text: str, core: Span, width: int) -> Span:
    """Widens a core to about `width`, up to ends of sentences or else of words."""
    room = max(0, width - (core[1] - core[0]))
    earliest = max(0, core[0] - room // 2)
    latest = min(len(text), max(core[1], earliest + width))
    breaks = [gap.span() for gap in _BREAK_AFTER_SENTENCE.finditer(text, earliest, latest)]
    starts = [end for _, end in breaks if end <= core[0]]
    ends = [start for start, _ in breaks if start >= core[1]]
    start = 0 if earliest == 0 else starts[0] if starts else _word_start(text, earliest, core[0])
    if ends and latest < len(text):
        return start, ends[-1]
    return start, latest if latest == len(text) else _word_end(text, latest, core[1])


def _word_start(text: str, at: int, limit: int) -> int:
    space = _WHITE_SPACE_RUN.search(text, at, limit)
    return space.end() if space else _grapheme_end(text, at, limit)


def _word_end(text: str, at: int, limit: int) -> int:
    space = max(text.rfind(" ", limit, at), text.rfind("\n", limit, at))
    return space if space >= limit and space > -1 else _grapheme_end(text, at, len(text))


def _grapheme_end(text: str, at: int, limit: int) -> int:
    """Returns the first grapheme boundary (UAX #29) at or after `at`, but at most `limit`."""
    begin = max(0, at - 32)
    for grapheme in _GRAPHEME.finditer(text, begin, len(text)):
        boundary: int = grapheme.start()
        if boundary >= min(at, limit):
            return min(boundary, limit)
    return limit


def _snippet(text: str, window: Span, spans: Sequence[Span]) -> Snippet:
    """Cuts out a window, collapses its white space, and moves the spans accordingly."""
    start, end = window
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    before = f"{ELLIPSIS} " if text[:start].strip() else ""
    pieces: list[str] = []
    moved: dict[int, int] = {}
    length = len(before)
    marks = sorted({place for span in spans for place in span} | {start, end})
    for piece_start, piece_end in pairwise(marks):
        moved[piece_start] = length
        piece = _WHITE_SPACE_RUN.sub(" ", text[piece_start:piece_end])
        pieces.append(piece)
        length += len(piece)
    moved[end] = length
    after = f" {ELLIPSIS}" if text[end:].strip() else ""
    return Snippet(before + "".join(pieces) + after, tuple((moved[a], moved[b]) for a, b in spans))
