"""Cleaning: from the bytes of a page to its article."""

import contextlib
import gzip
import json
import os
import re
import time
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.articles.clean import clean
from monitor.articles.fragments import clean_fragment
from monitor.errors import CleanError

CORPUS = Path(os.environ.get("PRESSWATCH_CORPORA", "../shared/corpora")) / "articles-news"

FIRST = (
    "Ministers from six countries met on Monday in Brussels to talk about grain, and stayed late."
)
SECOND = (
    "They agreed that the talks, which nobody had expected to last, should go on in the spring."
)
THIRD = (
    "A spokesman said that the mood had been good and that the coffee had not been, as so often."
)
PAGE = f"""<!doctype html><html lang="en-GB"><head><title>Grain talks run late | The Herald</title>
<link rel="canonical" href="https://herald.example/grain">
<meta property="og:title" content="Grain talks run late">
<script type="application/ld+json">{{"@type": "NewsArticle", "headline": "Grain talks run late",
"datePublished": "2026-11-23T10:00:00+01:00", "author": {{"@type": "Person", "name": "Ada Lovelace"}}}}</script>
</head><body><header><nav><a href="/">Home</a><a href="/sport">Sport</a></nav></header>
<div class="cookie-banner"><p>We value your privacy and use cookies. <button>Accept</button></p></div>
<main><article><h1>Grain talks run late</h1><p class="byline">By <a rel="author">Ada Lovelace</a></p>
<p>{FIRST}</p>
<p>{SECOND}</p><p>{THIRD}</p></article></main>
<aside class="trending"><h2>Trending</h2><ul><li><a href="/1">Mukhtar Ansari moved</a> 3 minutes ago</li>
<li><a href="/2">Ten recipes</a></li></ul></aside><footer>© The Herald</footer></body></html>"""


def test_the_article_is_selected_and_the_furniture_is_not():
    page = clean(PAGE.encode(), url="https://herald.example/grain?x")
    assert page.title == "Grain talks run late"
    assert page.text.split("\n")[-3:] == [FIRST, SECOND, THIRD]
    for furniture in ("Ansari", "cookies", "recipes", "Sport", "©"):
        assert furniture not in page.text
    assert page.authors == ("Ada Lovelace",)
    assert page.published_at == datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
    assert page.language == "en"
    assert page.url == "https://herald.example/grain"


def test_a_page_may_omit_the_tags_of_head_and_body():
    bare = f"<title>Grain</title><meta name=x><main><h1>Grain</h1><p>{FIRST}<p>{SECOND}</main>"
    assert clean(bare.encode()).text == f"{FIRST}\n{SECOND}"


@pytest.mark.parametrize(
    ("end", "paid", "quality"),
    [
        (THIRD, False, "full"),
        ("They agreed that the talks …", False, "teaser"),
        ("They agreed that the talks [...] Read more", False, "teaser"),
        (THIRD, True, "teaser"),
        (f"{THIRD} {SECOND} " * 8, True, "full"),
    ],
)
def test_teasers_are_distinguished_from_full_texts(end, paid, quality):
    free = '"isAccessibleForFree": false, "@type"' if paid else '"@type"'
    html = PAGE.replace('"@type"', free, 1).replace(f"<p>{THIRD}</p>", f"<p>{end}</p>")
    page = clean(html.encode())
    assert (page.quality, page.paywalled) == (quality, paid)


def test_the_title_is_not_repeated_in_the_text():
    lines = clean(PAGE.encode()).text.split("\n")
    assert "Grain talks run late" not in lines


def test_adverts_and_notices_between_paragraphs_are_left_out():
    advert = (
        '<div class="ad-slot"><p>Buy the Turbo Mop today</p></div>'
        '<aside class="newsletter-signup"><p>Sign up to our newsletter</p></aside>'
        '<div class="related-articles"><ul><li><a href="/3">Storm over Oslo</a></li></ul></div>'
    )
    html = PAGE.replace(f"<p>{SECOND}</p>", f"{advert}<p>{SECOND}</p>")
    text = clean(html.encode()).text
    assert text.split("\n")[-3:] == [FIRST, SECOND, THIRD]
    for furniture in ("Mop", "newsletter", "Oslo"):
        assert furniture not in text


def test_a_date_in_a_meta_element_keeps_its_time_and_zone():
    html = PAGE.replace("datePublished", "x").replace(
        "<head>",
        '<head><meta property="article:published_time" content="2026-11-23T23:30:00-05:00">',
    )
    assert clean(html.encode()).published_at == datetime(2026, 11, 24, 4, 30, tzinfo=UTC)


