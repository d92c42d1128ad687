"""Tests of recognising what stands between a reader and the article, and nothing else."""

import gzip
import json
import os
from pathlib import Path

import pytest

from monitor.articles import clean as cleaning
from monitor.articles.clean import Reading
from monitor.articles.features import ArticleHints
from monitor.errors import CleanError

CORPORA = Path(os.environ.get("PRESSWATCH_CORPORA", "../shared/corpora"))
LINK = "https://herald.example/2026/grain"
SENTENCE = (
    "The ministers met again on Monday, by the back door, as they had done before, and nobody would"
    " say afterwards what had come of it, or whether anything had."
)
PARTNERS = {
    "it": "Noi e i nostri 812 partner utilizziamo i cookie per mostrare annunci. Puoi scegliere Accetta tutto.",
    "nl": "Wij en onze 812 partners gebruiken cookies om advertenties te tonen. Kies Alles accepteren.",
    "pl": "My i nasi 812 partnerzy używamy plików cookie, aby wyświetlać reklamy, które pasują do ciebie.",
    "sv": "Vi och våra 812 partner använder cookies för att visa annonser. Välj Godkänn alla om du vill.",
}
EMPTY_APP = "<div id=root></div><script src=/app.js></script>"


def page(title, *paragraphs, head="", body=""):
    text = "".join(f"<p>{paragraph}</p>" for paragraph in paragraphs)
    return f"<title>{title}</title>{head}<main>{text}{body}</main>".encode()


def kind_of(html, final=LINK, **feed):
    """Returns as what a page is refused."""
    hints = ArticleHints(**{"title": "Grain deal collapses in Geneva", **feed})
    with pytest.raises(CleanError) as refused:
        Reading(html, url=final, asked=LINK, feed_hints=hints).page()
    return refused.value.kind


@pytest.mark.parametrize("language", PARTNERS)
def test_pleas_for_consent_are_recognised_in_many_languages(language):
    assert kind_of(page("Herald", PARTNERS[language])) == "consent"


def test_a_plea_for_consent_is_recognised_under_the_articles_own_title():
    plea = (
        "We and our 812 partners value your data. We use cookies and process personal data.",
        "Choose Accept all or Reject all, or manage your choices at any time in the settings.",
    )
    head = '<meta property="og:type" content="article">'
    assert kind_of(page("Grain deal collapses in Geneva", *plea, head=head)) == "consent"


def test_an_article_about_consent_is_an_article():
    html = page(
        "Cookie banners break the law, court says",
        "Publishers that write ‘we use cookies’ beside Accept all, but hide Reject all, break the law, a"
        " court in Vienna has said. Banners must let readers manage their choices, and withdraw consent.",
        "The use of cookies needs consent where they process personal data, the judges said of banners.",
        head='<meta property="og:type" content="article">',
    )
    assert "court in Vienna" in Reading(html, url=LINK, asked=LINK).page().text


@pytest.mark.parametrize(
    ("html", "kind"),
    [
        (page("Log in | Herald", "Already a subscriber? Enter your address and your password to read on, please."), "login"),
        (page("Herald", "Already a subscriber? Then you can read this here. Forgot your password? Then ask for a new one."), "login"),
        (page("Anmelden", "Geben Sie bitte Ihre Adresse und Ihr Passwort ein. Passwort vergessen? Dann hier.", body="<input type=password>"), "login"),
        (page("herald.example", "Checking if the site connection is secure. This may take a few seconds, please wait."), "browser_check"),
        (page("herald.example", SENTENCE, body="<script>window._cf_chl_opt={}</script>"), "browser_check"),
        (page("herald.example", body="<iframe src='https://geo.captcha-delivery.com/captcha/'></iframe>"), "browser_check"),
        (page("Pagina niet gevonden - Herald", SENTENCE), "error_page"),
        (page("Herald", "Sorry: the page you are looking for is not here any more, or has never been here at all."), "error_page"),
        (page("Herald", body=EMPTY_APP), "javascript"),
        (page("Herald", body="<noscript>You need to enable JavaScript to run this app.</noscript>"), "javascript"),
        (page("Herald"), "no_article"),
    ],
)  # fmt: skip
def test_a_wall_is_recognised_and_named(html, kind):
    assert kind_of(html) == kind


@pytest.mark.parametrize(
    ("final", "kind"),
    [
        ("https://consent.herald.example/collect?back=x", "consent"),
        ("https://herald.example/zustimmung?url=x", "consent"),
        ("https://login.herald.example/start", "login"),
        ("https://herald.example/account/signin?next=x", "login"),
        ("https://herald.example/404.html", "error_page"),
        ("https://herald.example/", "error_page"),
    ],
)
def test_a_redirect_to_a_wall_is_recognised_by_its_address(final, kind):
    assert kind_of(page("Herald", SENTENCE, SENTENCE[4:]), final) == kind


@pytest.mark.parametrize(
    "final", ["https://www.herald.example/2026/grain", "https://herald.example/2026/grain-deal"]
)
def test_other_redirects_lead_to_articles(final):
    html = page("Herald", SENTENCE)
    assert Reading(html, url=final, asked=LINK).page().text == SENTENCE


@pytest.mark.parametrize(
    ("title", "more"),
    [
        ("Login failures at three banks", "<input type=password>"),
        ("Police check the browser history", "<div id=root></div>"),
        ("Sorry, says the bank", "<p>Forgot your password?</p>"),
    ],
)
def test_short_articles_beside_forms_and_scripts_are_articles(title, more):
    assert SENTENCE in Reading(page(title, SENTENCE, body=more), url=LINK, asked=LINK).page().text


def _real_pages():
    for corpus in ("articles-benchmark", "articles-news"):
        gold = json.loads((CORPORA / corpus / "gold.json").read_text())
        for name, article in gold.items():
            path = CORPORA / corpus / "pages" / f"{name}.html.gz"
            yield name, article["url"], gzip.decompress(path.read_bytes())


@pytest.mark.skipif(not CORPORA.exists(), reason=f"no corpora of real pages in {CORPORA}")
def test_no_real_article_is_taken_for_a_wall_even_if_it_does_not_call_itself_one(monkeypatch):
    monkeypatch.setattr(cleaning, "is_declared", lambda *_: False)
    walls = {}
    for name, url, html in _real_pages():
        try:
            Reading(html, url=url, asked=url).page()
        except CleanError as error:
            if error.kind not in {"index", "no_article"}:
                walls[name] = error.kind
    assert walls == {}
