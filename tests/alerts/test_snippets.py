"""Snippets: passages that show why an article matched."""

import regex
from hypothesis import given
from hypothesis import strategies as st

from monitor.alerts.snippets import snippets

SENTENCE = "The ambassadors met in Brussels on Monday and talked for four hours. "


def spans_of(text, word):
    return [found.span() for found in regex.finditer(regex.escape(word), text)]


def marked(snippet):
    return [snippet.text[start:end] for start, end in snippet.highlights]


def test_a_snippet_shows_the_match_in_whole_sentences():
    text = SENTENCE * 5 + "Then the Council rose. " + SENTENCE * 5
    (snippet,) = snippets(text, spans_of(text, "Council"))
    assert marked(snippet) == ["Council"]
    assert snippet.text.startswith("… The ambassadors")
    assert snippet.text.endswith("hours. …")
    assert len(snippet.text) <= 250


def test_the_passages_with_most_matches_are_in_the_order_of_the_text():
    far = SENTENCE * 6
    text = (
        f"One Council. {far}Council, Council and Council. {far}Council, Council. {far}The Council."
    )
    found = snippets(text, spans_of(text, "Council"), limit=2)
    assert [len(snippet.highlights) for snippet in found] == [3, 2]


def test_white_space_is_collapsed_and_highlights_stay_in_place():
    text = "The  NATO-Russia\n\n Council   met."
    (snippet,) = snippets(text, [(5, 26)])
    assert snippet.text == "The NATO-Russia Council met."
    assert marked(snippet) == ["NATO-Russia Council"]


def test_without_a_match_the_snippet_is_the_beginning():
    (snippet,) = snippets(SENTENCE * 9, [])
    assert snippet.text.startswith("The ambassadors")
    assert snippet.highlights == ()
    assert snippets("", []) == ()


def test_overlapping_matches_are_highlighted_as_one():
    (snippet,) = snippets("a b c d", [(0, 3), (2, 5)])
    assert marked(snippet) == ["a b c"]


pieces = st.lists(
    st.sampled_from(
        ["Council", "word", " ", "\n", ". ", "e\u0301", "👩‍👩‍👧", "🇧🇪", "각", "x" * 50]
    ),
    max_size=120,
).map("".join)


@given(pieces, st.integers(1, 4), st.sampled_from([20, 60, 240]))
def test_snippets_of_any_text_highlight_the_matches_and_cut_no_grapheme(text, limit, width):
    spans = spans_of(text, "Council")
    found = snippets(text, spans, limit=limit, width=width)
    assert len(found) <= limit
    assert bool(found) is bool(text.strip())
    flat = regex.sub(r"\s+", " ", text)
    for snippet in found:
        bare = snippet.text.removeprefix("… ").removesuffix(" …")
        assert bare in flat
        assert regex.match(r"[\p{M}\u200d]", bare) is None
        assert not bare.endswith("\u200d")
        assert all(piece.replace("Council", "") == "" for piece in marked(snippet))
    if spans:
        assert any(snippet.highlights for snippet in found)
