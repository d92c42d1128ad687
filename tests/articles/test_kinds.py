"""Pages that are not articles."""

import pytest

from monitor.articles.clean import Reading, clean
from monitor.articles.features import ArticleHints
from monitor.errors import CleanError

SENTENCE = (
    "The ministers met again on Monday, by the back door, as they had done before, and nobody would"
    " say afterwards what had come of it, or whether anything had."
)
CONSENT = (
    "We and our 812 partners store information on your device, such as cookies, and process"
    " personal data, to show you advertising that fits, and to measure what it does.",
    "You can accept all of this, or manage your choices at any time in the settings below.",
)
TEASER = (
    "<article><h2><a href='/{0}'>Grain talks of day {0} run late</a></h2><p><a href='/{0}'>Ministers"
    " from six countries met for the {0}th time in Brussels, and stayed for longer than anybody had"
    " thought they would, sources said</a></p></article>"
)


def page(title, *paragraphs, head="", body=""):
    text = "".join(f"<p>{paragraph}</p>" for paragraph in paragraphs)
    return f"<title>{title}</title>{head}<main><h1>{title}</h1>{text}{body}</main>".encode()


@pytest.mark.parametrize(
    ("html", "reason"),
    [
        (page("404 Not Found", SENTENCE), "went wrong"),
        (page("Seite nicht gefunden | Herald", SENTENCE), "went wrong"),
        (page("Just a moment...", SENTENCE), "browser"),
        (page("herald.example", f"Please enable JavaScript. {SENTENCE}"), "JavaScript"),
        (page("Before you go on", *CONSENT), "consent"),
        (page("Europe", body="".join(map(TEASER.format, range(12)))), "list of other pages"),
        (page("Talk", body=f"<div class=comments><p>{SENTENCE}</p><p>{SENTENCE[4:]}</p></div>"),
         "comments"),
    ],
)  # fmt: skip
def test_a_page_that_is_not_an_article_is_refused_with_a_reason(html, reason):
    with pytest.raises(CleanError, match=reason):
        clean(html)


@pytest.mark.parametrize(
    "title", ["S&P 500 falls", "404 arrests in Lyon", "Body not found in lake", "Sorry, says bank"]
)
def test_headlines_that_sound_like_errors_are_articles(title):
    assert clean(page(title, SENTENCE)).text == SENTENCE


def test_a_page_that_calls_itself_an_article_is_accepted():
    head = '<meta property="og:type" content="article">'
    assert clean(page("Page not found", SENTENCE, head=head)).text == SENTENCE


def test_a_page_with_the_title_that_its_feed_announced_is_accepted():
    hints = ArticleHints(title="We and our partners: what cookie notices say")
    html = page("We and our partners: what cookie notices say", *CONSENT)
    assert Reading(html, feed_hints=hints).page().text == "\n".join(CONSENT)
    with pytest.raises(CleanError, match="consent"):
        Reading(html, feed_hints=ArticleHints(title="Grain prices rise")).page()