CYRILLIC = "Министры встретились в Брюсселе, чтобы обсудить поставки зерна на будущий год и цены."
JAPANESE = "閣僚はブリュッセルで会合を開き、来年の穀物供給について長時間にわたって協議した。"


@pytest.mark.parametrize(
    ("text", "charset", "header", "meta"),
    [
        (
            "Café à Liège, où l'on discute longuement de tout et de rien",
            "latin-1",
            "iso-8859-1",
            None,
        ),
        (
            "Café à Liège, où l'on discute longuement de tout et de rien",
            "latin-1",
            None,
            "iso-8859-1",
        ),
        (
            "Café à Liège, où l'on discute longuement de tout et de rien",
            "utf-8",
            "iso-8859-1",
            None,
        ),
        (CYRILLIC, "windows-1251", None, None),
        (CYRILLIC, "utf-16", None, None),
        (JAPANESE, "shift_jis", None, "shift_jis"),
        (JAPANESE, "iso-2022-jp", None, "iso-2022-jp"),
        (JAPANESE, "euc-jp", "nonsense", "euc-jp"),
    ],
)
def test_charsets_follow_from_bytes_claims_and_detection(text, charset, header, meta):
    declared = f'<meta charset="{meta}">' if meta else ""
    html = f"<html><head>{declared}<title>T</title></head><body><article>" + "".join(
        f"<p>{text} {number}</p>" for number in range(6)
    )
    assert text in clean(f"{html}</article></body></html>".encode(charset), charset=header).text


ENGLISH = "The ministers\u2019 caf\u00e9, \u201cNATO\u201d for short, stayed open for long"


def page_of(text, charset, meta):
    paragraphs = "".join(f"<p>{text} {number}</p>" for number in range(6))
    html = f'<html><head><meta charset="{meta}"></head><body><article>{paragraphs}</article></body></html>'
    return html.encode(charset)


@pytest.mark.parametrize(
    ("text", "charset", "meta"),
    [
        (ENGLISH, "cp1252", "iso-8859-1"),
        (ENGLISH, "cp1252", "us-ascii"),
        (ENGLISH, "utf-8", "utf-16"),
        (ENGLISH, "cp1252", "punycode"),
        ("北约与俄罗斯理事会在布鲁塞尔举行会议，朱镕基出席了会议并发表了讲话", "gbk", "gb2312"),
        ("髙橋さんは閣僚会合のあと、記者団に対して穀物の供給について述べた", "cp932", "shift_jis"),
    ],
)
def test_charset_names_have_the_meaning_that_they_have_on_the_web(text, charset, meta):
    assert text in clean(page_of(text, charset, meta)).text


@pytest.mark.parametrize("meta", ["utf-8", "iso-8859-1"])
def test_an_invalid_byte_does_not_spoil_a_page(meta):
    html = page_of(ENGLISH, "utf-8", meta).replace(b"short, stayed", b"short\xe2\x80, stayed", 1)
    assert clean(html).text.count(ENGLISH) == 5


def test_text_in_another_charset_is_not_decoded_as_damaged_utf_8():
    german = "Die Minister hörten über längere Zeit zu, während draußen Bürger für Äpfel anstanden"
    assert german in clean(page_of(german, "cp1252", "utf-8")).text


def test_lone_surrogates_are_removed():
    data = '{"@type": "NewsArticle", "headline": "Grain \\ud800 talks", "author": "A \\udfff B"}'
    html = re.sub(
        r"(ld\+json.>).*?(</script>)",
        rf"\1{data.encode('unicode_escape').decode()}\2",
        PAGE,
        flags=re.DOTALL,
    )
    page = clean(html.encode())
    "".join((page.title, page.text, *page.authors)).encode()
    clean_fragment("<p>a \ud800 b</p>").encode()


def test_dates_are_read_from_structured_data_that_is_not_strict_json():
    html = PAGE.replace('"headline": "Grain talks', '"headline": "Grain\n talks')
    assert clean(html.encode()).published_at == datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


