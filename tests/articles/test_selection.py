"""Selecting the blocks of the article."""

import pytest
from lxml.html import document_fromstring

from monitor.articles import selection
from monitor.articles.blocks import blocks
from monitor.articles.features import ArticleHints

PARAGRAPHS = [
    f"On day {number} the envoys met again, spoke for hours about what had been agreed, and left "
    f"by the back door, as they had done before; nobody would say what came of it, number {number}."
    for number in "one two three four five six".split()
]
ARTICLE = "".join(f"<p>{paragraph}</p>" for paragraph in PARAGRAPHS)


def select(html, **hints):
    tree = document_fromstring(f"<html><body>{html}</body></html>")
    hints.setdefault("opinion", "\n".join(PARAGRAPHS))
    return [block.text for block in selection.article(blocks(tree), ArticleHints(**hints))]


def page(more="", beside=""):
    return (
        "<nav><ul><li><a href=/>Home</a><li><a href=/world>World</a></ul></nav>"
        f"<main><article><h1>Envoys meet</h1>{ARTICLE}{more}</article></main>"
        f"<aside class=trending><h2>Trending</h2><ul>{beside}</ul></aside>"
        "<footer><p>All rights reserved</p></footer>"
    )


def test_the_article_is_selected_and_the_trending_list_is_not():
    beside = "".join(f"<li><a href=/{name}>{name}</a>" for name in ("UN", "Manipur", "Mukhtar"))
    text = select(page(beside=beside))
    assert [block for block in text if block in PARAGRAPHS] == PARAGRAPHS
    assert not {"UN", "Manipur", "Mukhtar", "Home", "All rights reserved"} & set(text)


def test_an_advert_between_paragraphs_is_dropped_however_long_it_is():
    advert = (
        "Never miss a European Central Bank decision, trade from your phone, and be early. " * 3
    )
    text = select(page(f"<div class=advert><p>{advert}</p></div>{ARTICLE[:0]}"))
    assert not any("Central Bank" in block for block in text)


def test_readers_comments_are_dropped():
    comments = "".join(
        f"<div class=comment><p>I think that this is wrong, and said so before, {paragraph}</p></div>"
        for paragraph in PARAGRAPHS
    )
    text = select(page(f"<section id=comments>{comments}</section>"))
    assert not any(block.startswith("I think") for block in text)


def test_a_paragraph_with_something_new_is_kept_however_much_it_repeats():
    new = PARAGRAPHS[0].replace("the envoys", "Mr Grushko")
    text = select(
        page(f"<p>{new}</p><p>{PARAGRAPHS[1]}</p>"), opinion="\n".join([*PARAGRAPHS, new])
    )
    assert new in text
    assert text.count(PARAGRAPHS[1]) == 1


def test_a_page_without_blocks_has_no_article():
    assert select("<script>x</script>") == []


def test_a_model_of_other_features_is_refused(tmp_path, monkeypatch):
    other = tmp_path / "model.json"
    other.write_text('{"features": ["words"], "trees": []}')
    monkeypatch.setattr(selection, "MODEL", other)
    with pytest.raises(ValueError, match="train it again"):
        selection._sums.__wrapped__()
