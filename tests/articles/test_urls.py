"""Normalised and canonical URLs."""

from urllib.parse import urljoin

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.articles import urls
from monitor.articles.identity import canonical
from monitor.articles.urls import (
    host,
    is_front_page,
    joined,
    normalise,
    normalise_link,
)


@pytest.mark.parametrize(
    ("url", "normal"),
    [
        ("HTTPS://Example.ORG:443/a/../b?x=1#part", "https://example.org/b?x=1"),
        ("http://example.org:80", "http://example.org/"),
        (" https://example.org/a ", "https://example.org/a"),
        ("https://me:pw@example.org/a", "https://example.org/a"),
        ("https://example.org/a?utm_source=rss&id=7&fbclid=x", "https://example.org/a?id=7"),
        ("https://example.org/a?cid=1&ref=2&src=3", "https://example.org/a?cid=1&ref=2&src=3"),
        ("https://example.org/a?xtor=RSS-1&at_medium=RSS", "https://example.org/a"),
        ("https://example.org/%7euser/%c3%a9", "https://example.org/~user/%C3%A9"),
        ("https://example.org/?12345", "https://example.org/?12345"),
        ("https://example.org/a?x&&y=&utm_id", "https://example.org/a?x&y="),
        ("https://example.org/a?x=1;y=2&z=a+b%2Bc", "https://example.org/a?x=1;y=2&z=a+b%2Bc"),
        ("https://example.org/a?%75tm_source=rss", "https://example.org/a"),
        ("https://example.org/a%2fb%3Fc", "https://example.org/a%2Fb%3Fc"),
        ("https://example.org/caf%E9?x=%E9", "https://example.org/caf%E9?x=%E9"),
        ("https://example.org/a/%2e%2e/b", "https://example.org/b"),
        ("mailto:me@example.org", "mailto:me@example.org"),
        ("not an address", "not an address"),
        ("", ""),
    ],
)
def test_urls_are_normalised(url, normal):
    assert normalise(url) == normal


PIECES = st.lists(st.sampled_from("%2e . / %2F %25 2e %E9 %zz ? & = ; + utm_x a @ :".split())).map(
    "".join
)


@given(
    st.text(max_size=40)
    | st.builds(
        "https://{}/{}?{}#x".format,
        st.sampled_from(["a.example", "Ä.example", "me:pw@A.example:443", "[::1]:8080", "a:x"]),
        st.text(max_size=15) | PIECES,
        st.text(max_size=15) | PIECES,
    )
)
def test_normalising_twice_changes_nothing(url):
    assert normalise(normalise(url)) == normalise(url)


@given(
    st.builds(
        "{}://{}{}/{}{}".format,
        st.sampled_from(["http", "https", "HTTP"]),
        st.sampled_from("a.example www.b-c.example xn--bcher-kva.example 1.2.3.com a--b.com -a.com a..com x".split())
        | st.sampled_from("127.0.0.1 1.2.3 1.2.3.4.5 01.2.3.4 0.0.0.0 300.1.1.1 1.2.3.4a".split())
        | st.text("ab1-.", max_size=8).map("{}.com".format),
        st.sampled_from(["", "", ":", ":80", ":443", ":8", ":080", ":8080", ":65535", ":65536", ":99999"]),
        st.lists(st.text("aZ9_~.-%2\u00e9 ", max_size=6) | st.sampled_from(". .. ... a.. %2e %41".split())).map("/".join),
        st.sampled_from(["", "", "?p=123", "?p=", "?to=1&p=2", "?ito=1", "?p=1#a", "#a", "#", "#[?/", "# ", "?#a#b"]),
    )
)  # fmt: skip
def test_a_url_that_looks_normal_is_normal(url):
    assert normalise(url) == urls._normalised(url)
    assert joined("https://a.example/b", url) == urljoin("https://a.example/b", url)


@pytest.mark.parametrize(
    ("claimed", "expected"),
    [
        ("https://www.example.org/other", "https://www.example.org/other"),
        ("https://example.org/a?utm_x=1", "https://example.org/a"),
        ("https://amp.example.org/a", "https://amp.example.org/a"),
        ("/b", "https://www.example.org/b"),
        ("https://m.example.org/a", "https://m.example.org/a"),
        ("//example.org/a", "https://example.org/a"),
        ("?page=2", "https://www.example.org/a?page=2"),
        ("https://www.example.org", "https://www.example.org/a"),
        ("https://www.example.org/#top", "https://www.example.org/a"),
        ("https://example.org.evil.example/a", "https://www.example.org/a"),
        ("https://www.example.org@evil.example/a", "https://www.example.org/a"),
        ("https://www.example.org/", "https://www.example.org/a"),
        ("https://evil.example/a", "https://www.example.org/a"),
        ("javascript:x", "https://www.example.org/a"),
        ("https://[", "https://www.example.org/a"),
        ("", "https://www.example.org/a"),
        (None, "https://www.example.org/a"),
    ],
)
def test_a_canonical_url_is_believed_only_on_the_same_site_and_for_a_page(claimed, expected):
    assert canonical("https://www.example.org/a?fbclid=1", claimed) == expected


@given(st.text(max_size=20) | PIECES.map("https://www.example.org/{}".format))
def test_any_claim_gives_a_url_on_the_same_site(claimed):
    url = canonical("https://www.example.org/a", claimed)
    assert host(url) in {"www.example.org", "example.org"}
    assert not is_front_page(url)


def test_a_page_without_a_url_is_believed_if_its_claim_is_a_web_url():
    assert canonical("", "https://example.org/a") == "https://example.org/a"
    assert canonical("", "javascript:x") == ""


def test_hosts_and_front_pages():
    assert host("https://Example.org:8080/a") == "example.org"
    assert host("https://[") == ""
    assert is_front_page("https://example.org/#top")
    assert not is_front_page("https://example.org/?p=1")


@pytest.mark.parametrize(
    "fragment",
    ["", "xtor=RSS-3208", "utm_source=rss&utm_medium=feed", "ref=rss", "comments", ":~:text=a"],
)
def test_a_fragment_that_does_not_name_an_entry_is_removed(fragment):
    assert normalise_link(f"https://a.example/1#{fragment}") == "https://a.example/1"


@pytest.mark.parametrize("fragment", ["post-17", "v1.2.0", "block=17", "!/17"])
def test_a_fragment_that_may_name_an_entry_is_kept(fragment):
    link = f"https://A.example/live?utm_source=rss#{fragment}"
    assert normalise_link(link) == f"https://a.example/live#{fragment}"


@pytest.mark.parametrize("bad", ["http://[bad", "//[", "http://[::1%/"])
def test_an_address_that_is_not_one_is_never_joined(bad):
    assert joined("https://herald.example/a", bad) is None
    assert joined("", bad) is None
    assert canonical("https://herald.example/a", bad) == "https://herald.example/a"
    assert not is_front_page(bad)
