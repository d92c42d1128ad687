"""Tests of finding the article's URL inside the links of aggregators."""

from base64 import urlsafe_b64encode
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.articles.urls import normalise
from monitor.articles.wrappers import unwrapped

STORY = "https://herald.example/2026/grain?id=7&page=2"
WRAPPED = quote(STORY, safe="")


def news_id(url, rest=b"\xd2\x01\x00"):
    raw = url.encode()
    size = bytes([len(raw)] if len(raw) < 128 else [len(raw) & 127 | 128, len(raw) >> 7])
    return urlsafe_b64encode(b'\x08\x13"' + size + raw + rest).decode().rstrip("=")


@pytest.mark.parametrize(
    "link",
    [
        f"https://www.google.com/url?rct=j&sa=t&url={WRAPPED}&ct=ga&cd=abc&usg=x",
        f"https://www.google.co.uk/url?q={WRAPPED}&sa=D",
        f"http://www.bing.com/news/apiclick.aspx?ref=FexRss&aid=&url={WRAPPED}&c=1&mkt=en-us",
        f"https://l.facebook.com/l.php?u={WRAPPED}&h=AT0",
        f"https://www.youtube.com/redirect?event=video&q={WRAPPED}",
        f"https://r.search.yahoo.com/_ylt=A;_ylu=B/RV=2/RE=1/RO=10/RU={WRAPPED}/RK=2/RS=x",
        f"https://news.google.com/rss/articles/{news_id(STORY)}?oc=5",
        f"https://news.google.com/rss/articles/{news_id(STORY)}",
        "https://www.google.com/amp/s/herald.example/2026/grain?id=7&page=2",
        "https://herald-example.cdn.ampproject.org/c/s/herald.example/2026/grain?id=7&page=2",
        f"https://www.google.com/url?url={quote(f'https://l.facebook.com/l.php?u={WRAPPED}', safe='')}",
    ],
)
def test_an_aggregators_link_is_that_of_the_article(link):
    assert unwrapped(link) == STORY
    assert normalise(link) == STORY


def test_a_long_url_in_an_id_of_google_news_is_found():
    url = "https://herald.example/" + 150 * "a"
    assert unwrapped(f"https://news.google.com/articles/{news_id(url)}") == url


@pytest.mark.parametrize(
    "link",
    [
        STORY,
        "https://news.google.com/rss/articles/CBMiX0FVX3lxTE1abc123?oc=5",
        "https://www.google.com/url?url=javascript:alert(1)",
        "https://www.google.com/url?url=https://",
        "https://www.google.com/url?url=http://[x",
        "https://www.google.com.evil.example/url?url=https://a.example/",
        "https://evilgoogle.com/url?url=https://a.example/",
        "https://www.google.com/search?q=https://a.example/",
        "https://facebook.com/story.php?u=https://a.example/",
        "https://www.bing.com/",
    ],
)
def test_other_links_are_left_alone(link):
    assert unwrapped(link) == link


@given(st.text(max_size=80).map("https://www.google.com/url?url={}".format) | st.text(max_size=80))
def test_any_text_can_be_unwrapped(url):
    assert unwrapped(unwrapped(url)) == unwrapped(url)


def test_links_inside_links_end():
    link = STORY
    for _ in range(6):
        link = f"https://www.google.com/url?q={quote(link, safe='')}"
    assert unwrapped(link) == STORY
