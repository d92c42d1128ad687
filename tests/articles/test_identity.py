"""Tests of believing a page about the address of its article."""

import pytest

from monitor.articles.clean import clean
from monitor.articles.identity import canonical, credible


@pytest.mark.parametrize(
    ("page", "claimed"),
    [
        ("https://amp.herald.co.uk/news/grain-deal", "https://www.herald.co.uk/news/grain-deal"),
        ("https://m.herald.co.uk/a/1", "https://www.herald.co.uk/a/1"),
        ("https://www.herald.com/a/story/amp", "https://www.herald.com/a/story"),
        ("https://www.herald.com/a/story/amp/", "https://www.herald.com/a/story"),
        ("https://www.herald.com/a/story?page=2", "https://www.herald.com/a/story?page=1"),
        ("https://www.herald.com/a/story/2", "https://www.herald.com/a/story"),
        ("https://www.herald.com/news/1234567/grain", "https://www.herald.com/news/1234567"),
        ("https://edition.herald.com/2026/x.html", "https://us.herald.com/2026/x.html"),
        (
            "https://www.herald.com/grain-deal-is-off?ab=c",
            "https://www.herald.com/grain-deal-is-off",
        ),
    ],
)
def test_another_address_of_the_same_article_is_believed(page, claimed):
    assert canonical(page, claimed) == claimed


@pytest.mark.parametrize(
    ("page", "claimed"),
    [
        ("https://a.github.io/story", "https://b.github.io/story"),
        ("https://www.herald.co.uk/story", "https://www.courier.co.uk/story"),
        ("https://www.herald.com/world/story", "https://www.herald.com/world"),
        ("https://www.herald.com/world/story", "https://www.herald.com/world/"),
        ("https://www.herald.com/world/story", "https://www.herald.com/index.html"),
        ("https://www.herald.com/en/story", "https://www.herald.com/en/"),
        ("https://www.herald.com/story.php?id=7", "https://www.herald.com/story.php"),
        ("https://www.herald.com/?p=7", "https://www.herald.com/"),
    ],
)
def test_an_address_that_is_not_the_articles_is_not_believed(page, claimed):
    assert canonical(page, claimed) == page


def test_the_first_credible_claim_counts():
    claims = ["https://agency.com/1", "https://www.herald.com/", "https://www.herald.com/a"]
    assert credible("https://m.herald.com/a", claims) == "https://www.herald.com/a"
    assert credible("https://m.herald.com/a", ["https://agency.com/1"]) is None


def test_a_link_to_the_agency_does_not_hide_the_sites_own_address():
    page = clean(
        b"<html><head><title>Grain</title><link rel=canonical href='https://agency.com/1'>"
        b"<meta property='og:url' content='https://www.herald.com/grain'></head><body><article>"
        b"<h1>Grain</h1><p>%s</p></article></body></html>" % (20 * b"The envoys met, and talked. "),
        url="https://amp.herald.com/grain",
    )
    assert page.url == "https://www.herald.com/grain"