@pytest.mark.parametrize("html", ["<a" * 200_000, "&a" * 200_000, "<!--" * 100_000])
def test_hostile_fragments_are_cleaned_quickly(html):
    begun = time.monotonic()
    clean_fragment(html)
    assert time.monotonic() - begun < 5


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("plain  text\nand more", "plain text\nand more"),
        ("<p>One &amp; two</p><p>Three</p>", "One & two\nThree"),
        ("a<br>b<script>evil()</script><!-- x -->", "a\nb"),
        ("NATO&#8211;Russia", "NATO\u2013Russia"),
        ("5 < 6 and 7 > 3", "5 < 6 and 7 > 3"),
        ("<html><body><p>One</p><p>Two</p></body></html>", "One\nTwo"),
        ("<html lang='en'>One <b>two</b>", "One two"),
        ("<html>", ""),
        ("", ""),
        ("<table><tr><th>NATO</th><td>EU</td></tr></table>", "NATO EU"),
        ("<details><summary>NATO</summary>met</details>", "NATO\nmet"),
        ("<ruby>虐待<rt>ぎゃくたい</rt></ruby>だ", "虐待だ"),
        ("<p><b>NATO</b><sup>1</sup></p>", "NATO 1"),
        ("<p>NATO<sup>1</sup></p>", "NATO 1"),
    ],
)
def test_html_from_a_feed_becomes_text(html, text):
    assert clean_fragment(html) == text


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"   ",
        b"\x00" * 1000,
        bytes(range(256)) * 50,
        b"\x89PNG\r\n\x1a\n" + bytes(2000),
        b"<div>" * 100_000 + b"deep",
        b"<p>" + b"word " * 1_000_000,
        b"<html><body>" + b"<p>x</p>" * 300_000,
        b"<table>" * 3000 + b"<tr><td>" * 3000,
        b"<a href='" + b"x" * 3_000_000,
        b"<p " + b" ".join(b"a%d" % number for number in range(300_000)) + b">",
        (b"<div>" * 190 + b"word " * 20 + b"</div>" * 190) * 250,
        b'<script type="application/ld+json">' + b"[" * 100_000 + b"</script>",
        b"\x1f\x8b\x08\x00" + gzip.compress(b"x" * 1000, mtime=0),
    ],
    ids=lambda content: f"{content[:12]!r}",
)
def test_hostile_pages_are_cleaned_or_refused_quickly(content):
    begun = time.monotonic()
    with contextlib.suppress(CleanError):
        clean(content)
    # Much longer than any page takes, but short enough to notice an endless loop.
    assert time.monotonic() - begun < 30


soup = st.lists(
    st.sampled_from(["<p>", "</p>", "<div ", "class='ad'", ">", "<script>", "<!--", "-->", "&#x0;",
                     "<title>", "<svg>", "<math>", "<![CDATA[", "words and words ", "é", "\x00"]),
    max_size=40,
).map("".join)  # fmt: skip


@settings(deadline=None, max_examples=60)
@given(st.binary(max_size=200) | soup.map(str.encode))
def test_any_bytes_give_a_page_or_raise_clean_error(content):
    try:
        page = clean(content)
    except CleanError:
        return
    assert page.text.strip()


@settings(deadline=None, max_examples=100)
@given(st.lists(st.sampled_from(["<html>", "<html lang=''>", "<head>", "<body>", "</body>", "<p>",
                                 "<form>", "<script>", "</script>", "<!-- ", "<frameset>", "<br>",
                                 "&#0;", "words", "\x00"]), max_size=20).map("".join))  # fmt: skip
def test_any_fragment_gives_text(html):
    text = clean_fragment(html)
    assert text == text.strip()


def shingles(text):
    words = re.findall(r"\w+", text)
    return Counter(tuple(words[at : at + 4]) for at in range(max(1, len(words) - 3)))


@pytest.mark.skipif(not CORPUS.exists(), reason=f"no corpus of real pages in {CORPUS}")
def test_real_pages_keep_their_article_and_lose_their_furniture():
    gold = json.loads((CORPUS / "gold.json").read_text(encoding="utf-8"))
    precision = recall = 0.0
    names = sorted(gold)[::4][:30]
    for name in names:
        wanted = shingles(gold[name]["body"])
        try:
            extracted = shingles(
                clean(gzip.decompress((CORPUS / "pages" / f"{name}.html.gz").read_bytes())).text
            )
        except CleanError:
            continue
        common = (wanted & extracted).total()
        precision += common / extracted.total() / len(names)
        recall += common / wanted.total() / len(names)
    assert 2 * precision * recall / (precision + recall) >= 0.93


@pytest.mark.parametrize(
    "data",
    ['"\\' * 300_000, "/*" * 300_000, '{"a":1,' + " " * 600_000 + "x", "[" * 600_000],
    ids=["escapes", "comments", "spaces", "brackets"],
)
@pytest.mark.timeout(30)
def test_structured_data_is_read_in_linear_time(data):
    script = f'<script type="application/ld+json">{data}</script>'
    page = clean(PAGE.replace("</head>", f"{script}</head>").encode())
    assert page.title == "Grain talks run late"
