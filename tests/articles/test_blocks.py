"""Splitting pages into blocks."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml.html import document_fromstring

from monitor.articles.blocks import blocks
from monitor.articles.features import NAMES, ArticleHints, features


def read(html):
    return blocks(document_fromstring(f"<html><body>{html}</body></html>"))


def texts(html):
    return [block.text for block in read(html)]


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        ("<p>One <b>bold</b> and <a href=x>linked</a> word</p>", ["One bold and linked word"]),
        ("<p>One</p><p>two</p>", ["One", "two"]),
        ("<div>Before <p>within</p> after</div>", ["Before", "within", "after"]),
        ("One<br>line<br><br>another", ["One line", "another"]),
        ("<table><tr><td>Kyle<td>5040</tr><tr><td>Kevin<td>5033</tr></table>",
         ["Kyle 5040", "Kevin 5033"]),
        ("<table><tr><td><p>A cell</p><p>of a page</p></td></tr></table>", ["A cell", "of a page"]),
        ("<p>Kept<script>gone()</script> text<!-- a remark --> and tail</p>", ["Kept text and tail"]),
        ("<x-card><p>Unknown</p></x-card> <x-w>word</x-w>", ["Unknown", "word"]),
        ("<p> *** </p><p>&nbsp;</p>", []),
        ("<p>これは<ruby>虐待<rp>(</rp><rt>ぎゃくたい</rt><rp>)</rp></ruby>だ</p>", ["これは虐待だ"]),
        ("<p>NATO<sup>1</sup> and <b>EU</b><sup>[2]</sup></p>", ["NATO 1 and EU [2]"]),
        ("<p>10 km<sup>2</sup>, the 21<sup>st</sup>, 10<sup>6</sup></p>", ["10 km2, the 21st, 106"]),
    ],
)  # fmt: skip
def test_all_markup_but_inline_markup_ends_a_block(html, expected):
    assert texts(html) == expected


def test_a_block_counts_its_links_and_notes_whether_it_starts_with_one():
    (block,) = read("<p><a href=x>Read this</a> first of all</p>")
    assert (block.links, block.link_chars, block.starts_with_link) == (1, 9, True)
    (block,) = read("<p>See <a href=x>this</a></p>")
    assert not block.starts_with_link


def test_blocks_with_the_same_path_have_the_same_signature_whatever_their_numbers():
    first, second, other = read(
        "<div><p class=par-1>a</p></div><div><p class=par-2>b</p></div><section><p>c</p></section>"
    )
    assert first.container.signature == second.container.signature != other.container.signature


MARKUP = st.recursive(
    st.text(alphabet="aé北. <&", max_size=8),
    lambda inner: st.builds(
        "<{0}>{1}</{0}>".format,
        st.sampled_from("p div a b td tr table br ul li article x-y script".split()),
        st.lists(inner, max_size=4).map("".join),
    ),
    max_leaves=20,
)


@given(MARKUP)
def test_any_page_has_a_row_of_features_for_each_block(html):
    page = read(html)
    rows = features(page, ArticleHints(title="a", summary="a a a", body="a", opinion="a\na a a"))
    assert [len(row) for row in rows] == [len(NAMES)] * len(page)
    assert all(float(value) == value for row in rows for value in row)
